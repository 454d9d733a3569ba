"""Subscribers that do not read, and many of them."""

import time
from contextlib import ExitStack, contextmanager
from statistics import median

from chaos.crowd import Crowd
from chaos.faults.fault import Fault
from chaos.jobs import Publisher
from chaos.percentiles import percentiles
from rig.client import Client
from rig.processor import processor_seconds
from rig.waiting import eventually

_EXIT_WITHIN = 10
_SLACK = 10  # Seconds that a busy machine may take besides.
_PADDING = "x" * 32_000
_BATCH = 64  # Messages: 2 MB, of which no window holds much.

# Of the ones that stall and the others.
_SHORT, _LONG = (2, 4), (5, 20)  # Windows with and without stalled ones; seconds of each: the server bears 40.
_FILLING = 24  # Large messages, which fill the windows of those that do not read them.
_LARGE, _SMALL = "large", "small"  # Keys. The others listen to small messages alone.
_RATE = 4  # Small messages a second: with those who get them, no more than the machine carries.
_MEASURED = 25  # Subscribers in a process of their own, for which time is taken.
_KIB_OF_A_STALLED_ONE = 256
_KIB_OF_NOISE = 8 * 1024  # Of the short form, in which there are few: what an allocator may keep in any case.
_SLOWED_BY = 1.2  # At most, and
_MS_OF_NOISE = 5  # more.
_SLACK_MS = 500  # That a busy machine may take besides.
_SATURATED = 0.5  # Of a processor.


def exit_with_streams(scene, streams):
    """SIGTERM to a server with so many open streams, some of which nobody reads and some of whose clients hang."""
    (replica,) = scene.cluster.replicas
    address, few = replica.server.address, max(1, streams // 20)
    with (Publisher(address) as publisher, Crowd(address, publisher.run, streams - 2 * few) as readers,
          Crowd(address, publisher.run, few, reads=False) as idle, Crowd(address, publisher.run, few) as hanging):
        for crowd in (readers, idle, hanging):
            crowd.wait("open", crowd.count, 120)
        hanging.stop()
        for _ in range(_BATCH):
            publisher.publish([time.monotonic(), _PADDING])
        began = time.monotonic()
        status = replica.server.terminate(timeout=60)
        seconds = time.monotonic() - began
        readers.wait("ended", readers.count)
    scene.limit("exit, s", seconds, _EXIT_WITHIN, _SLACK)
    return {"streams": streams, "exit, s": round(seconds, 1), "broken": [f"it exited with {status}"] if status else []}


def stall(scene, subscribers):
    """Of so many subscribers a tenth never read, a twentieth hang, and one gets 1 KB/s, by turns with windows in which
    these read too; the others get everything, as fast as then."""
    windows, seconds = _LONG if scene.is_long else _SHORT
    (replica,) = scene.cluster.replicas
    took, kib = {False: [], True: []}, {False: [], True: []}
    with ExitStack() as stack:
        messages = stack.enter_context(_Messages(replica.server.address))
        idlers = _Idlers(scene.cluster, replica, messages.run, subscribers)
        listen = lambda count: stack.enter_context(Crowd(replica.server.address, messages.run, count, keys=[_SMALL]))
        measured, others = listen(_MEASURED), listen(subscribers - idlers.count - _MEASURED)
        for crowd in (measured, others):
            crowd.wait("open", crowd.count)
        alone = _kib_of(replica)
        for stalls in (False, True) * windows:
            with idlers.open(stalls) as catch_up:
                messages.publish(_LARGE, _FILLING, _PADDING)
                if not stalls:
                    catch_up(_FILLING)
                measured.phase()
                _talk(scene, messages, (measured, others), seconds)
                took[stalls] += [1e3 * second for second in measured.phase()]
                kib[stalls].append(_kib_of(replica))
                if stalls:
                    idlers.check_stalled(_FILLING * len(_PADDING))
            messages.settle()
    return _verdict(scene, took, kib, alone, idlers.count)


def _verdict(scene, took, kib, alone, stalled):
    percent = {stalls: percentiles(milliseconds) for stalls, milliseconds in took.items()}
    at_most = round(_SLOWED_BY * percent[False]["p99"] + _MS_OF_NOISE, 1)
    scene.limit("p99 beside stalled ones, ms", percent[True]["p99"], at_most, _SLACK_MS)
    # Freed memory stays with the allocator for a while, so windows are compared with the ones just before them.
    reading = (kib[False][0] - alone) / stalled
    more = median(stall - read for read, stall in zip(kib[False], kib[True])) / stalled
    scene.limit("each stalled one, KiB", reading + more, _KIB_OF_A_STALLED_ONE, _KIB_OF_NOISE / stalled)
    return {"stalled": stalled, "deliveries, ms": percent[False], "beside stalled ones, ms": percent[True],
            "deliveries measured": [len(took[stalls]) for stalls in (False, True)],
            "KiB of one that reads": round(reading), "more of a stalled one": round(more),
            "server, KiB": {"alone": alone, "all read": kib[False], "some stall": kib[True]}}


def _talk(scene, messages, listeners, seconds):
    """Small messages, one after another, until everybody has got them."""
    measured, began = listeners[0], time.monotonic()
    processor = processor_seconds(measured.pid)
    for number in range(round(seconds * _RATE)):
        time.sleep(max(0.0, began + number / _RATE - time.monotonic()))  # A pace, not a wait.
        messages.publish(_SMALL)
    for crowd in listeners:
        crowd.wait("received", messages.count(_SMALL))
        assert not crowd.counts("ended"), "streams of readers ended"
    share = (processor_seconds(measured.pid) - processor) / (time.monotonic() - began)
    if share > _SATURATED:
        scene.broken.append(f"saturated: the process that measures took {share:.0%} of a processor")


def _kib_of(replica):
    """Memory that the server holds."""
    with open(f"/proc/{replica.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class _Messages:
    """What is published to one run; a context manager."""

    def __init__(self, address):
        self._client = Client(address)
        self.run = self._client.create_run()
        self._pending, self._counts = [], {}

    def publish(self, key, count=1, padding=""):
        for _ in range(count):
            self._pending.append(self._client.publish(self.run, key=key, value=[time.monotonic(), padding]))
            self._counts[key] = self.count(key) + 1

    def count(self, key):
        return self._counts.get(key, 0)

    def settle(self):
        """So that whoever comes later gets none of it."""
        self._client.try_ack(self._pending)
        self._pending = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()


class _Idlers:
    """Those who stall when they are told to: each kind behind an edge, which counts what the server wrote to them."""

    def __init__(self, cluster, replica, run, subscribers):
        self._run = run
        self._counts = {"never": subscribers // 10, "hanging": subscribers // 20, "slow": 1}
        self._edges = {name: cluster.proxy.edge(name, *replica.server.address.split(":")) for name in self._counts}
        self._written = {}  # To each kind before they came.
        self.count = sum(self._counts.values())

    @contextmanager
    def open(self, stalls):
        """They come, and go in the end. Gives what waits until all of them have got so many messages."""
        self._written = {name: edge.state()["bytes"]["down"] for name, edge in self._edges.items()}
        with ExitStack() as stack:
            crowds = {name: stack.enter_context(Crowd(self._edges[name].address, self._run, count,
                                                      reads=not (stalls and name == "never")))
                      for name, count in self._counts.items()}
            for crowd in crowds.values():
                crowd.wait("open", crowd.count)
            if stalls:
                self._edges["slow"].set(rate=1024)
                crowds["hanging"].stop()
            yield lambda count: [crowd.wait("received", count) for crowd in crowds.values()]
            if stalls:
                self._edges["slow"].heal()
                self._edges["slow"].end("cut")  # It would go on to wait for what it took in at once.
                crowds["hanging"].go_on()
                _goes_on_or_was_freed(crowds["hanging"], _FILLING)

    def check_stalled(self, sent):
        """All are there, and none was written more than half of what was sent."""
        for name, edge in self._edges.items():
            state, count = edge.state(), self._counts[name]
            written = (state["bytes"]["down"] - self._written[name]) / count
            assert state["links"] == count, f"of {count} {name} {state['links']} are left"
            assert written < sent / 2, f"{name}: the server wrote {written:.0f} bytes of {sent} to each"


def _goes_on_or_was_freed(hanging, count):
    """Who hung for less than the server bears gets the rest."""
    eventually(lambda: hanging.counts("ended") == hanging.count or hanging.counts("received") >= count, 120,
               what="the rest of the messages, or the end")


FAULTS = [
    Fault("many-streams", "exit within 10 s", exit_with_streams, short=100, long=1000, load=None, replicas=1),
    Fault("slow-subscribers", "a stalled one costs 256 KiB and does not keep others", stall, short=100, long=500,
          load=None, replicas=1),
]
