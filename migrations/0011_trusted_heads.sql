-- The usual groups of publishes in less time again. The function of before stays: a replica that has not been
-- replaced yet calls it.

-- Takes what the append_group() of before takes, and
--   p_is_newest         of each run, whether what the caller knows of it is to be taken for its newest, without a look.
--                       It may be where nobody took back anything since the caller saw it. If somebody else wrote
--                       meanwhile, the primary key refuses the sequences, and append_messages() looks for itself. That a
--                       message left PENDING meanwhile does not matter here: changes are not given out, and a position
--                       that is further back than it might be is still true.
-- and, in place of arrays of bytes, whose text has two digits for each,
--   p_content           value, request id and fingerprint of each item, one after the other
--   p_begin             where in it the item begins, from 1
--   p_value_size, p_request_id_size, p_fingerprint_size  in bytes, or null where the item has none
CREATE FUNCTION signalbox.append_group(
  p_run_nos bigint[], p_known_sequence bigint[], p_known_change bigint[], p_is_newest boolean[], p_place int[],
  p_id text[], p_project text[], p_rank bigint[], p_max_pending bigint,
  p_run int[], p_key text[], p_content bytea, p_begin int[], p_value_size int[], p_request_id_size int[],
  p_fingerprint_size int[], p_kind smallint[], p_ttl_us bigint[], p_reason text[], p_publisher text[],
  p_nonce bigint[])
RETURNS TABLE (
  item bigint, outcome int, run_no bigint, run_id text, head_sequence bigint, head_change bigint,
  sequence bigint, kind smallint, state smallint, change bigint, create_time timestamptz,
  expire_time timestamptz, superseded_sequence bigint, superseded_nonce bigint, superseded_change bigint,
  run_end_time timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_pruned_sequence bigint[]; v_pruned_change bigint[]; v_sequence bigint[]; v_change bigint[];
  v_items int := cardinality(p_key);
  v_declares_settings boolean; v_is_usual boolean := false;
  v_value bytea[]; v_request_id bytea[]; v_fingerprint bytea[];
BEGIN
  IF array_position(p_run_nos, NULL) IS NOT NULL THEN
    p_run_nos := signalbox.resolve_runs(p_id, p_project, p_rank);
  END IF;

  -- The locks that order all changes of these runs, in order of run_no, as lock_runs() takes them. The caller's
  -- memory is only believed where the row says so too: an id may name another run by now.
  IF p_run_nos IS NOT NULL THEN
    SELECT array_agg(r.pruned_sequence), array_agg(r.pruned_change), bool_or(r.declares_settings),
           count(*) = cardinality(p_run_nos) AND bool_and(coalesce(r.is_it, false) AND r.end_time IS NULL)
      INTO v_pruned_sequence, v_pruned_change, v_declares_settings, v_is_usual
      FROM (SELECT l.*
              FROM (SELECT t.ord, r.id = t.id AS is_it, r.end_time, r.pruned_sequence, r.pruned_change,
                           r.declares_settings
                      FROM unnest(p_run_nos, p_id) WITH ORDINALITY t(run_no, id, ord)
                      JOIN signalbox.runs r ON r.run_no = t.run_no
                     ORDER BY r.run_no FOR NO KEY UPDATE OF r) l
             ORDER BY l.ord) r;
    v_now := clock_timestamp();
  END IF;

  -- On a fresh snapshot: the heads, and whether all items are commands for which there is room.
  IF v_is_usual THEN
    SELECT array_agg(h.sequence), array_agg(h.change),
           bool_and(coalesce(h.sequence - h.change + v_items <= p_max_pending, false))
           AND NOT 2 = ANY (p_kind)
           AND NOT (v_declares_settings AND EXISTS (
             SELECT FROM unnest(p_run, p_key, p_kind) t(run, key, kind)
              WHERE coalesce(t.kind, 0) = 0 AND (SELECT d.kind FROM signalbox.declared_keys d
                                                  WHERE d.run_no = p_run_nos[t.run] AND d.key = t.key) = 2))
      INTO v_sequence, v_change, v_is_usual
      FROM (SELECT CASE WHEN t.is_newest AND t.known_sequence >= t.pruned_sequence THEN t.known_sequence ELSE coalesce(
                     (SELECT m.sequence FROM signalbox.messages m
                       WHERE m.run_no = t.run_no
                         AND m.sequence > greatest(t.pruned_sequence, t.known_sequence - 1)
                       ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1),
                     CASE WHEN t.known_sequence > t.pruned_sequence THEN NULL ELSE t.pruned_sequence END)
                   END AS sequence,
                   CASE WHEN t.is_newest THEN greatest(t.known_change, t.pruned_change) ELSE coalesce(
                     (SELECT m.change FROM signalbox.messages m
                       WHERE m.run_no = t.run_no AND m.change > greatest(t.pruned_change, t.known_change - 1)
                       ORDER BY m.run_no DESC, m.change DESC LIMIT 1),
                     CASE WHEN t.known_change > t.pruned_change THEN NULL ELSE t.pruned_change END)
                   END AS change
              FROM unnest(p_run_nos, v_pruned_sequence, v_pruned_change, p_known_sequence, p_known_change, p_is_newest)
                   WITH ORDINALITY
                   t(run_no, pruned_sequence, pruned_change, known_sequence, known_change, is_newest, ord)
             ORDER BY t.ord) h;
  END IF;

  -- Whether a request id was used before is not looked up: nearly none was, and the index tells. Nobody else adds
  -- to these runs meanwhile, so it tells what a look-up would. The same goes for a sequence that was given out.
  IF v_is_usual THEN
    BEGIN
      -- Seconds and the rest apart, each of which a product with an interval holds exactly.
      INSERT INTO signalbox.messages (
        run_no, sequence, nonce, create_time, expire_time, kind, state, key, value, publisher, reason, request_id,
        fingerprint)
      SELECT p_run_nos[t.run], v_sequence[t.run] + t.place, t.nonce, v_now,
             v_now + t.ttl_us / 1000000 * interval '1 second' + t.ttl_us % 1000000 * interval '1 microsecond',
             1, 1, t.key, substr(p_content, t.begin, t.value_size), coalesce(t.publisher, ''), coalesce(t.reason, ''),
             substr(p_content, t.begin + t.value_size, t.request_id_size),
             substr(p_content, t.begin + t.value_size + t.request_id_size, t.fingerprint_size)
        FROM unnest(p_run, p_place, p_key, p_begin, p_value_size, p_request_id_size, p_fingerprint_size, p_ttl_us,
                    p_reason, p_publisher, p_nonce)
             t(run, place, key, begin, value_size, request_id_size, fingerprint_size, ttl_us, reason, publisher, nonce);
      RETURN QUERY
      SELECT NULL::bigint, 0, t.run_no, t.id, t.sequence, t.change, NULL::bigint, 1::smallint, 1::smallint,
             NULL::bigint, v_now, NULL::timestamptz, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz
        FROM unnest(p_run_nos, p_id, v_sequence, v_change) t(run_no, id, sequence, change);
      RETURN;
    EXCEPTION WHEN unique_violation THEN
      -- What was inserted is undone.
    END;
  END IF;

  SELECT array_agg(i.value), array_agg(i.request_id), array_agg(i.fingerprint)
    INTO v_value, v_request_id, v_fingerprint
    FROM (SELECT substr(p_content, t.begin, t.value_size) AS value,
                 substr(p_content, t.begin + t.value_size, t.request_id_size) AS request_id,
                 substr(p_content, t.begin + t.value_size + t.request_id_size, t.fingerprint_size) AS fingerprint
            FROM unnest(p_begin, p_value_size, p_request_id_size, p_fingerprint_size) WITH ORDINALITY
                 t(begin, value_size, request_id_size, fingerprint_size, ord)
           ORDER BY t.ord) i;
  RETURN QUERY
  SELECT a.* FROM signalbox.append_messages(
    p_id, p_project, p_rank, p_max_pending, p_run, p_key, v_value,
    CASE WHEN p_kind = '{}' THEN array_fill(0::smallint, ARRAY[v_items]) ELSE p_kind END, v_request_id,
    v_fingerprint, p_ttl_us, CASE WHEN p_reason = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_reason END,
    CASE WHEN p_publisher = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_publisher END, p_nonce) a;
END $$;
