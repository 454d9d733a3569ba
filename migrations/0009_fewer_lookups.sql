-- Groups of new commands with fewer look-ups. The functions keep what they take and return: a replica that has
-- not been replaced yet calls them too.

-- Of a run without settings no key has to be looked up. Stays true when the last setting becomes a command.
ALTER TABLE signalbox.runs ADD COLUMN declares_settings boolean NOT NULL DEFAULT false;

UPDATE signalbox.runs r SET declares_settings = true
 WHERE EXISTS (SELECT FROM signalbox.declared_keys d WHERE d.run_no = r.run_no AND d.kind = 2);

CREATE OR REPLACE FUNCTION signalbox.declare_keys(
  p_run_no bigint, p_key text[], p_kind smallint[], p_description text[], p_max int)
RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run signalbox.runs;
BEGIN
  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN 1; END IF;
  IF v_run.end_time IS NOT NULL THEN RETURN 2; END IF;
  IF (SELECT count(*) FROM (SELECT d.key FROM signalbox.declared_keys d WHERE d.run_no = p_run_no
                            UNION SELECT k COLLATE "C" FROM unnest(p_key) k) keys) > p_max THEN
    RETURN 3;
  END IF;
  INSERT INTO signalbox.declared_keys AS d (run_no, key, kind, description)
  SELECT p_run_no, t.key, t.kind, t.description FROM unnest(p_key, p_kind, p_description) t(key, kind, description)
      ON CONFLICT (run_no, key) DO UPDATE SET kind = excluded.kind, description = excluded.description
   WHERE (d.kind, d.description) IS DISTINCT FROM (excluded.kind, excluded.description);
  UPDATE signalbox.runs r SET declares_settings = true
   WHERE r.run_no = p_run_no AND 2 = ANY (p_kind) AND NOT r.declares_settings;
  RETURN 0;
END $$;

-- As before, but a request id that was used before shows when its row is inserted.
CREATE OR REPLACE FUNCTION signalbox.append_group(
  p_run_nos bigint[], p_known_sequence bigint[], p_known_change bigint[], p_place int[],
  p_id text[], p_project text[], p_rank bigint[], p_max_pending bigint,
  p_run int[], p_key text[], p_value bytea[], p_kind smallint[], p_request_id bytea[],
  p_fingerprint bytea[], p_ttl_us bigint[], p_reason text[], p_publisher text[], p_nonce bigint[])
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
      FROM (SELECT coalesce(
                     (SELECT m.sequence FROM signalbox.messages m
                       WHERE m.run_no = t.run_no
                         AND m.sequence > greatest(t.pruned_sequence, t.known_sequence - 1)
                       ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1),
                     CASE WHEN t.known_sequence > t.pruned_sequence THEN NULL ELSE t.pruned_sequence END) AS sequence,
                   coalesce(
                     (SELECT m.change FROM signalbox.messages m
                       WHERE m.run_no = t.run_no AND m.change > greatest(t.pruned_change, t.known_change - 1)
                       ORDER BY m.run_no DESC, m.change DESC LIMIT 1),
                     CASE WHEN t.known_change > t.pruned_change THEN NULL ELSE t.pruned_change END) AS change
              FROM unnest(p_run_nos, v_pruned_sequence, v_pruned_change, p_known_sequence, p_known_change)
                   WITH ORDINALITY t(run_no, pruned_sequence, pruned_change, known_sequence, known_change, ord)
             ORDER BY t.ord) h;
  END IF;

  -- Whether a request id was used before is not looked up: nearly none was, and the index tells. Nobody else adds
  -- to these runs meanwhile, so it tells what a look-up would.
  IF v_is_usual THEN
    BEGIN
      -- Seconds and the rest apart, each of which a product with an interval holds exactly.
      INSERT INTO signalbox.messages (
        run_no, sequence, nonce, create_time, expire_time, kind, state, key, value, publisher, reason, request_id,
        fingerprint)
      SELECT p_run_nos[t.run], v_sequence[t.run] + t.place, t.nonce, v_now,
             v_now + t.ttl_us / 1000000 * interval '1 second' + t.ttl_us % 1000000 * interval '1 microsecond',
             1, 1, t.key, t.value, coalesce(t.publisher, ''), coalesce(t.reason, ''), t.request_id, t.fingerprint
        FROM unnest(p_run, p_place, p_key, p_value, p_request_id, p_fingerprint, p_ttl_us, p_reason, p_publisher,
                    p_nonce)
             t(run, place, key, value, request_id, fingerprint, ttl_us, reason, publisher, nonce);
      RETURN QUERY
      SELECT NULL::bigint, 0, t.run_no, t.id, t.sequence, t.change, NULL::bigint, 1::smallint, 1::smallint,
             NULL::bigint, v_now, NULL::timestamptz, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz
        FROM unnest(p_run_nos, p_id, v_sequence, v_change) t(run_no, id, sequence, change);
      RETURN;
    EXCEPTION WHEN unique_violation THEN
      -- What was inserted is undone.
    END;
  END IF;

  RETURN QUERY
  SELECT a.* FROM signalbox.append_messages(
    p_id, p_project, p_rank, p_max_pending, p_run, p_key, p_value,
    CASE WHEN p_kind = '{}' THEN array_fill(0::smallint, ARRAY[v_items]) ELSE p_kind END, p_request_id,
    p_fingerprint, p_ttl_us, CASE WHEN p_reason = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_reason END,
    CASE WHEN p_publisher = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_publisher END, p_nonce) a;
END $$;
