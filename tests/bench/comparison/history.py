"""A database in which much is over."""

from comparison.program import measure
from comparison.sql import run_sql

# As publishes and acks would have left them; through the API ten million would take ten minutes.
_FINISHED = """
INSERT INTO signalbox.messages (run_no, sequence, nonce, change, create_time, ack_time, finish_time, kind, state, key,
                                value, publisher, reason, request_id, fingerprint, consumer)
SELECT r.run_no, s, (random() * 9e18)::bigint, s, now(), now(), now(), 1, 3, 'metrics',
       '\\x1a64'::bytea || convert_to(repeat('x', 100), 'UTF8'), '', '',
       convert_to(md5(r.run_no || '.' || s), 'UTF8'), decode(md5(s || '.' || r.run_no), 'hex'), 'bench'
  FROM generate_series({first}, {last}) s, signalbox.runs r;
"""
_ROWS_AT_ONCE = 500_000


def fill_with_history(server, messages, scale):
    """Makes runs `run-…` to publish to and `read-…` to read, with equal parts of so many finished messages each, and
    ten pending ones for each that is read. Whatever there is, it has been published to for a while."""
    read_runs = max(1, scale.runs // 10)
    for prefix, runs in (("run", scale.runs), ("read", read_runs)):
        measure("prepare-runs", address=server.address, run_prefix=prefix, runs=runs, finished=0, pending=0)
    url = server.url("signalbox")
    each = messages // (scale.runs + read_runs)
    step = max(1, _ROWS_AT_ONCE // (scale.runs + read_runs))
    for first in range(1, each + 1, step):
        run_sql(url, _FINISHED.format(first=first, last=min(each, first + step - 1)))
    measure("prepare-runs", address=server.address, run_prefix="read", runs=read_runs, finished=0, pending=10)
    run_sql(url, "VACUUM ANALYZE; CHECKPOINT;")
    # The first change of a page after a checkpoint logs all of it: once in half an hour, but here in the first round.
    measure("publish", address=server.address, runs=scale.runs, seconds=scale.seconds)
