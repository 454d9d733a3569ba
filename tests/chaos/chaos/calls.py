"""Calls of `signalbox.v1` from asyncio, over any of several edges, each written into the history."""

import asyncio

import grpc
from google.protobuf import symbol_database
from signalbox.v1 import message_pb2, message_service_pb2, run_pb2, run_service_pb2

from chaos.history import now, seen

_CODES = {code.value[0]: code for code in grpc.StatusCode}

# What these answer did not happen and never will. All other errors leave it in doubt.
_DEFINITE = {
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.OUT_OF_RANGE,
}
_BUGS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}  # Their texts are worth keeping.

_LOST = ("info", "LOST", None, {})  # The answer never arrived.
_RACERS = 3  # Replicas that get one request at once.

_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 10000),
    ("grpc.keepalive_timeout_ms", 5000),
    ("grpc.max_receive_message_length", 8 << 20),
]

PROJECTS = "traffic/"  # Of all traffic; the rest is the process's name.

_MESSAGES = message_service_pb2.DESCRIPTOR.services_by_name["MessageService"]
_RUNS = run_service_pb2.DESCRIPTOR.services_by_name["RunService"]


def _callables(channel):
    calls = {}
    for service in (_MESSAGES, _RUNS):
        for method in service.methods:
            kind = channel.unary_stream if method.name == "Subscribe" else channel.unary_unary
            calls[method.name] = kind(
                f"/{service.full_name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=symbol_database.Default().GetSymbol(method.output_type.full_name).FromString)
    return calls


def _failed(code, details):
    """What an error makes of a call: (out, code, response, more to write)."""
    out = "fail" if code in _DEFINITE else "info"
    return out, code.name, None, {"details": details} if code in _BUGS else {}


def _outcome(result):
    """The same, of one result of PublishMany."""
    if result.HasField("error"):
        return _failed(_CODES[result.error.code], result.error.message)
    return "ok", "OK", result.response, _stored(result.response)


def _stored(response):
    message = response.message
    return {"id": message.id, "sequence": message.sequence, "superseded": list(response.superseded_ids),
            "state": state_name(message.state)}


def known_of(results):
    """The one of several results of one request that tells most: (out, code, response)."""
    return min(results, key=lambda result: ("ok", "fail", "info").index(result[0]))


def state_name(state):
    return message_pb2.MessageState.Name(state).removeprefix("MESSAGE_STATE_")


class Calls:
    """One connection to each edge, shared by the unary calls of one process.

    `lost`: share of publishes and acks whose answer is thrown away, which for the server is the same as one that
    the network lost; `race`: share of requests that go to three replicas at once.
    """

    def __init__(self, addresses, history, rng, deadline, lost=0.0, race=0.1):
        self._addresses = addresses  # Name of the edge → address.
        self._replicas = [edge for edge in addresses if edge != "balanced"]  # That one leads to any of them.
        self._lost, self._race = lost, race
        self._channels = {}
        self._calls = {}
        for edge in addresses:
            self._channels[edge], self._calls[edge] = self.connect(edge)
        self._history = history
        self._rng = rng
        self._deadline = deadline

    def connect(self, edge):
        """A connection of its own: (channel, callables by name)."""
        channel = grpc.aio.insecure_channel(self._addresses[edge], options=_OPTIONS)
        return channel, _callables(channel)

    def any_edge(self):
        return self._rng.choice(list(self._addresses))

    def some_edges(self):
        """Where a request goes at once: anywhere, or to several replicas."""
        if self._rng.random() < self._race:
            return self._rng.sample(self._replicas, min(_RACERS, len(self._replicas)))
        return [self.any_edge()]

    def _lose(self):
        return self._rng.random() < self._lost

    async def close(self):
        for channel in self._channels.values():
            await channel.close()

    async def record(self, op, name, request, found, edge=None, **fields):
        """Makes one call and writes it down; `found(response)` gives what to write of an answer.

        Returns (out, code, response).
        """
        edge = edge or self.any_edge()
        began = now()
        try:
            response = await self._calls[edge][name](request, timeout=self._deadline)
            out, code, more = "ok", "OK", found(response)
        except grpc.aio.AioRpcError as error:
            out, code, response, more = _failed(error.code(), error.details())
        except asyncio.CancelledError:  # Whoever waits is told to go; what was asked for may happen all the same.
            self._history.write(op, t0=began, t1=now(), at=edge, out="info", code="ABANDONED", **fields)
            raise
        if op in ("publish", "ack") and out != "info" and self._lose():
            out, code, response, more = _LOST
        self._history.write(op, t0=began, t1=now(), at=edge, out=out, code=code, **fields, **more)
        return out, code, response

    async def settle(self, attempt, pause=0.05):
        """Repeats `attempt(edge)` until its effect is known; on several replicas at once at times."""
        edges = self.some_edges()
        while True:
            results = await asyncio.gather(*(attempt(edge) for edge in edges))
            if (known := known_of(results))[0] != "info":
                return known
            await asyncio.sleep(pause * (0.5 + self._rng.random()))
            edges = [self.any_edge()]

    # The calls.

    async def create_run(self, project, run):
        request = run_service_pb2.CreateRunRequest(project=project, run_id=run)
        return await self.settle(lambda edge: self.record("create_run", "CreateRun", request, lambda _: {}, edge,
                                                          run=run))

    async def end_run(self, run):
        request = run_service_pb2.EndRunRequest(run=run_pb2.RunRef(id=run), outcome=run_pb2.RUN_OUTCOME_COMPLETED)
        return await self.settle(lambda edge: self.record("end", "EndRun", request, lambda _: {}, edge, run=run))

    async def head_of(self, run):
        request = run_service_pb2.GetRunRequest(run=run_pb2.RunRef(id=run))
        _, _, response = await self.settle(lambda edge: self.record("get_run", "GetRun", request, lambda _: {}, edge,
                                                                    run=run))
        return response.run.head_sequence

    async def publish(self, request, edge=None, **fields):
        return await self.record("publish", "Publish", request, _stored, edge, **fields)

    async def publish_many(self, drafts, edge=None):
        """Publishes all (request, fields) in one call, each an event of its own; a list of (out, code, response)."""
        edge = edge or self.any_edge()
        began = now()
        request = message_service_pb2.PublishManyRequest(requests=[request for request, _ in drafts])
        try:
            response = await self._calls[edge]["PublishMany"](request, timeout=self._deadline)
            results = [_LOST] * len(drafts) if self._lose() else [_outcome(result) for result in response.results]
        except grpc.aio.AioRpcError as error:
            results = [_failed(error.code(), error.details())] * len(drafts)
        ended = now()
        for (_, fields), (out, code, _, more) in zip(drafts, results, strict=True):
            self._history.write("publish", t0=began, t1=ended, at=edge, out=out, code=code, **fields, **more)
        return [result[:3] for result in results]

    async def ack(self, request, edge=None, **fields):
        def found(response):
            return {"results": [[result.message_id, result.claimed, result.message.consumer,
                                 state_name(result.message.state)] for result in response.results]}

        return await self.record("ack", "Ack", request, found, edge, **fields)

    async def cancel(self, run, message_id):
        request = message_service_pb2.CancelRequest(message_id=message_id)
        return await self.settle(lambda edge: self.record(
            "cancel", "Cancel", request, lambda response: {"state": state_name(response.message.state)}, edge,
            run=run, id=message_id))

    async def get(self, run, key):
        request = message_service_pb2.GetRequest(run=run_pb2.RunRef(id=run), key=key)

        def found(response):
            return {"seen": seen(response.message) if response.HasField("message") else None}

        return await self.record("get", "Get", request, found, run=run, key=key)

    async def get_all(self, run):
        request = message_service_pb2.GetAllRequest(run=run_pb2.RunRef(id=run), page_size=1000)
        return await self.record("get_all", "GetAll", request, lambda response: {
            "seen": [seen(message) for message in response.messages], "whole": not response.next_page_token}, run=run)

    async def await_message(self, run, message_id, until, seconds):
        request = message_service_pb2.AwaitRequest(message_id=message_id, until=until)
        request.timeout.FromNanoseconds(int(seconds * 1e9))
        return await self.record("await", "Await", request, lambda response: {
            "state": state_name(response.message.state)}, run=run, id=message_id)
