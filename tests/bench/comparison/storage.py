"""What a message costs on the disk of the database."""

from comparison.program import measure
from comparison.sql import run_sql

_STATE = """
SELECT pg_current_wal_lsn() - '0/0', pg_total_relation_size('signalbox.messages'), count(*), count(finish_time)
  FROM signalbox.messages
"""


def _state(url):
    return [int(float(figure)) for figure in run_sql(url, _STATE)[0].split("|")]


def storage(systems):
    """Bytes a message: of the write-ahead log when it is published, of the table with its indexes, and of the
    write-ahead log when it is acked."""
    server = systems.signalbox
    url = server.url("signalbox")

    def publish():
        measure("publish", address=server.address, runs=systems.scale.runs, seconds=systems.scale.seconds, warm_up=0)

    # The first change of a page after a checkpoint logs all of it. How many there are is a matter of when, so they
    # are made before.
    run_sql(url, "CHECKPOINT")
    publish()
    before = _state(url)
    publish()
    published = _state(url)
    # Publishes as many as it acks.
    measure("ack", address=server.address, runs=systems.scale.runs, messages=systems.scale.acks, warm_up=0,
            seconds=systems.scale.seconds)
    acked = _state(url)
    messages = published[2] - before[2]
    publish_wal = (published[0] - before[0]) / messages
    acks_wal = acked[0] - published[0] - publish_wal * (acked[2] - published[2])
    return {"wal_bytes_a_publish": publish_wal, "disk_bytes_a_message": (published[1] - before[1]) / messages,
            "wal_bytes_an_ack": acks_wal / (acked[3] - published[3])}
