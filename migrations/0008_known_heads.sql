-- The usual groups in less time again. The functions of before stay: a replica that has not been replaced yet
-- calls them.

-- Takes what the append_group() of before takes, and for each run
--   p_known_sequence, p_known_change  where the caller saw it last, or null or 0.
-- A look-up of a head reads every entry of its page that is above the floor, which may be hundreds; just below
-- a known head it is one or two. Where nothing is found there, as after a restore, the group is not of the usual
-- kind: append_messages() looks at all that is not pruned. Whatever is found is the newest, whoever wrote it.
CREATE FUNCTION signalbox.append_group(
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
           bool_and(coalesce(h.sequence - h.change + v_items <= p_max_pending, false))
           AND NOT EXISTS (
             SELECT FROM unnest(p_run, p_key, p_kind, p_request_id) t(run, key, kind, request_id)
              WHERE t.kind = 2
                 OR coalesce(t.kind, 0) = 0 AND (SELECT d.kind FROM signalbox.declared_keys d
                                                  WHERE d.run_no = p_run_nos[t.run] AND d.key = t.key) = 2
                 OR (SELECT m.sequence FROM signalbox.messages m
                      WHERE m.run_no = p_run_nos[t.run] AND m.request_id = t.request_id) IS NOT NULL)
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

-- Takes what the ack_group() of before takes, and what is known of the runs, as above.
CREATE FUNCTION signalbox.ack_group(
  p_runs bigint[], p_known_sequence bigint[], p_known_change bigint[], p_place int[],
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
    SELECT array_agg(h.sequence), array_agg(h.change), bool_and(h.sequence IS NOT NULL AND h.change IS NOT NULL)
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
              FROM unnest(p_runs, v_pruned_sequence, v_pruned_change, p_known_sequence, p_known_change)
                   WITH ORDINALITY t(run_no, pruned_sequence, pruned_change, known_sequence, known_change, ord)
             ORDER BY t.ord) h;
  END IF;

  IF v_is_usual THEN
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

-- A group of one new command, to a run whose number the caller remembers: what append_group() does, without
-- arrays. Known heads are 0 where they are not known, and so is p_ttl_us where the message does not expire.
CREATE FUNCTION signalbox.append_message(
  p_run_no bigint, p_known_sequence bigint, p_known_change bigint, p_id text, p_max_pending bigint,
  p_key text, p_value bytea, p_kind smallint, p_request_id bytea, p_fingerprint bytea, p_ttl_us bigint,
  p_reason text, p_publisher text, p_nonce bigint)
RETURNS TABLE (
  item bigint, outcome int, run_no bigint, run_id text, head_sequence bigint, head_change bigint,
  sequence bigint, kind smallint, state smallint, change bigint, create_time timestamptz,
  expire_time timestamptz, superseded_sequence bigint, superseded_nonce bigint, superseded_change bigint,
  run_end_time timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_pruned_sequence bigint; v_pruned_change bigint; v_is_new boolean;
BEGIN
  SELECT r.pruned_sequence, r.pruned_change INTO v_pruned_sequence, v_pruned_change
    FROM signalbox.runs r WHERE r.run_no = p_run_no AND r.id = p_id AND r.end_time IS NULL FOR NO KEY UPDATE;
  IF FOUND THEN
    create_time := clock_timestamp();
    SELECT coalesce(
             (SELECT m.sequence FROM signalbox.messages m
               WHERE m.run_no = p_run_no AND m.sequence > greatest(v_pruned_sequence, p_known_sequence - 1)
               ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1),
             CASE WHEN p_known_sequence > v_pruned_sequence THEN NULL ELSE v_pruned_sequence END),
           coalesce(
             (SELECT m.change FROM signalbox.messages m
               WHERE m.run_no = p_run_no AND m.change > greatest(v_pruned_change, p_known_change - 1)
               ORDER BY m.run_no DESC, m.change DESC LIMIT 1),
             CASE WHEN p_known_change > v_pruned_change THEN NULL ELSE v_pruned_change END),
           p_kind <> 2
           AND (p_kind = 1 OR (SELECT d.kind FROM signalbox.declared_keys d
                                WHERE d.run_no = p_run_no AND d.key = p_key) IS DISTINCT FROM 2)
           AND (SELECT m.sequence FROM signalbox.messages m
                 WHERE m.run_no = p_run_no AND m.request_id = p_request_id) IS NULL
      INTO head_sequence, head_change, v_is_new;
    IF v_is_new AND head_sequence - head_change < p_max_pending THEN
      INSERT INTO signalbox.messages (
        run_no, sequence, nonce, create_time, expire_time, kind, state, key, value, publisher, reason, request_id,
        fingerprint)
      VALUES (
        p_run_no, head_sequence + 1, p_nonce, create_time,
        CASE WHEN p_ttl_us > 0 THEN create_time + p_ttl_us / 1000000 * interval '1 second'
                                    + p_ttl_us % 1000000 * interval '1 microsecond' END,
        1, 1, p_key, p_value, p_publisher, p_reason, p_request_id, p_fingerprint);
      run_no := p_run_no;
      outcome := 0;
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;

  RETURN QUERY
  SELECT a.* FROM signalbox.append_messages(
    ARRAY[p_id], ARRAY[NULL::text], ARRAY[NULL::bigint], p_max_pending, ARRAY[1], ARRAY[p_key], ARRAY[p_value],
    ARRAY[p_kind], ARRAY[p_request_id], ARRAY[p_fingerprint], ARRAY[nullif(p_ttl_us, 0)], ARRAY[p_reason],
    ARRAY[p_publisher], ARRAY[p_nonce]) a;
END $$;

-- The same for one ack of one message: what ack_group() does.
CREATE FUNCTION signalbox.ack_message(
  p_run_no bigint, p_known_sequence bigint, p_known_change bigint, p_sequence bigint, p_nonce bigint,
  p_consumer text, p_outcome smallint, p_reply bytea, p_error text, p_step bigint)
RETURNS TABLE (
  item bigint, head_sequence bigint, head_change bigint, run_id text, message signalbox.messages)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz; v_id text; v_pruned_sequence bigint; v_pruned_change bigint;
BEGIN
  SELECT r.id, r.pruned_sequence, r.pruned_change INTO v_id, v_pruned_sequence, v_pruned_change
    FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  IF FOUND THEN
    v_now := clock_timestamp();
    RETURN QUERY
    UPDATE signalbox.messages m
       SET change      = h.change + 1,
           state       = CASE WHEN p_outcome = 0 THEN 2 ELSE p_outcome + 2 END,
           consumer    = p_consumer,
           ack_time    = v_now,
           finish_time = CASE WHEN p_outcome <> 0 THEN v_now END,
           reply       = p_reply,
           error       = p_error,
           step        = p_step
      FROM (SELECT coalesce(
                     (SELECT m.sequence FROM signalbox.messages m
                       WHERE m.run_no = p_run_no AND m.sequence > greatest(v_pruned_sequence, p_known_sequence - 1)
                       ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1),
                     CASE WHEN p_known_sequence > v_pruned_sequence THEN NULL ELSE v_pruned_sequence END) AS sequence,
                   coalesce(
                     (SELECT m.change FROM signalbox.messages m
                       WHERE m.run_no = p_run_no AND m.change > greatest(v_pruned_change, p_known_change - 1)
                       ORDER BY m.run_no DESC, m.change DESC LIMIT 1),
                     CASE WHEN p_known_change > v_pruned_change THEN NULL ELSE v_pruned_change END) AS change
            OFFSET 0) h
     WHERE m.run_no = p_run_no AND m.sequence = p_sequence AND m.nonce = p_nonce AND m.state = 1
       AND (m.expire_time IS NULL OR m.expire_time > v_now) AND h.sequence IS NOT NULL AND h.change IS NOT NULL
    RETURNING 1::bigint, h.sequence, h.change, v_id, m;
    IF FOUND THEN RETURN; END IF;
  END IF;

  RETURN QUERY
  SELECT a.* FROM signalbox.ack_messages(
    ARRAY[p_run_no], ARRAY[1], ARRAY[0], ARRAY[p_sequence], ARRAY[p_nonce], ARRAY[p_consumer], ARRAY[p_outcome],
    ARRAY[p_reply], ARRAY[p_error], ARRAY[p_step]) a;
END $$;
