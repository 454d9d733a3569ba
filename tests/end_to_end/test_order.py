"""Order under concurrency: dense, in commit order, and the same for every reader."""

import os
import random
import threading
import time

import pytest
from signalbox.v1 import message_service_pb2

from rig.client import run_ref
from rig.values import from_value, to_value
from rig.waiting import at_once

SEED = int(os.environ.get("SEED", random.randrange(10**6)))


@pytest.fixture(autouse=True)
def chance():
    print(f"SEED={SEED}")  # Shown when a test fails.
    return random.Random(SEED)


@pytest.fixture
def clients(server, replica):
    """Eight connections, four to each of two replicas."""
    return [(server, replica)[i % 2].connect() for i in range(8)]


def publish_many(clients, run, total, workers, log=None):
    """Publishes `total` messages from `workers` threads; returns (invoked, returned, message) of each."""
    def work(worker):
        done = []
        for i in range(total // workers):
            invoked = time.monotonic()
            message = clients[worker % len(clients)].publish(run, f"k{worker}", [worker, i])
            done.append((invoked, time.monotonic(), message))
        return done

    return [entry for entries in at_once([lambda w=w: work(w) for w in range(workers)]) for entry in entries]


def test_600_concurrent_publishes_are_numbered_1_to_600(client, clients, new_run):
    run = new_run()
    log = publish_many(clients, run, 600, 60)
    assert sorted(m.sequence for _, _, m in log) == list(range(1, 601))
    assert len({m.id for _, _, m in log}) == 600
    pending = client.get_all(run)
    assert [m.sequence for m in pending] == list(range(1, 601))
    assert {m.sequence: m for m in pending} == {m.sequence: m for _, _, m in log}
    assert client.get_run(run).head_sequence == 600


def test_600_publishes_started_at_the_same_moment(client, new_run):
    """Without waiting for an answer in between: all calls are in flight together."""
    run = new_run()
    futures = [client.start("Publish", message_service_pb2.PublishRequest(
        run=run_ref(run), key="k", value=to_value(i))) for i in range(600)]
    sequences = [future.result().message.sequence for future in futures]
    assert sorted(sequences) == list(range(1, 601))


def test_a_publish_that_returned_comes_before_one_that_begins_later(clients, new_run):
    run = new_run()
    log = publish_many(clients, run, 320, 16)
    events = sorted([(returned, 0, m.sequence) for _, returned, m in log] +
                    [(invoked, 1, m.sequence) for invoked, _, m in log])
    newest_returned = 0
    for _, is_invocation, sequence in events:
        if is_invocation:
            assert sequence > newest_returned
        else:
            newest_returned = max(newest_returned, sequence)


def test_the_messages_of_one_caller_keep_their_order(client, clients, new_run):
    run = new_run()
    publish_many(clients, run, 320, 16)
    last = {}
    for message in client.get_all(run):
        worker, i = from_value(message.value)
        assert i == last.get(worker, -1) + 1
        last[worker] = i


class Reader(threading.Thread):
    """Reads all pending messages again and again; every answer must be a prefix that is not old."""

    def __init__(self, client, run, returned):
        super().__init__(daemon=True)
        self._client, self._run, self._returned = client, run, returned
        self.stop = threading.Event()
        self.reads, self.failure = 0, None

    def run(self):
        try:
            while not self.stop.is_set():
                self._read()
        except Exception as failure:  # Told by the test's own thread.
            self.failure = failure

    def _read(self):
        known = self._returned[0]
        sequences = [m.sequence for m in self._client.get_page(self._run).messages]
        assert sequences == list(range(1, len(sequences) + 1)), "not a prefix"
        assert len(sequences) >= known, "an acknowledged publish is missing"
        self.reads += 1


def test_every_read_is_a_prefix_and_holds_what_was_acknowledged(server, replica, new_run):
    run = new_run()
    returned = [0]
    lock = threading.Lock()
    readers = [Reader(each.connect(), run, returned) for each in (server, replica, server)]
    for reader in readers:
        reader.start()

    def publish(connection):
        for i in range(75):
            sequence = connection.publish(run, value=i).sequence
            with lock:
                returned[0] = max(returned[0], sequence)

    at_once([lambda c=(server, replica)[i % 2].connect(): publish(c) for i in range(4)])
    for reader in readers:
        reader.stop.set()
        reader.join(20)
        assert reader.failure is None, repr(reader.failure)
        assert reader.reads > 0


def test_streams_are_strictly_increasing_and_complete(clients, new_run, chance):
    run = new_run()
    streams = [clients[i % 8].subscribe(run) for i in range(8)]
    delays = [chance.uniform(0, 0.003) for _ in range(12)]

    def publish(worker):
        for i in range(30):
            clients[worker % 8].publish(run, value=[worker, i])
            threading.Event().wait(delays[worker])  # Spreads the commits; nothing depends on it.

    at_once([lambda w=w: publish(w) for w in range(12)])
    for stream in streams:
        stream.synced(360, timeout=15)
        assert stream.sequences() == list(range(1, 361))
        _check_progress(stream)
        stream.close()


def _check_progress(stream):
    """At each synced progress, everything up to its position was sent; nothing had left the run."""
    sent, at = set(), -1
    for _, event in list(stream.events):
        kind = event.WhichOneof("event")
        if kind == "message":
            assert event.message.sequence > at
            at = event.message.sequence
            sent.add(at)
        elif kind == "progress" and event.progress.synced:
            assert at <= event.progress.head_sequence, "a message beyond the position it says"
            assert set(range(1, event.progress.head_sequence + 1)) <= sent


def test_publishers_and_consumers_together_leave_nothing_behind(server, replica, client, new_run, chance):
    """Random publishes, acks and resumptions: what a follower holds at the end is what is pending."""
    run = new_run()
    followers = [Follower((server, replica)[i % 2], run, random.Random(chance.random())) for i in range(4)]

    def act(connection, rng):
        mine = []
        for _ in range(40):
            if mine and rng.random() < 0.5:
                connection.ack(mine.pop(rng.randrange(len(mine))), "reader", outcome=rng.randrange(3))
            elif rng.random() < 0.3:
                connection.setting(run, rng.choice("xyz"))
            else:
                mine.append(connection.publish(run))

    actors = [lambda c=(server, replica)[i % 2].connect(), r=random.Random(chance.random()): act(c, r)
              for i in range(6)]
    at_once(actors + [follower.follow for follower in followers])
    head, pending = client.get_run(run).head_sequence, {m.id for m in client.get_all(run)}
    for follower in followers:
        follower.read_until(head)
        assert follower.held() == pending


class Follower:
    """Keeps what is pending from a stream that is cut again and again and resumed from its cursor."""

    def __init__(self, server, run, rng):
        self._client, self._run, self._rng = server.connect(), run, rng
        self._cursor, self._position, self._sequences = "", 0, {}

    def held(self):
        return set(self._sequences)

    def follow(self):
        for _ in range(8):
            self._read(self._rng.randrange(1, 25))

    def read_until(self, head):
        self._read(10**9, head)
        assert self._position >= head

    def _read(self, count, head=None):
        """Reads `count` events, or until synced at `head`, or until nothing comes; cuts the stream."""
        self._sequences = {i: n for i, n in self._sequences.items() if n <= self._position}
        with self._client.subscribe(self._run, cursor=self._cursor) as stream:
            for index in range(count):
                event = stream.event(index, timeout=0.3 if head is None else 10)
                if event is None:
                    return
                self._take(event)
                if head is not None and event.progress.synced and self._position >= head:
                    return

    def _take(self, event):
        kind = event.WhichOneof("event")
        if kind == "message":
            self._sequences[event.message.id] = event.message.sequence
        elif kind == "withdrawn":
            self._sequences.pop(event.withdrawn.message_id, None)
        elif kind == "progress" and event.progress.synced:
            self._cursor, self._position = event.progress.cursor, event.progress.head_sequence
