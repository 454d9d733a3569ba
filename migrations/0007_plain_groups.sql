-- The usual groups in less time: new commands to runs whose numbers the caller remembers, and acks of what
-- is pending. They need no judging of one item against another; every other group is left to
-- append_messages() and ack_messages(), in the same transaction.

-- Takes what append_messages() takes, and
--   p_run_nos  for each run its number, or null where it is not known; p_id holds every id then, and no run
--              twice. Null instead of an array: the group is not of the usual kind.
--   p_place    for each item its place among those to its run: 1, 2, 3, …
-- An array may be empty where all it would hold is null, '' or 0. Returns what append_messages() does, or,
-- when all items were stored as commands that are pending, one row per run, in the order of p_run_nos: there
-- `item` and `sequence` are null, and the sequence of an item is head_sequence plus its place.
CREATE FUNCTION signalbox.append_group(
  p_run_nos bigint[], p_place int[],
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
  v_is_usual boolean := false;
BEGIN
  IF array_position(p_run_nos, NULL) IS NOT NULL THEN
    p_run_nos := signalbox.resolve_runs(p_id, p_project, p_rank);
  END IF;

  -- The locks that order all changes of these runs, in order of run_no, as lock_runs() takes them. The caller's
  -- memory is only believed where the row says so too: an id may name another run by now.
  IF p_run_nos IS NOT NULL THEN
    SELECT array_agg(r.pruned_sequence), array_agg(r.pruned_change),
           count(*) = cardinality(p_run_nos) AND bool_and(coalesce(r.is_it, false) AND r.end_time IS NULL)
      INTO v_pruned_sequence, v_pruned_change, v_is_usual
      FROM (SELECT l.*
              FROM (SELECT t.ord, r.id = t.id AS is_it, r.end_time, r.pruned_sequence, r.pruned_change
                      FROM unnest(p_run_nos, p_id) WITH ORDINALITY t(run_no, id, ord)
                      JOIN signalbox.runs r ON r.run_no = t.run_no
                     ORDER BY r.run_no FOR NO KEY UPDATE OF r) l
             ORDER BY l.ord) r;
    v_now := clock_timestamp();
  END IF;

  -- On a fresh snapshot: the heads, and whether all items are new commands for which there is room.
  IF v_is_usual THEN
    SELECT array_agg(h.sequence), array_agg(h.change),
           bool_and(h.sequence - h.change + v_items <= p_max_pending)
           AND NOT EXISTS (
             SELECT FROM unnest(p_run, p_key, p_kind, p_request_id) t(run, key, kind, request_id)
              WHERE t.kind = 2
                 OR coalesce(t.kind, 0) = 0 AND (SELECT d.kind FROM signalbox.declared_keys d
                                                  WHERE d.run_no = p_run_nos[t.run] AND d.key = t.key) = 2
                 OR (SELECT m.sequence FROM signalbox.messages m
                      WHERE m.run_no = p_run_nos[t.run] AND m.request_id = t.request_id) IS NOT NULL)
      INTO v_sequence, v_change, v_is_usual
      FROM (SELECT greatest(t.pruned_sequence,
                            (SELECT m.sequence FROM signalbox.messages m
                              WHERE m.run_no = t.run_no AND m.sequence > t.pruned_sequence
                              ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1)) AS sequence,
                   greatest(t.pruned_change,
                            (SELECT m.change FROM signalbox.messages m
                              WHERE m.run_no = t.run_no AND m.change > t.pruned_change
                              ORDER BY m.run_no DESC, m.change DESC LIMIT 1)) AS change
              FROM unnest(p_run_nos, v_pruned_sequence, v_pruned_change) WITH ORDINALITY
                   t(run_no, pruned_sequence, pruned_change, ord)
             ORDER BY t.ord) h;
  END IF;

  IF v_is_usual THEN
    -- Seconds and the rest apart, each of which a product with an interval holds exactly.
    INSERT INTO signalbox.messages (
      run_no, sequence, nonce, create_time, expire_time, kind, state, key, value, publisher, reason, request_id,
      fingerprint)
    SELECT p_run_nos[t.run], v_sequence[t.run] + t.place, t.nonce, v_now,
           v_now + t.ttl_us / 1000000 * interval '1 second' + t.ttl_us % 1000000 * interval '1 microsecond',
           1, 1, t.key, t.value, coalesce(t.publisher, ''), coalesce(t.reason, ''), t.request_id, t.fingerprint
      FROM unnest(p_run, p_place, p_key, p_value, p_request_id, p_fingerprint, p_ttl_us, p_reason, p_publisher, p_nonce)
           t(run, place, key, value, request_id, fingerprint, ttl_us, reason, publisher, nonce);
    RETURN QUERY
    SELECT NULL::bigint, 0, t.run_no, t.id, t.sequence, t.change, NULL::bigint, 1::smallint, 1::smallint,
           NULL::bigint, v_now, NULL::timestamptz, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz
      FROM unnest(p_run_nos, p_id, v_sequence, v_change) t(run_no, id, sequence, change);
    RETURN;
  END IF;

  RETURN QUERY
  SELECT a.* FROM signalbox.append_messages(
    p_id, p_project, p_rank, p_max_pending, p_run, p_key, p_value,
    CASE WHEN p_kind = '{}' THEN array_fill(0::smallint, ARRAY[v_items]) ELSE p_kind END, p_request_id,
    p_fingerprint, p_ttl_us, CASE WHEN p_reason = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_reason END,
    CASE WHEN p_publisher = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_publisher END, p_nonce) a;
END $$;

-- Takes what ack_messages() takes, and p_place: for each item its place among those of its run, 1, 2, 3, …
-- Arrays may be empty as above. Rows come in no order.
CREATE FUNCTION signalbox.ack_group(
  p_runs bigint[], p_place int[],
  p_run int[], p_call int[], p_sequence bigint[], p_nonce bigint[], p_consumer text[], p_outcome smallint[],
  p_reply bytea[], p_error text[], p_step bigint[])
RETURNS TABLE (
  item bigint, head_sequence bigint, head_change bigint, run_id text, message signalbox.messages)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_id text[]; v_pruned_sequence bigint[]; v_pruned_change bigint[]; v_sequence bigint[]; v_change bigint[];
  v_places tid[]; v_items int := cardinality(p_run);
  v_is_usual boolean;
BEGIN
  SELECT array_agg(r.id), array_agg(r.pruned_sequence), array_agg(r.pruned_change), count(*) = cardinality(p_runs)
    INTO v_id, v_pruned_sequence, v_pruned_change, v_is_usual
    FROM (SELECT l.*
            FROM (SELECT t.ord, r.id, r.pruned_sequence, r.pruned_change
                    FROM unnest(p_runs) WITH ORDINALITY t(run_no, ord)
                    JOIN signalbox.runs r ON r.run_no = t.run_no
                   ORDER BY r.run_no FOR NO KEY UPDATE OF r) l
           ORDER BY l.ord) r;
  v_now := clock_timestamp();

  -- Whether all are there and pending. Nobody moves a row meanwhile, because the run is locked.
  IF v_is_usual THEN
    SELECT array_agg(s.ctid),
           count(*) = v_items AND bool_and(s.state = 1 AND (s.expire_time IS NULL OR s.expire_time > v_now))
      INTO v_places, v_is_usual
      FROM (SELECT m.ctid, m.state, m.expire_time
              FROM unnest(p_run, p_sequence, p_nonce) WITH ORDINALITY t(run, sequence, nonce, ord)
              JOIN signalbox.messages m
                ON m.run_no = p_runs[t.run] AND m.sequence = t.sequence AND m.nonce = t.nonce
             ORDER BY t.ord) s;
  END IF;

  IF v_is_usual THEN
    SELECT array_agg(h.sequence), array_agg(h.change)
      INTO v_sequence, v_change
      FROM (SELECT greatest(t.pruned_sequence,
                            (SELECT m.sequence FROM signalbox.messages m
                              WHERE m.run_no = t.run_no AND m.sequence > t.pruned_sequence
                              ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1)) AS sequence,
                   greatest(t.pruned_change,
                            (SELECT m.change FROM signalbox.messages m
                              WHERE m.run_no = t.run_no AND m.change > t.pruned_change
                              ORDER BY m.run_no DESC, m.change DESC LIMIT 1)) AS change
              FROM unnest(p_runs, v_pruned_sequence, v_pruned_change) WITH ORDINALITY
                   t(run_no, pruned_sequence, pruned_change, ord)
             ORDER BY t.ord) h;
    RETURN QUERY
    UPDATE signalbox.messages m
       SET change      = v_change[t.run] + t.place,
           state       = CASE WHEN coalesce(t.outcome, 0) = 0 THEN 2 ELSE t.outcome + 2 END,
           consumer    = t.consumer,
           ack_time    = v_now,
           finish_time = CASE WHEN t.outcome <> 0 THEN v_now END,
           reply       = t.reply,
           error       = coalesce(t.error, ''),
           step        = coalesce(t.step, 0)
      FROM unnest(v_places, p_run, p_place, p_consumer, p_outcome, p_reply, p_error, p_step) WITH ORDINALITY
           t(ctid, run, place, consumer, outcome, reply, error, step, ord)
     WHERE m.ctid = t.ctid
    RETURNING t.ord, v_sequence[t.run], v_change[t.run], v_id[t.run], m;
    RETURN;
  END IF;

  RETURN QUERY
  SELECT a.* FROM signalbox.ack_messages(
    p_runs, p_run, p_call, p_sequence, p_nonce, p_consumer,
    CASE WHEN p_outcome = '{}' THEN array_fill(0::smallint, ARRAY[v_items]) ELSE p_outcome END, p_reply,
    CASE WHEN p_error = '{}' THEN array_fill(''::text, ARRAY[v_items]) ELSE p_error END,
    CASE WHEN p_step = '{}' THEN array_fill(0::bigint, ARRAY[v_items]) ELSE p_step END) a;
END $$;
