-- As before, but a run that somebody always holds is no longer left for the next
-- round for ever: once a message of it is a second overdue, the run is waited
-- for. That comes first, while nothing is held, so that nobody waits in a circle.
-- And messages whose time is far off are no longer looked at: the bound of the
-- search is a value, where it was a function that no index can be searched for.
CREATE OR REPLACE FUNCTION signalbox.expire_messages(p_limit int) RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_runs bigint[]; v_overdue bigint; v_now timestamptz := clock_timestamp();
BEGIN
  SELECT m.run_no INTO v_overdue FROM signalbox.messages m
   WHERE m.change IS NULL AND m.expire_time <= v_now - interval '1 second'
   ORDER BY m.expire_time LIMIT 1;
  IF FOUND THEN
    BEGIN
      PERFORM FROM signalbox.runs r WHERE r.run_no = v_overdue FOR NO KEY UPDATE;
    EXCEPTION WHEN lock_not_available THEN NULL;  -- lock_timeout: the next round tries again
    END;
  END IF;

  SELECT array_agg(r.run_no) INTO v_runs
    FROM (SELECT r.run_no FROM signalbox.runs r
           WHERE r.run_no IN (SELECT m.run_no FROM signalbox.messages m
                               WHERE m.change IS NULL AND m.expire_time <= v_now
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
