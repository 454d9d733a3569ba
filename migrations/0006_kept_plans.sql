-- As before, but in plpgsql, which keeps plans for as long as the session lasts. A function in SQL that is
-- not inlined is parsed and planned in every statement that calls it, which took longer than running it.

CREATE OR REPLACE FUNCTION signalbox.resolve_runs(p_id text[], p_project text[], p_rank bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(
    SELECT coalesce(
             (SELECT r.run_no FROM signalbox.runs r WHERE r.id = t.id),
             CASE WHEN t.id IS NULL THEN
               (SELECT r.run_no FROM signalbox.runs r
                  JOIN signalbox.projects p USING (project_no)
                 WHERE p.name = t.project AND r.rank = t.rank) END)
      FROM unnest(p_id, p_project, p_rank) WITH ORDINALITY t(id, project, rank, ord) ORDER BY t.ord);
END $$;

CREATE OR REPLACE FUNCTION signalbox.head_sequence(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN greatest(p_pruned, (SELECT m.sequence FROM signalbox.messages m
                              WHERE m.run_no = p_run_no AND m.sequence > p_pruned
                              ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1));
END $$;

CREATE OR REPLACE FUNCTION signalbox.head_change(p_run_no bigint, p_pruned bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN greatest(p_pruned, (SELECT m.change FROM signalbox.messages m
                              WHERE m.run_no = p_run_no AND m.change > p_pruned
                              ORDER BY m.run_no DESC, m.change DESC LIMIT 1));
END $$;
