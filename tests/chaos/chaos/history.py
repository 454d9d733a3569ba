"""What clients did and saw, one JSON object a line; the checker knows nothing else.

Instants `t0` (invoked), `t1` (returned) and `t` are time.monotonic_ns(): all clients run on one machine, so their
order is exact. `out` is `ok`, `fail` (it never took effect) or `info` (it may have, or still may). A message seen
is written as [id, sequence, token, hash, key]: the token, first part of its value, names the publish that made it.
The codes INTERNAL and UNKNOWN come with their text, `details`.

| op | fields |
| --- | --- |
| clock | t, wall: the same instant by both clocks, nanoseconds |
| publish | t0 t1 at out code run project token request_id key setting value; ok: id sequence superseded |
| ack | t0 t1 at out code run ids consumer outcome; ok: results [[id, claimed, consumer, state]] |
| cancel, await | t0 t1 at out code run id; ok: state |
| create_run, get_run, end | t0 t1 at out code run |
| get | t0 t1 at out code run key; ok: seen (a message or null) |
| get_all | t0 t1 at out code run; ok: seen (messages) |
| open | t at run subscriber stream keys slow resumed: on its last progress |
| message | t stream seen |
| withdrawn | t stream id state consumer |
| progress | t stream head synced stale server: its clock; moved: its cursor is another than the last one |
| run_ended, closed | t stream; closed: code |
| stuck | t stream head: with the system healed and quiet, an open stream does not come to the run's head |
| settled | t subscriber: everything was quiet, and its last stream has had a synced progress |
| failed_over | t0 t1: the database's history is another one since then, and the old one is over |
| edge | t0 t1 edge, and what was set of it: `freeze`, `rate`, … as in `chaos.proxy` |
| final | at run seen (messages, with state, consumer and expire_time behind) |
"""

import json
import time
import zlib

now = time.monotonic_ns


class Writer:
    """Appends events to one file. For one thread."""

    def __init__(self, path):
        self._file = open(path, "w", buffering=1 << 16)
        self.write("clock", t=now(), wall=time.time_ns())

    def write(self, op, **fields):
        self._file.write(json.dumps({"op": op, **fields}, separators=(",", ":")) + "\n")

    def flush(self):
        self._file.flush()

    def close(self):
        self._file.close()


def read(path):
    """The events of one file, in order."""
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def content(token, padding):
    """The value of a message, a string that names its publish."""
    return f"{token} {'.' * padding}"


def seen(message):
    """A protobuf Message as events hold it."""
    value = message.value.string_value
    return [message.id, message.sequence, value.split(" ", 1)[0], digest(value), message.key]


def digest(value):
    return zlib.crc32(value.encode())
