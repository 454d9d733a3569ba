"""One run of the traffic: its publishers, consumers that race for messages, readers and subscribers."""

import asyncio
import collections
import itertools
import zlib

from google.protobuf import duration_pb2
from signalbox.v1 import message_pb2, message_service_pb2, run_pb2

from chaos.calls import known_of, state_name
from chaos.history import content, now
from chaos.subscriber import Subscriber

_COMMANDS = ("save", "evaluate", "dump")
_SETTINGS = ("learning-rate", "weight-decay")
_AWAITED = (  # What to wait for, and the states in which it is still to come.
    (message_service_pb2.AWAIT_UNTIL_ACKED, {"PENDING"}),
    (message_service_pb2.AWAIT_UNTIL_FINISHED, {"PENDING", "ACKED"}),
)


class Run:
    """One run and everybody around it; `traffic` is what it is part of."""

    def __init__(self, traffic, run):
        self.run = run
        self.published = 0
        self._traffic, self._rng, self._calls = traffic, traffic.rng, traffic.calls
        self._tokens = itertools.count(1)
        self._requests = []  # Some that were settled: (request, fields).
        self._lately = []  # Ids to cancel,
        self._known = collections.deque(maxlen=100)  # and to ask after.
        self._under_way = set()
        self.stopping = False
        subscribe = lambda **more: Subscriber(self._calls, traffic.history, self._rng, run, traffic.name,
                                                stay=traffic.stay, **more)
        self.subscribers = [
            subscribe(on_message=lambda message: self._consume("a", message)),
            subscribe(on_message=lambda message: self._consume("b", message)),
            subscribe(slow=0.05, stalls=traffic.longest_stop, on_message=lambda _: traffic.count("deliveries")),
            subscribe(keys=["learning-rate", "save"], on_message=lambda _: traffic.count("deliveries")),
        ]

    # Publishing.

    async def publish_one(self):
        if self._requests and self._rng.random() < 0.03:
            return await self._repeat(*self._rng.choice(self._requests))
        request, fields = self.draft()
        if not request.request_id:  # Nothing to repeat it by: whatever came of it stays as it is.
            result = await self._publish(request, None, fields)
        else:
            result = await self._calls.settle(lambda edge: self._publish(request, edge, fields))
        self.note(result, request, fields)

    async def publish_batch(self, size):
        """In one call, now and then for another run too, or with a repeat among it."""
        drafts = []
        for run in [self, *self._traffic.others(self)]:
            drafts += [(run, *run.draft(repeatable=True)) for _ in range(size if run is self else size // 4)]
        if self._requests and self._rng.random() < 0.3:
            drafts.append((self, *self._rng.choice(self._requests)))
        self._rng.shuffle(drafts)
        task = asyncio.create_task(self._publish_drafts(drafts))
        for run in {run for run, _, _ in drafts}:
            run.wait_for(task)
        await task

    async def _publish_drafts(self, drafts):
        while drafts:
            calls = [self._calls.publish_many([draft[1:] for draft in drafts], edge)
                     for edge in self._calls.some_edges()]
            in_doubt = []
            for draft, *results in zip(drafts, *await asyncio.gather(*calls)):
                run, request, fields = draft
                result = known_of(results)
                self._count(result)
                if result[0] == "info":
                    in_doubt.append(draft)
                else:
                    run.note(result, request, fields)
            drafts = in_doubt
            await asyncio.sleep(0.05 * self._rng.random() if drafts else 0)

    def draft(self, repeatable=False):
        """A publish that nobody has made yet: (request, fields of its events); `repeatable` by its request id."""
        rng = self._rng
        token = f"{self.run}:{next(self._tokens)}"
        request_id = "" if not repeatable and rng.random() < 0.02 else token
        taken = self._requests and rng.random() < 0.01
        if taken:  # A request id that another publish has had: to be refused.
            request_id = rng.choice(self._requests)[0].request_id or token
        setting = rng.random() < 0.3
        if request_id == token:
            self._traffic.count("ids")
        value = content(token, rng.choice((0, 10, 100, 3000)))
        request = message_service_pb2.PublishRequest(
            run=run_pb2.RunRef(id=self.run), request_id=request_id,
            key=rng.choice(_SETTINGS if setting else _COMMANDS),
            kind=message_pb2.KIND_SETTING if setting else message_pb2.KIND_COMMAND)
        request.value.string_value = value
        if rng.random() < 0.05:
            request.ttl.CopyFrom(duration_pb2.Duration(nanos=rng.randrange(50, 999) * 1_000_000))
        fields = {"run": self.run, "token": token, "request_id": request_id, "key": request.key, "setting": setting,
                  "value": value}
        return request, fields

    async def _publish(self, request, edge, fields):
        result = await self._calls.publish(request, edge, **fields)
        self._count(result)
        return result

    def _count(self, result):
        out, code, _ = result
        self._traffic.count({"ok": "ok", "fail": "refused", "info": "lost" if code == "LOST" else "doubt"}[out])

    async def _repeat(self, request, fields):
        await self._calls.settle(lambda edge: self._calls.publish(request, edge, **fields))

    async def repeat_some(self):
        """After the end of the run, too, what was stored is answered as the first time."""
        for request, fields in self._rng.sample(self._requests, min(3, len(self._requests))):
            await self._repeat(request, fields)

    def note(self, result, request, fields):
        if result[0] != "ok":
            return
        self.published += 1
        if request.request_id and self._rng.random() < 0.05:
            self._requests.append((request, fields))
        if self._rng.random() < 0.03:
            self._lately.append(result[2].message.id)
        if self._rng.random() < 0.1:
            self._known.append(result[2].message.id)

    # What consumers do.

    def _consume(self, consumer, message):
        self._traffic.count("deliveries")
        if self._rng.random() < self._traffic.acked and not self.stopping:
            self.wait_for(asyncio.create_task(self._ack(f"{consumer}@{self.run}", message.id)))

    async def _ack(self, consumer, message_id):
        await asyncio.sleep(self._rng.choice((0, 0, 0.01, 0.1)))
        # A message may come to it twice; what it makes of it stays the same.
        mood = zlib.crc32(f"{consumer} {message_id}".encode()) % 10
        outcomes = [message_service_pb2.ACK_OUTCOME_APPLIED if mood else message_service_pb2.ACK_OUTCOME_FAILED]
        if mood % 3 == 0:  # Claimed first, finished later.
            outcomes.insert(0, message_service_pb2.ACK_OUTCOME_UNSPECIFIED)
        for outcome in outcomes:
            request = message_service_pb2.AckRequest(message_ids=[message_id], consumer=consumer, outcome=outcome)
            out, _, response = await self._calls.settle(lambda edge: self._calls.ack(
                request, edge, run=self.run, ids=[message_id], consumer=consumer,
                outcome=message_service_pb2.AckOutcome.Name(outcome).removeprefix("ACK_OUTCOME_")))
            self._traffic.count("acks")
            if out != "ok" or not response.results[0].claimed:
                return

    def wait_for(self, task):
        """`idle()` does."""
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def idle(self):
        while self._under_way:
            await asyncio.gather(*self._under_way)

    # Others.

    async def read(self):
        """Reads, waits and cancels now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.02, 0.3))
            choice = self._rng.random()
            if choice < 0.45:
                await self._calls.get_all(self.run)
            elif choice < 0.9 or not self._known:
                await self._calls.get(self.run, self._rng.choice(_COMMANDS + _SETTINGS))
            else:
                await self._wait_for_one()
            self._traffic.count("reads")
            if self._lately:
                await self._calls.cancel(self.run, self._lately.pop())

    async def _wait_for_one(self):
        """An Await that is answered before its time is over says that what it waited for has come about."""
        until, too_early = self._rng.choice(_AWAITED)
        seconds = self._rng.uniform(0.05, 0.5)
        began = now()
        out, _, response = await self._calls.await_message(self.run, self._rng.choice(self._known), until, seconds)
        if out == "ok" and now() - began < seconds * 1e9:
            state = state_name(response.message.state)
            assert state not in too_early, f"Await until {until} was answered {state} ahead of its time"
