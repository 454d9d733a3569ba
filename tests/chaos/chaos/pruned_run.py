"""A run of which everything that is over is pruned after a second, and what its clients did and saw."""

import bisect
import collections
import heapq
import itertools
import math
import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
from signalbox.v1 import message_service_pb2

from rig.client import run_ref
from rig.waiting import eventually

RETENTION = 1  # Seconds, of messages and runs.
_ANSWERED_WITHIN = 60
_RATE = 100  # Publishes a second.
_AT_ONCE = 50  # Messages of an ack.
_LISTED_EVERY = 0.2
_FOLLOWERS = 3
_OF_ANOTHER = 5  # Messages of a run that ends at once.

_APPLIED, _CLAIM = message_service_pb2.ACK_OUTCOME_APPLIED, message_service_pb2.ACK_OUTCOME_UNSPECIFIED
_GONE = grpc.StatusCode.NOT_FOUND
TOO_OLD = grpc.StatusCode.OUT_OF_RANGE
# A server that is killed, or has not started yet, says so; that time is over is how a stream is left.
INTERRUPTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}

now = time.monotonic


@dataclass(frozen=True)
class Place:
    """Where a stream can go on: with what a client then holds as pending, by sequence."""

    cursor: str = ""
    head: int = 0
    view: frozenset = frozenset()
    known_since: float = math.inf  # All that had happened by then is covered.


@dataclass
class Stream:
    """One stream, and what it showed: (instant, kind, sequence, or head)."""

    place: Place
    opened: float
    events: list = field(default_factory=list)
    code: object = None
    ended: float = 0.0


class Truth:
    """What became of the messages of a run, by sequence. Each part is written by one thread."""

    def __init__(self):
        self.sequences = {}  # By id.
        # From when on it may no longer have been pending, and may have been final; when it surely was not pending.
        self.left_after, self.finished_after, self.left_by = {}, {}, {}
        self.floors = [(0.0, 0)]  # (instant, everything up to here was gone by then)

    def pending(self, after, to, instant):
        """Those that surely still were."""
        return [n for n in range(after + 1, to + 1) if self.left_after.get(n, math.inf) > instant]

    def floor_before(self, instant):
        return self.floors[bisect.bisect_left(self.floors, (instant,)) - 1][1]


class PrunedRun:
    """One run with its publisher, its consumer, one who lists it, and subscribers that come back anywhere and with any
    cursor; a context manager that ends their threads. `broken` is what they found, in words."""

    def __init__(self, clients, seed):
        self._clients, self._seeds = clients, random.Random(seed)
        self._rng = random.Random(self._seeds.random())
        self.run = self.answer(self._rng, lambda client: client.create_run(request_id=f"pruned-{seed}"))
        self.truth, self.streams, self.broken = Truth(), [], []
        self._due = []  # The consumer's: a heap of (instant, sequence, id, outcome).
        self._stored = queue.SimpleQueue()  # More of that.
        self._publishing, self._following = threading.Event(), threading.Event()
        self._publishing.set()
        self._following.set()
        self._pool = ThreadPoolExecutor(_FOLLOWERS + 3)
        self._publisher = self._start(self._publish)
        self._others = [self._start(work) for work in (self._consume, self._list, *[self._follow] * _FOLLOWERS)]

    def _start(self, work):
        return self._pool.submit(work, random.Random(self._seeds.random()))

    def answer(self, rng, call):
        """What `call(client)` is answered by any replica that answers."""
        until = now() + _ANSWERED_WITHIN
        while True:
            try:
                return call(rng.choice(self._clients))
            except grpc.RpcError as error:
                if error.code() not in INTERRUPTED or now() > until:
                    raise
                time.sleep(rng.uniform(0.01, 0.1))

    def check(self):
        """Raises what a thread raised."""
        for task in (self._publisher, *self._others):
            if task.done():
                task.result()

    def finish(self):
        """Everything is finished and pruned, and the run ends and goes; returns how many messages there were."""
        self._publishing.clear()
        self._publisher.result(60)
        count = len(self.truth.sequences)
        eventually(lambda: self.check() or self.truth.floors[-1][1] == count, 30, what=f"pruning up to {count}")
        self._following.clear()
        for task in self._others:
            task.result(60)
        self.answer(self._rng, lambda client: client.end_run(self.run))
        return count

    def begin_and_end_another(self):
        """Returns a run that has ended, with a cursor of before."""
        run = self.answer(self._rng, lambda client: client.create_run())
        for number in range(1, _OF_ANOTHER + 1):
            self.answer(self._rng, lambda client, number=number: _publish_one(client, run, number))
        cursor = self.answer(self._rng, lambda client: client.get_page(run).cursor)
        self.answer(self._rng, lambda client: client.end_run(run))
        return run, cursor

    def is_gone(self, run, cursor):
        """Whether an ended run is, for those who look for it and those who want to go on."""
        request = message_service_pb2.SubscribeRequest(run=run_ref(run), cursor=cursor)
        for call in (lambda client: client.get_run(run), lambda client: list(client.Subscribe(request))):
            try:
                self.answer(self._rng, call)
                return False
            except grpc.RpcError as error:
                if error.code() != _GONE:
                    raise
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._publishing.clear()
        self._following.clear()
        self._pool.shutdown()

    # The threads.

    def _publish(self, rng):
        for number in itertools.count(1):
            if not self._publishing.is_set():
                return
            message = self.answer(rng, lambda client, number=number: _publish_one(client, self.run, number))
            if message.sequence != number:
                self.broken.append(f"publish {number} has sequence {message.sequence}")
            self.truth.sequences[message.id] = number
            wait = 2 if rng.random() < 0.005 else rng.choice((0, 0.05, 0.5))  # Some hold pruning up for long.
            self._stored.put((now() + wait, number, message.id, rng.choice((_APPLIED,) * 9 + (_CLAIM,))))
            time.sleep(rng.expovariate(_RATE))

    def _consume(self, rng):
        """Finishes everything when it is due, some of it after a claim, until nothing comes any more."""
        while self._following.is_set():
            while not self._stored.empty():
                heapq.heappush(self._due, self._stored.get())
            taken = []
            while self._due and self._due[0][0] <= now() and len(taken) < _AT_ONCE:
                taken.append(heapq.heappop(self._due))
            for outcome in (_APPLIED, _CLAIM):
                self._ack(rng, outcome, [entry for entry in taken if entry[3] == outcome])
            time.sleep(0.01)

    def _ack(self, rng, outcome, entries):
        if not entries:
            return
        attempts, began = [], now()
        for _, number, _, _ in entries:
            self.truth.left_after.setdefault(number, began)
            if outcome == _APPLIED:
                self.truth.finished_after[number] = began

        def attempt(client):
            attempts.append(client)
            return client.try_ack([message_id for _, _, message_id, _ in entries], "consumer", outcome=outcome)

        try:
            self.answer(rng, attempt)
        except grpc.RpcError as error:
            # The first attempt may have finished them all, so that they are pruned when it is repeated.
            if error.code() != _GONE or len(attempts) == 1 or outcome == _CLAIM:
                self.broken.append(f"an ack of {[entry[1] for entry in entries]} was answered {error.code().name}")
        for _, number, message_id, _ in entries:
            self.truth.left_by.setdefault(number, now())
            if outcome == _CLAIM:
                heapq.heappush(self._due, (now() + rng.choice((0.1, 1)), number, message_id, _APPLIED))

    def _list(self, rng):
        """Notes what is gone, which must have been over for long enough."""
        while self._following.is_set():
            sure = len(self.truth.sequences)
            listed = sorted(message.sequence for message in
                            self.answer(rng, lambda client: client.history(self.run)))
            floor, until = listed[0] - 1 if listed else sure, now() - RETENTION
            known = self.truth.floors[-1][1]
            if floor < known:
                self.broken.append(f"{floor + 1} is there again")
            if listed != list(range(floor + 1, floor + 1 + len(listed))) or floor + len(listed) < sure:
                self.broken.append(f"the history has a hole: {listed}, of {sure}")
            for number in range(known + 1, floor + 1):
                if self.truth.finished_after.get(number, math.inf) > until:
                    self.broken.append(f"{number} is gone, and was not over for {RETENTION} s")
            self.truth.floors.append((now(), floor))
            time.sleep(_LISTED_EVERY)

    def _follow(self, rng):
        """One stream after another, each from where an earlier one was."""
        places = collections.deque([Place()], maxlen=100)
        while self._following.is_set():
            # Some are as old as what is just being pruned.
            place = places[-1 - min(int(rng.expovariate(0.4)), len(places) - 1)]
            stream = Stream(place, now())
            try:
                self._read(rng, stream, places)
            except grpc.RpcError as error:
                stream.code = error.code()
            stream.ended = now()
            self.streams.append(stream)
            if stream.code == TOO_OLD:
                places.remove(place)
                places.append(Place())

    def _read(self, rng, stream, places):
        view = set(stream.place.view)
        request = message_service_pb2.SubscribeRequest(run=run_ref(self.run), cursor=stream.place.cursor)
        ids = {}
        for response in rng.choice(self._clients).Subscribe(request, timeout=rng.uniform(0.3, 2)):
            kind = response.WhichOneof("event")
            if kind == "message":
                view.add(response.message.sequence)
                stream.events.append((now(), kind, response.message.sequence))
            elif kind == "withdrawn":
                # A message may be shown before its publisher is told of it, but nobody acks it by then.
                number = self.truth.sequences[response.withdrawn.message_id]
                view.discard(number)
                stream.events.append((now(), kind, number))
            elif kind == "progress" and response.progress.synced and not response.progress.stale:
                head = response.progress.head_sequence
                stream.events.append((now(), kind, head))
                places.append(Place(response.progress.cursor, head, frozenset(view), stream.opened))


def _publish_one(client, run, number):
    return client.publish(run, value=number, request_id=f"r{number}", timeout=3)
