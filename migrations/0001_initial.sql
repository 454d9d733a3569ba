-- Runs, their messages, and the functions that change them. README.md in this
-- folder holds the argument why the order that readers see is the true one.

CREATE TABLE signalbox.projects (
  project_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE,
  last_rank  bigint NOT NULL DEFAULT 0              -- ranks are never reused
);

CREATE TABLE signalbox.runs (
  run_no          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_no      bigint NOT NULL REFERENCES signalbox.projects,
  rank            bigint NOT NULL CHECK (rank > 0),
  create_time     timestamptz NOT NULL,
  end_time        timestamptz,                      -- null: the run is active
  pruned_sequence bigint NOT NULL DEFAULT 0,        -- every sequence up to here is gone
  pruned_change   bigint NOT NULL DEFAULT 0,        -- every change up to here may be gone
  outcome         smallint NOT NULL DEFAULT 0 CHECK (outcome BETWEEN 0 AND 3),
  id              text COLLATE "C" NOT NULL UNIQUE,
  title           text NOT NULL,
  labels          jsonb NOT NULL,
  request_id      bytea,
  fingerprint     bytea,                            -- of the request that carried request_id
  UNIQUE (project_no, rank),
  CHECK ((end_time IS NULL) = (outcome = 0))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX runs_request ON signalbox.runs (project_no, request_id) WHERE request_id IS NOT NULL;

CREATE TABLE signalbox.declared_keys (
  run_no      bigint NOT NULL REFERENCES signalbox.runs,
  kind        smallint NOT NULL CHECK (kind IN (1, 2)),
  key         text COLLATE "C" NOT NULL,
  description text NOT NULL,
  PRIMARY KEY (run_no, key)
);

-- States and kinds are the numbers of the protocol's enums.
-- `change` counts, per run, the messages that left PENDING; it is null exactly
-- while a message is pending, so the index of what is pending needs no column
-- that a later ACKED -> APPLIED would touch (that update stays heap-only).
CREATE TABLE signalbox.messages (
  run_no              bigint NOT NULL,
  sequence            bigint NOT NULL CHECK (sequence > 0),
  nonce               bigint NOT NULL,              -- makes the id unique even after a lossy failover
  change              bigint,
  create_time         timestamptz NOT NULL,
  expire_time         timestamptz,
  ack_time            timestamptz,
  finish_time         timestamptz,
  step                bigint NOT NULL DEFAULT 0,
  supersedes_sequence bigint,
  supersedes_nonce    bigint,
  kind                smallint NOT NULL CHECK (kind IN (1, 2)),
  state               smallint NOT NULL CHECK (state BETWEEN 1 AND 8),
  key                 text COLLATE "C" NOT NULL,
  value               bytea NOT NULL,               -- serialized google.protobuf.Value, byte for byte
  publisher           text NOT NULL,
  reason              text NOT NULL,
  request_id          bytea,
  fingerprint         bytea,
  consumer            text,
  reply               bytea,                        -- serialized google.protobuf.Value
  error               text,
  PRIMARY KEY (run_no, sequence),
  CHECK ((change IS NULL) = (state = 1)),
  CHECK ((finish_time IS NULL) = (state IN (1, 2)))
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX messages_request ON signalbox.messages (run_no, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX messages_pending ON signalbox.messages (run_no, sequence) WHERE change IS NULL;
CREATE INDEX messages_change ON signalbox.messages (run_no, change) WHERE change IS NOT NULL;
CREATE INDEX messages_expiry ON signalbox.messages (expire_time) WHERE change IS NULL AND expire_time IS NOT NULL;

-- The newest sequence and change of a run. Probes of two indexes instead of
-- counters in the run's row: a counter leaves a dead row version per change.
CREATE FUNCTION signalbox.head_sequence(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(p_pruned, (SELECT max(m.sequence) FROM signalbox.messages m WHERE m.run_no = p_run_no));
$$;

CREATE FUNCTION signalbox.head_change(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(p_pruned, (SELECT max(m.change) FROM signalbox.messages m
                              WHERE m.run_no = p_run_no AND m.change IS NOT NULL));
$$;

-- The state as readers see it: expired from expire_time on, even before the
-- sweep has written it down.
CREATE FUNCTION signalbox.state_at(p_state smallint, p_expire_time timestamptz, p_now timestamptz)
RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_state = 1 AND p_expire_time <= p_now THEN 7::smallint ELSE p_state END;
$$;

-- The internal numbers of runs named by id (p_id[i]) or, where that is null, by
-- project and rank; null for a run that does not exist. In the order given.
CREATE FUNCTION signalbox.resolve_runs(p_id text[], p_project text[], p_rank bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
  SELECT array_agg(coalesce(
           (SELECT r.run_no FROM signalbox.runs r WHERE r.id = t.id),
           CASE WHEN t.id IS NULL THEN
             (SELECT r.run_no FROM signalbox.runs r
                JOIN signalbox.projects p USING (project_no)
               WHERE p.name = t.project AND r.rank = t.rank) END) ORDER BY t.ord)
    FROM unnest(p_id, p_project, p_rank) WITH ORDINALITY t(id, project, rank, ord);
$$;

-- Takes the locks that order all changes of these runs, until the transaction
-- ends. Always in order of run_no, so that no two transactions wait for each other.
CREATE FUNCTION signalbox.lock_runs(p_runs bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM signalbox.runs r WHERE r.run_no = ANY (p_runs) ORDER BY r.run_no FOR NO KEY UPDATE;
END $$;

-- Stores what one group of publishes asks for. p_id, p_project and p_rank name
-- the runs as resolve_runs() takes them, p_run[i] says which of them item i is
-- addressed to. One row per item, in order; its outcome is
--   0 stored · 1 repeat (sequence tells of what) · 2 request_id with other content
--   3 no such run · 4 run ended · 5 too many pending · 6 try again in a group of one
CREATE FUNCTION signalbox.append_messages(
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

  -- Room: how many more pending messages the run may have. Counting is only
  -- needed when the span of what is pending does not already prove that all fit.
  SELECT array_agg(r.id ORDER BY t.ord), array_agg(r.end_time ORDER BY t.ord),
         array_agg(h.sequence ORDER BY t.ord), array_agg(h.change ORDER BY t.ord),
         array_agg(CASE WHEN h.sequence - h.first_pending + 1 + v_items > p_max_pending
                        THEN p_max_pending - (SELECT count(*) FROM signalbox.messages m
                                               WHERE m.run_no = r.run_no AND m.change IS NULL
                                                 AND (m.expire_time IS NULL OR m.expire_time > v_now))
                        ELSE p_max_pending END ORDER BY t.ord)
    INTO v_id, v_end, v_sequence, v_change, v_room
    FROM unnest(v_runs) WITH ORDINALITY t(run_no, ord)
    LEFT JOIN signalbox.runs r ON r.run_no = t.run_no
    LEFT JOIN LATERAL (
      SELECT signalbox.head_sequence(r.run_no, r.pruned_sequence) AS sequence,
             signalbox.head_change(r.run_no, r.pruned_change) AS change,
             (SELECT min(m.sequence) FROM signalbox.messages m
               WHERE m.run_no = r.run_no AND m.change IS NULL) AS first_pending) h ON true;

  RETURN QUERY
  WITH given AS (
    SELECT t.ord, t.run, v_runs[t.run] AS run_no, t.key, t.value, t.request_id, t.fingerprint, t.nonce,
           t.reason, t.publisher, v_now + t.ttl_us * interval '1 microsecond' AS expire_time,
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
        SELECT m.sequence, m.nonce FROM signalbox.messages m
         WHERE s.is_setting AND m.run_no = s.run_no AND m.change IS NULL AND m.kind = 2 AND m.key = s.key
           AND (m.expire_time IS NULL OR m.expire_time > v_now) LIMIT 1) stored ON true
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

-- Settles what one group of acks asks for. p_runs has no doubles; p_run[i] says
-- which of them item i belongs to. Items of one call share p_call; if any id of
-- a call is unknown, nothing of that call takes effect. No two items of a group
-- name the same message. One row per item, in order: the message after the
-- group, or nulls when its call is refused.
CREATE FUNCTION signalbox.ack_messages(
  p_runs bigint[],
  p_run int[], p_call int[], p_sequence bigint[], p_nonce bigint[], p_consumer text[], p_outcome smallint[],
  p_reply bytea[], p_error text[], p_step bigint[])
RETURNS TABLE (
  item bigint, head_sequence bigint, head_change bigint, run_id text, message signalbox.messages)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_id text[]; v_sequence bigint[]; v_change bigint[]; v_refused int[];
BEGIN
  PERFORM signalbox.lock_runs(p_runs);
  v_now := clock_timestamp();

  SELECT array_agg(r.id ORDER BY t.ord),
         array_agg(signalbox.head_sequence(r.run_no, r.pruned_sequence) ORDER BY t.ord),
         array_agg(signalbox.head_change(r.run_no, r.pruned_change) ORDER BY t.ord)
    INTO v_id, v_sequence, v_change
    FROM unnest(p_runs) WITH ORDINALITY t(run_no, ord)
    LEFT JOIN signalbox.runs r ON r.run_no = t.run_no;

  SELECT coalesce(array_agg(DISTINCT t.call), '{}') INTO v_refused
    FROM unnest(p_run, p_call, p_sequence, p_nonce) t(run, call, sequence, nonce)
   WHERE NOT EXISTS (SELECT 1 FROM signalbox.messages m
                      WHERE m.run_no = p_runs[t.run] AND m.sequence = t.sequence AND m.nonce = t.nonce);

  WITH given AS (
    SELECT t.*, m.run_no, m.state, m.expire_time,
           m.state = 1 AND (m.expire_time IS NULL OR m.expire_time > v_now) AS is_claim,
           m.state = 1 AND m.expire_time <= v_now AS is_expiry
      FROM unnest(p_run, p_call, p_sequence, p_consumer, p_outcome, p_reply, p_error, p_step) WITH ORDINALITY
           t(run, call, sequence, consumer, outcome, reply, error, step, ord)
      JOIN signalbox.messages m ON m.run_no = p_runs[t.run] AND m.sequence = t.sequence
     WHERE t.call <> ALL (v_refused)
       AND (m.state = 1 OR (m.state = 2 AND m.consumer = t.consumer AND t.outcome <> 0))
  ), numbered AS (
    SELECT g.*, v_change[g.run] + count(*) FILTER (WHERE g.state = 1) OVER (PARTITION BY g.run ORDER BY g.ord)
           AS new_change
      FROM given g
  )
  UPDATE signalbox.messages m
     SET change      = CASE WHEN n.state = 1 THEN n.new_change ELSE m.change END,
         state       = CASE WHEN n.is_expiry THEN 7 WHEN n.outcome = 0 THEN 2 ELSE n.outcome + 2 END,
         consumer    = CASE WHEN n.is_expiry THEN NULL ELSE n.consumer END,
         ack_time    = CASE WHEN n.is_claim THEN v_now ELSE m.ack_time END,
         finish_time = CASE WHEN n.is_expiry THEN n.expire_time WHEN n.outcome <> 0 THEN v_now END,
         reply       = CASE WHEN n.is_expiry THEN NULL ELSE n.reply END,
         error       = CASE WHEN n.is_expiry THEN NULL ELSE n.error END,
         step        = CASE WHEN n.is_expiry THEN 0 ELSE n.step END
    FROM numbered n
   WHERE m.run_no = n.run_no AND m.sequence = n.sequence;

  RETURN QUERY
  SELECT t.ord, v_sequence[t.run], v_change[t.run], v_id[t.run], m
    FROM unnest(p_run, p_call, p_sequence) WITH ORDINALITY t(run, call, sequence, ord)
    LEFT JOIN signalbox.messages m
      ON m.run_no = p_runs[t.run] AND m.sequence = t.sequence AND t.call <> ALL (v_refused)
   ORDER BY t.ord;
END $$;

-- Withdraws one pending message. p_outcome: 0 done, or cancelled before · 1 no
-- such message · 2 it is in another state. `message` is as it is afterwards.
CREATE FUNCTION signalbox.cancel_message(p_run_no bigint, p_sequence bigint, p_nonce bigint, p_reason text)
RETURNS TABLE (
  outcome int, head_sequence bigint, head_change bigint, run_id text, message signalbox.messages)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run signalbox.runs; v_message signalbox.messages; v_change bigint; v_now timestamptz;
BEGIN
  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  v_now := clock_timestamp();
  SELECT m.* INTO v_message FROM signalbox.messages m
   WHERE m.run_no = p_run_no AND m.sequence = p_sequence AND m.nonce = p_nonce;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 1, 0::bigint, 0::bigint, ''::text, NULL::signalbox.messages;
    RETURN;
  END IF;
  v_change := signalbox.head_change(p_run_no, v_run.pruned_change);
  IF v_message.state = 1 AND (v_message.expire_time IS NULL OR v_message.expire_time > v_now) THEN
    UPDATE signalbox.messages m
       SET state = 6, change = v_change + 1, finish_time = v_now, error = p_reason
     WHERE m.run_no = p_run_no AND m.sequence = p_sequence
    RETURNING m.* INTO v_message;
  END IF;
  RETURN QUERY SELECT CASE WHEN v_message.state = 6 THEN 0 ELSE 2 END,
                      signalbox.head_sequence(p_run_no, v_run.pruned_sequence), v_change, v_run.id, v_message;
END $$;

-- Ends a run; what is pending becomes UNDELIVERED, or EXPIRED if its time was
-- over. Returns whether this call ended it; no row when there is no such run.
CREATE FUNCTION signalbox.end_run(p_run_no bigint, p_outcome smallint) RETURNS SETOF boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_run signalbox.runs; v_now timestamptz;
BEGIN
  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.run_no = p_run_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF v_run.end_time IS NOT NULL THEN RETURN NEXT false; RETURN; END IF;
  v_now := clock_timestamp();
  UPDATE signalbox.messages m
     SET state       = CASE WHEN m.expire_time <= v_now THEN 7 ELSE 8 END,
         finish_time = least(m.expire_time, v_now),
         change      = p.change
    FROM (SELECT q.sequence, signalbox.head_change(p_run_no, v_run.pruned_change)
                             + row_number() OVER (ORDER BY q.sequence) AS change
            FROM signalbox.messages q WHERE q.run_no = p_run_no AND q.change IS NULL) p
   WHERE m.run_no = p_run_no AND m.sequence = p.sequence;
  UPDATE signalbox.runs r SET end_time = v_now, outcome = p_outcome WHERE r.run_no = p_run_no;
  RETURN NEXT true;
END $$;

-- Writes down the expiry of messages whose time is over, at most p_limit runs
-- at a time, and returns those runs. A run that somebody holds is left for the
-- next round, so that the sweeps of several replicas never queue up.
CREATE FUNCTION signalbox.expire_messages(p_limit int) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_runs bigint[]; v_now timestamptz;
BEGIN
  SELECT array_agg(r.run_no) INTO v_runs
    FROM (SELECT r.run_no FROM signalbox.runs r
           WHERE r.run_no IN (SELECT m.run_no FROM signalbox.messages m
                               WHERE m.change IS NULL AND m.expire_time <= clock_timestamp()
                               ORDER BY m.expire_time LIMIT p_limit)
           ORDER BY r.run_no FOR NO KEY UPDATE SKIP LOCKED) r;
  IF v_runs IS NULL THEN RETURN; END IF;
  v_now := clock_timestamp();
  UPDATE signalbox.messages m SET state = 7, finish_time = m.expire_time, change = p.change
    FROM (SELECT q.run_no, q.sequence,
                 signalbox.head_change(q.run_no, r.pruned_change)
                 + row_number() OVER (PARTITION BY q.run_no ORDER BY q.sequence) AS change
            FROM signalbox.messages q JOIN signalbox.runs r USING (run_no)
           WHERE q.run_no = ANY (v_runs) AND q.change IS NULL AND q.expire_time <= v_now) p
   WHERE m.run_no = p.run_no AND m.sequence = p.sequence;
  RETURN QUERY SELECT unnest(v_runs);
END $$;

-- Creates a run, or finds the one that a repeat asks for. p_outcome: 0 created
-- · 1 repeat · 2 request_id with other content · 3 run id with other content.
-- p_generated: the id is the server's own choice; on a clash (4) try another.
CREATE FUNCTION signalbox.create_run(
  p_project text, p_id text, p_generated boolean, p_title text, p_labels jsonb, p_request_id bytea,
  p_fingerprint bytea)
RETURNS TABLE (outcome int, run_no bigint)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_project signalbox.projects; v_run signalbox.runs;
BEGIN
  INSERT INTO signalbox.projects (name) VALUES (p_project) ON CONFLICT (name) DO NOTHING;
  SELECT p.* INTO v_project FROM signalbox.projects p WHERE p.name = p_project FOR NO KEY UPDATE;

  SELECT r.* INTO v_run FROM signalbox.runs r
   WHERE r.project_no = v_project.project_no AND r.request_id = p_request_id;
  IF FOUND THEN
    RETURN QUERY SELECT CASE WHEN v_run.fingerprint = p_fingerprint THEN 1 ELSE 2 END, v_run.run_no;
    RETURN;
  END IF;

  SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.id = p_id;
  IF NOT FOUND THEN
    INSERT INTO signalbox.runs (project_no, rank, create_time, id, title, labels, request_id, fingerprint)
    VALUES (v_project.project_no, v_project.last_rank + 1, clock_timestamp(), p_id, p_title, p_labels,
            p_request_id, p_fingerprint)
    ON CONFLICT (id) DO NOTHING
    RETURNING * INTO v_run;
    IF FOUND THEN
      UPDATE signalbox.projects p SET last_rank = last_rank + 1 WHERE p.project_no = v_project.project_no;
      RETURN QUERY SELECT 0, v_run.run_no;
      RETURN;
    END IF;
    -- Somebody in another project took the id after we looked.
    SELECT r.* INTO v_run FROM signalbox.runs r WHERE r.id = p_id;
  END IF;
  RETURN QUERY SELECT CASE
      WHEN p_generated THEN 4
      WHEN v_run.project_no = v_project.project_no AND v_run.title = p_title AND v_run.labels = p_labels THEN 1
      ELSE 3 END, v_run.run_no;
END $$;

-- Adds or replaces declared keys. Outcome: 0 done · 1 no such run · 2 the run
-- ended · 3 more than p_max keys.
CREATE FUNCTION signalbox.declare_keys(
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
  RETURN 0;
END $$;
