"""Subscribers that do not read, and many of them."""

import time

from chaos.crowd import Crowd
from chaos.faults.fault import Fault
from chaos.jobs import Publisher
from rig.waiting import eventually

_EXIT_WITHIN = 10
_PADDING = "x" * 32_000
_BATCH = 64  # Messages: 2 MB, of which no window holds much.
_KIB_OF_A_STALLED_ONE = 256
_KIB_OF_NOISE = 8 * 1024  # That an allocator may keep in any case.


def exit_with_streams(scene, streams):
    """SIGTERM to a server with so many open streams, some of which nobody reads and some of whose clients hang."""
    (replica,) = scene.cluster.replicas
    address, few = replica.server.address, max(1, streams // 20)
    with (Publisher(address) as publisher, Crowd(address, publisher.run, streams - 2 * few) as readers,
          Crowd(address, publisher.run, few, reads=False) as idle, Crowd(address, publisher.run, few) as hanging):
        for crowd in (readers, idle, hanging):
            crowd.wait("open", crowd.count, 120)
        hanging.stop()
        _publish(publisher, _BATCH)
        began = time.monotonic()
        status = replica.server.terminate(timeout=60)
        seconds = time.monotonic() - began
        readers.wait("ended", readers.count)
    broken = []
    if status != 0:
        broken.append(f"it exited with {status}")
    if seconds > _EXIT_WITHIN:
        broken.append(f"exit took {seconds:.1f} s")
    return {"streams": streams, "exit, s": round(seconds, 1), **({"broken": broken} if broken else {})}


def stall(scene, subscribers):
    """Of so many subscribers a tenth never read, a twentieth hang, and one gets 1 KB/s; the others get everything."""
    (replica,) = scene.cluster.replicas
    address, slow = replica.server.address, replica.clients
    never, hanging = subscribers // 10, subscribers // 20
    stalled = never + hanging + 1
    with Publisher(address) as publisher, Crowd(address, publisher.run, subscribers - stalled) as readers:
        before = _rss_and_p99(replica, publisher, readers)
        with (Crowd(address, publisher.run, never, reads=False) as never,
              Crowd(slow.address, publisher.run, 1) as slowest,
              Crowd(address, publisher.run, hanging) as hanging):
            for crowd in (never, slowest, hanging):
                crowd.wait("open", crowd.count)
            slow.set(rate=1024)
            hanging.stop()
            after = _rss_and_p99(replica, publisher, readers)
            slow.heal()
            hanging.go_on()
            _goes_on_or_was_freed(hanging, publisher)
    each = (after[0] - before[0]) / stalled
    broken = [f"{each:.0f} KiB for each stalled one"] if each > _KIB_OF_A_STALLED_ONE + _KIB_OF_NOISE / stalled else []
    return {"subscribers": subscribers, "stalled": stalled, "KiB for each stalled one": round(each),
            "server, KiB": after[0], "p99 before, s": before[1], "p99 until the end, s": after[1],
            **({"broken": broken} if broken else {})}


def _publish(publisher, count):
    for _ in range(count):
        publisher.publish([time.monotonic(), _PADDING])


def _goes_on_or_was_freed(hanging, publisher):
    """Who hung for less than the server bears gets the rest."""
    eventually(lambda: hanging.counts("ended") == hanging.count or hanging.counts("received") == publisher.stored, 120,
               what="the rest of the messages, or the end")


def _rss_and_p99(replica, publisher, readers):
    """After a batch that all readers received."""
    _publish(publisher, _BATCH)
    readers.wait("received", publisher.stored, 120)
    assert not readers.counts("ended"), "streams of readers ended"
    with open(f"/proc/{replica.pid}/status") as status:
        rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return rss, round(readers.counts("p99"), 3)


FAULTS = [
    Fault("many-streams", "exit within 10 s", exit_with_streams, short=100, long=1000, load=None, replicas=1),
    Fault("slow-subscribers", "a stalled one costs 256 KiB and does not keep others", stall, short=100, long=500,
          load=None, replicas=1),
]
