-- Pruning: ended runs and finished messages go by age. README.md in this folder
-- holds the argument why nobody misses anything unnoticed.

-- Ended runs by age, and the active ones (null) by number.
CREATE INDEX runs_end ON signalbox.runs (end_time, run_no);

-- As before, but an index entry of a pruned row is not looked at: an old snapshot
-- may keep many of them.
CREATE OR REPLACE FUNCTION signalbox.head_sequence(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(p_pruned, (SELECT max(m.sequence) FROM signalbox.messages m
                              WHERE m.run_no = p_run_no AND m.sequence > p_pruned));
$$;

CREATE OR REPLACE FUNCTION signalbox.head_change(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(p_pruned, (SELECT max(m.change) FROM signalbox.messages m
                              WHERE m.run_no = p_run_no AND m.change > p_pruned));
$$;

-- Deletes a first part of what is due of one run, at most p_rows messages with
-- about p_bytes of content, and raises the run's floor. Returns how many rows it
-- deleted; 0 when nothing is due, null when another session prunes. Due is
--   of a run that ended p_run_age ago or before: every message, then the run;
--   of any other: its first messages, as long as they finished p_message_age ago or before.
-- Fails with 55P03 when somebody holds the run.
CREATE FUNCTION signalbox.prune_run(
  p_run_no bigint, p_run_age interval, p_message_age interval, p_rows int, p_bytes bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run signalbox.runs; v_now timestamptz; v_is_over boolean; v_floor bigint; v_change bigint;
BEGIN
  -- One at a time in the whole database, so that publishes never queue behind several.
  IF NOT pg_try_advisory_xact_lock(1936158316, 1) THEN RETURN NULL; END IF;
  -- Nobody waits for the flush of this commit while the run is locked. A crash may undo it, rows and
  -- floor together; not after something was built on it, whose own flush would come later in the log.
  PERFORM set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '200ms', true);
  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN 0; END IF;
  v_now := clock_timestamp();
  v_is_over := coalesce(v_run.end_time <= v_now - p_run_age, false);

  SELECT max(p.sequence), max(p.change) INTO v_floor, v_change
    FROM (SELECT m.sequence, m.change,
                 bool_and(v_is_over OR coalesce(m.finish_time <= v_now - p_message_age, false)) OVER before AS goes,
                 sum(octet_length(m.value) + coalesce(octet_length(m.reply), 0)) OVER before
                 - octet_length(m.value) - coalesce(octet_length(m.reply), 0) AS bytes
            FROM (SELECT m.* FROM signalbox.messages m
                   WHERE m.run_no = p_run_no AND m.sequence > v_run.pruned_sequence
                   ORDER BY m.sequence LIMIT p_rows) m
          WINDOW before AS (ORDER BY m.sequence)) p
   WHERE p.goes AND p.bytes < p_bytes;

  IF v_floor IS NOT NULL THEN
    DELETE FROM signalbox.messages m
     WHERE m.run_no = p_run_no AND m.sequence > v_run.pruned_sequence AND m.sequence <= v_floor;
    UPDATE signalbox.runs r
       SET pruned_sequence = v_floor, pruned_change = greatest(r.pruned_change, v_change)
     WHERE r.run_no = p_run_no;
    RETURN v_floor - v_run.pruned_sequence;
  END IF;
  IF NOT v_is_over THEN RETURN 0; END IF;
  DELETE FROM signalbox.declared_keys d WHERE d.run_no = p_run_no;
  DELETE FROM signalbox.runs r WHERE r.run_no = p_run_no;
  RETURN 1;
END $$;

-- Stores what one group of publishes asks for. p_id, p_project and p_rank name
-- the runs as resolve_runs() takes them, p_run[i] says which of them item i is
-- addressed to. One row per item, in order; its outcome is
--   0 stored · 1 repeat (sequence tells of what) · 2 request_id with other content
--   3 no such run · 4 run ended · 5 too many pending · 6 try again in a group of one
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
  v_id text[]; v_end timestamptz[]; v_sequence bigint[]; v_change bigint[]; v_room bigint[];
  v_items bigint := cardinality(p_key);
BEGIN
  PERFORM signalbox.lock_runs(v_runs);
  v_now := clock_timestamp();

  -- The same run named by id and by rank must be numbered as one.
  IF (SELECT count(t.run_no) <> count(DISTINCT t.run_no) FROM unnest(v_runs) t(run_no)) THEN
    p_run := ARRAY(SELECT array_position(v_runs, v_runs[t.run])
                     FROM unnest(p_run) WITH ORDINALITY t(run, ord) ORDER BY t.ord);
  END IF;

  -- Room: how many more pending messages the run may have. Every message that
  -- left PENDING has a change of its own, so the difference of the two heads is
  -- how many are stored as pending. They are only counted when these leave too
  -- little room, since some of them may have expired.
  SELECT array_agg(r.id ORDER BY t.ord), array_agg(r.end_time ORDER BY t.ord),
         array_agg(h.sequence ORDER BY t.ord), array_agg(h.change ORDER BY t.ord),
         array_agg(CASE WHEN h.sequence - h.change + v_items > p_max_pending
                        THEN p_max_pending - (SELECT count(*) FROM signalbox.messages m
                                               WHERE m.run_no = r.run_no AND m.change IS NULL
                                                 AND (m.expire_time IS NULL OR m.expire_time > v_now))
                        ELSE p_max_pending END ORDER BY t.ord)
    INTO v_id, v_end, v_sequence, v_change, v_room
    FROM unnest(v_runs) WITH ORDINALITY t(run_no, ord)
    LEFT JOIN signalbox.runs r ON r.run_no = t.run_no
    LEFT JOIN LATERAL (
      SELECT signalbox.head_sequence(r.run_no, r.pruned_sequence) AS sequence,
             signalbox.head_change(r.run_no, r.pruned_change) AS change) h ON true;

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
