-- Writes that take less time, and whose plans stay good when a table grows after they were made.

-- Appends a group of new commands, which most groups are, without judging every
-- item against every other: in about two thirds of the time.
CREATE OR REPLACE FUNCTION signalbox.append_messages(
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
  v_runs bigint[] := signalbox.resolve_runs(p_id, p_project, p_rank);
  v_now timestamptz;
  v_id text[]; v_end timestamptz[]; v_sequence bigint[]; v_change bigint[]; v_room bigint[]; v_new bigint[];
  v_items bigint := cardinality(p_key);
  v_open boolean;
BEGIN
  PERFORM signalbox.lock_runs(v_runs);
  v_now := clock_timestamp();

  -- The same run named by id and by rank must be numbered as one.
  IF (SELECT count(t.run_no) <> count(DISTINCT t.run_no) FROM unnest(v_runs) t(run_no)) THEN
    p_run := ARRAY(SELECT array_position(v_runs, v_runs[t.run])
                     FROM unnest(p_run) WITH ORDINALITY t(run, ord) ORDER BY t.ord);
  END IF;

  -- Heads are probed here and not by their functions, whose calls cost as much as
  -- the probes. Every message that left PENDING has a change of its own, so the
  -- difference of the two heads is how many are stored as pending. v_open: every
  -- run is there, is active, and has room for the whole group.
  SELECT array_agg(h.id), array_agg(h.end_time), array_agg(h.sequence), array_agg(h.change),
         bool_and(h.id IS NOT NULL AND h.end_time IS NULL AND h.sequence - h.change + v_items <= p_max_pending)
    INTO v_id, v_end, v_sequence, v_change, v_open
    FROM (SELECT r.id, r.end_time,
                 greatest(r.pruned_sequence,
                          (SELECT m.sequence FROM signalbox.messages m
                            WHERE m.run_no = r.run_no AND m.sequence > r.pruned_sequence
                            ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1)) AS sequence,
                 greatest(r.pruned_change,
                          (SELECT m.change FROM signalbox.messages m
                            WHERE m.run_no = r.run_no AND m.change > r.pruned_change
                            ORDER BY m.run_no DESC, m.change DESC LIMIT 1)) AS change
            FROM unnest(v_runs) WITH ORDINALITY t(run_no, ord)
            LEFT JOIN signalbox.runs r ON r.run_no = t.run_no
           ORDER BY t.ord) h;

  -- New commands to open runs, which most groups are, need no judging. Lookups are scalar: an EXISTS
  -- may be planned as a hash of the whole table, which is fine only as long as that is small.
  IF v_open AND NOT EXISTS (
       SELECT FROM unnest(p_run, p_key, p_kind, p_request_id) t(run, key, kind, request_id)
        WHERE t.kind = 2
           OR t.kind = 0 AND (SELECT d.kind FROM signalbox.declared_keys d
                               WHERE d.run_no = v_runs[t.run] AND d.key = t.key) = 2
           OR (SELECT m.sequence FROM signalbox.messages m
                WHERE m.run_no = v_runs[t.run] AND m.request_id = t.request_id) IS NOT NULL) THEN
    v_new := ARRAY(SELECT v_sequence[t.run] + row_number() OVER (PARTITION BY t.run ORDER BY t.ord)
                     FROM unnest(p_run) WITH ORDINALITY t(run, ord) ORDER BY t.ord);
    INSERT INTO signalbox.messages (
      run_no, sequence, nonce, create_time, expire_time, kind, state, key, value, publisher, reason, request_id,
      fingerprint)
    SELECT v_runs[t.run], t.sequence, t.nonce, v_now, v_now + t.ttl_us * interval '1 microsecond', 1, 1, t.key,
           t.value, t.publisher, t.reason, t.request_id, t.fingerprint
      FROM unnest(p_run, v_new, p_key, p_value, p_request_id, p_fingerprint, p_ttl_us, p_reason, p_publisher, p_nonce)
           t(run, sequence, key, value, request_id, fingerprint, ttl_us, reason, publisher, nonce);
    RETURN QUERY
    SELECT t.ord, 0, v_runs[t.run], v_id[t.run], v_sequence[t.run], v_change[t.run], t.sequence, 1::smallint,
           1::smallint, NULL::bigint, v_now, v_now + t.ttl_us * interval '1 microsecond', NULL::bigint, NULL::bigint,
           NULL::bigint, NULL::timestamptz
      FROM unnest(p_run, v_new, p_ttl_us) WITH ORDINALITY t(run, sequence, ttl_us, ord)
     ORDER BY t.ord;
    RETURN;
  END IF;

  -- Room: how many more pending messages the run may have. They are only counted
  -- when the heads leave too little room, since some of them may have expired.
  v_room := ARRAY(
    SELECT CASE WHEN t.sequence - t.change + v_items > p_max_pending
                THEN p_max_pending - (SELECT count(*) FROM signalbox.messages m
                                       WHERE m.run_no = t.run_no AND m.change IS NULL
                                         AND (m.expire_time IS NULL OR m.expire_time > v_now))
                ELSE p_max_pending END
      FROM unnest(v_runs, v_sequence, v_change) WITH ORDINALITY t(run_no, sequence, change, ord) ORDER BY t.ord);

  RETURN QUERY
  WITH given AS (
    -- A run without an id was pruned after it had been found, and before the lock.
    SELECT t.ord, t.run, CASE WHEN v_id[t.run] IS NOT NULL THEN v_runs[t.run] END AS run_no, t.key, t.value,
           t.request_id, t.fingerprint, t.nonce, t.reason, t.publisher,
           v_now + t.ttl_us * interval '1 microsecond' AS expire_time,
           coalesce(nullif(t.kind, 0::smallint),
                    (SELECT d.kind FROM signalbox.declared_keys d
                      WHERE d.run_no = v_runs[t.run] AND d.key = t.key),
                    1::smallint) AS kind,
           CASE WHEN t.request_id IS NOT NULL THEN
             (SELECT m.sequence FROM signalbox.messages m
               WHERE m.run_no = v_runs[t.run] AND m.request_id = t.request_id) END AS first_sequence
      FROM unnest(p_run, p_key, p_value, p_kind, p_request_id, p_fingerprint, p_ttl_us, p_reason, p_publisher,
                  p_nonce) WITH ORDINALITY
           t(run, key, value, kind, request_id, fingerprint, ttl_us, reason, publisher, nonce, ord)
  ), judged AS (
    SELECT g.*,
           CASE WHEN g.run_no IS NULL THEN 3
                WHEN g.first_sequence IS NOT NULL THEN
                  CASE WHEN (SELECT m.fingerprint = g.fingerprint FROM signalbox.messages m
                              WHERE m.run_no = g.run_no AND m.sequence = g.first_sequence) THEN 1 ELSE 2 END
                WHEN v_end[g.run] IS NOT NULL THEN 4
                ELSE 0 END AS outcome
      FROM given g
  ), bounded AS (
    SELECT j.*,
           CASE WHEN j.outcome <> 0 THEN j.outcome
                WHEN count(*) FILTER (WHERE j.outcome = 0) OVER (PARTITION BY j.run ORDER BY j.ord) <= v_room[j.run]
                  THEN 0
                -- A setting that replaces a pending one needs no room. With others in the group the
                -- sum depends on which of them fit, so these are told to come again one at a time.
                WHEN NOT bool_or(j.kind = 2) OVER (PARTITION BY j.run) THEN 5
                WHEN v_items > 1 THEN 6
                WHEN EXISTS (
                       SELECT 1 FROM signalbox.messages m
                        WHERE m.run_no = j.run_no AND m.change IS NULL AND m.kind = 2 AND m.key = j.key
                          AND (m.expire_time IS NULL OR m.expire_time > v_now)) THEN 0
                ELSE 5 END AS verdict
      FROM judged j
  ), sequenced AS (
    SELECT b.*, b.verdict = 0 AND b.kind = 2 AS is_setting,
           CASE WHEN b.verdict = 0 THEN
             v_sequence[b.run] + count(*) FILTER (WHERE b.verdict = 0) OVER (PARTITION BY b.run ORDER BY b.ord)
           END AS sequence
      FROM bounded b
  ), linked AS (  -- a setting and the one it replaces: an earlier one of this group, or a stored one
    SELECT s.*, lag(s.sequence) OVER same_key AS group_sequence, lag(s.nonce) OVER same_key AS group_nonce,
           stored.sequence AS stored_sequence, stored.nonce AS stored_nonce
      FROM sequenced s
      LEFT JOIN LATERAL (
        -- From the newest on, and no further than to the oldest that is pending: what lies
        -- before it may be many index entries of rows that are not, if an old snapshot keeps them.
        SELECT m.sequence, m.nonce
          FROM (SELECT m.* FROM signalbox.messages m
                 WHERE s.is_setting AND m.run_no = s.run_no AND m.change IS NULL
                 ORDER BY m.sequence DESC LIMIT v_sequence[s.run] - v_change[s.run]) m
         WHERE m.kind = 2 AND m.key = s.key AND (m.expire_time IS NULL OR m.expire_time > v_now)
         LIMIT 1) stored ON true
    WINDOW same_key AS (PARTITION BY s.run, s.is_setting, s.key ORDER BY s.ord)
  ), replacing AS (
    SELECT l.*, l.group_sequence IS NULL AS replaces_stored,
           CASE WHEN l.is_setting THEN coalesce(l.group_sequence, l.stored_sequence) END AS old_sequence,
           CASE WHEN l.group_sequence IS NULL THEN l.stored_nonce ELSE l.group_nonce END AS old_nonce
      FROM linked l
  ), numbered AS (
    SELECT r.*, CASE WHEN r.old_sequence IS NOT NULL THEN
             v_change[r.run] + count(r.old_sequence) OVER (PARTITION BY r.run ORDER BY r.ord) END AS old_change
      FROM replacing r
  ), placed AS (
    SELECT n.*, CASE WHEN n.is_setting THEN
             lead(n.old_change) OVER (PARTITION BY n.run, n.is_setting, n.key ORDER BY n.ord) END AS change
      FROM numbered n
  ), superseded AS (
    UPDATE signalbox.messages m SET state = 5, change = x.old_change, finish_time = v_now
      FROM placed x
     WHERE x.old_sequence IS NOT NULL AND x.replaces_stored
       AND m.run_no = x.run_no AND m.sequence = x.old_sequence
  ), inserted AS (
    INSERT INTO signalbox.messages (
      run_no, sequence, nonce, change, create_time, expire_time, finish_time, supersedes_sequence,
      supersedes_nonce, kind, state, key, value, publisher, reason, request_id, fingerprint)
    SELECT p.run_no, p.sequence, p.nonce, p.change, v_now, p.expire_time,
           CASE WHEN p.change IS NOT NULL THEN v_now END, p.old_sequence,
           CASE WHEN p.old_sequence IS NOT NULL THEN p.old_nonce END, p.kind,
           CASE WHEN p.change IS NULL THEN 1 ELSE 5 END, p.key, p.value, p.publisher, p.reason, p.request_id,
           p.fingerprint
      FROM placed p WHERE p.verdict = 0
  )
  SELECT p.ord, p.verdict, p.run_no, v_id[p.run], v_sequence[p.run], v_change[p.run],
         coalesce(p.sequence, p.first_sequence), p.kind,
         CASE WHEN p.change IS NULL THEN 1 ELSE 5 END::smallint, p.change, v_now, p.expire_time,
         p.old_sequence, p.old_nonce, p.old_change, v_end[p.run]
    FROM placed p
   ORDER BY p.ord;
END $$;

-- As before, but for the join by ctid: by sequence it could begin with every message that the run ever
-- had. Nobody moves a row meanwhile, because the run is locked.
CREATE OR REPLACE FUNCTION signalbox.end_run(p_run_no bigint, p_outcome smallint) RETURNS SETOF boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run signalbox.runs; v_now timestamptz; v_change bigint;
BEGIN
  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF v_run.end_time IS NOT NULL THEN RETURN NEXT false; RETURN; END IF;
  v_now := clock_timestamp();
  v_change := signalbox.head_change(p_run_no, v_run.pruned_change);
  UPDATE signalbox.messages m
     SET state       = CASE WHEN m.expire_time <= v_now THEN 7 ELSE 8 END,
         finish_time = least(m.expire_time, v_now),
         change      = p.change
    FROM (SELECT q.ctid, v_change + row_number() OVER (ORDER BY q.sequence) AS change
            FROM signalbox.messages q WHERE q.run_no = p_run_no AND q.change IS NULL) p
   WHERE m.ctid = p.ctid;
  UPDATE signalbox.runs r SET end_time = v_now, outcome = p_outcome WHERE r.run_no = p_run_no;
  RETURN NEXT true;
END $$;
