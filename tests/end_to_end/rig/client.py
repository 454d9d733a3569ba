"""Calls of `signalbox.v1` by their names, with short ways for what tests do most."""

from contextlib import contextmanager

import grpc
import pytest
from google.protobuf import symbol_database
from signalbox.v1 import (message_pb2, message_service_pb2, run_pb2,
                          run_service_pb2)

from rig.stream import Stream
from rig.values import seconds, to_value

_SERVICES = (message_service_pb2.DESCRIPTOR.services_by_name["MessageService"],
             run_service_pb2.DESCRIPTOR.services_by_name["RunService"])

_CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # Another client's broken connection is not ours.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5000),  # Also the deadline of an attempt to connect.
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 8 << 20),
]


def run_ref(run):
    """A RunRef of an id, of a (project, rank) pair, of a Run, or as it is."""
    if isinstance(run, run_pb2.RunRef):
        return run
    if isinstance(run, run_pb2.Run):
        return run_pb2.RunRef(id=run.id)
    if isinstance(run, tuple):
        return run_pb2.RunRef(project=run[0], rank=run[1])
    return run_pb2.RunRef(id=run)


class Client:
    """One connection to one server. `client.Publish(request)` calls any RPC by its name."""

    def __init__(self, address, options=()):
        self.address = address
        self.channel = grpc.insecure_channel(address, options=[*_CHANNEL_OPTIONS, *options])
        self._calls = {}
        symbols = symbol_database.Default()
        for service in _SERVICES:
            for method in service.methods:
                kind = self.channel.unary_stream if method.name == "Subscribe" else self.channel.unary_unary
                self._calls[method.name] = kind(
                    f"/{service.full_name}/{method.name}",
                    request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
                    response_deserializer=symbols.GetSymbol(method.output_type.full_name).FromString)

    def __getattr__(self, name):
        call = self._calls[name]
        return lambda request, timeout=20: call(request, timeout=timeout)

    def start(self, name, request, timeout=30):
        """Begins a unary call and returns its future."""
        return self._calls[name].future(request, timeout=timeout)

    def wait_connected(self):
        grpc.channel_ready_future(self.channel).result(10)

    def close(self):
        self.channel.close()

    # Runs.

    def create_run(self, project="lab/tests", **fields):
        return self.CreateRun(run_service_pb2.CreateRunRequest(project=project, **fields)).run

    def get_run(self, run):
        return self.GetRun(run_service_pb2.GetRunRequest(run=run_ref(run))).run

    def list_runs(self, **fields):
        return self.ListRuns(run_service_pb2.ListRunsRequest(**fields))

    def end_run(self, run, outcome=run_pb2.RUN_OUTCOME_COMPLETED):
        return self.EndRun(run_service_pb2.EndRunRequest(run=run_ref(run), outcome=outcome)).run

    def declare(self, run, keys):
        request = run_service_pb2.DeclareKeysRequest(run=run_ref(run))
        for key in keys:
            request.keys.append(key if isinstance(key, run_pb2.KeyDeclaration)
                                else run_pb2.KeyDeclaration(key=key))
        return self.DeclareKeys(request).run

    # Messages.

    def try_publish(self, run, key="k", value=1, ttl=None, timeout=20, **fields):
        """Publishes and returns the whole response."""
        request = message_service_pb2.PublishRequest(run=run_ref(run), key=key, **fields)
        request.value.CopyFrom(to_value(value))
        if ttl is not None:
            request.ttl.CopyFrom(seconds(ttl))
        return self.Publish(request, timeout=timeout)

    def publish(self, run, key="k", value=1, **fields):
        """Publishes and returns the message."""
        return self.try_publish(run, key, value, **fields).message

    def setting(self, run, key="k", value=1, **fields):
        return self.try_publish(run, key, value, kind=message_pb2.KIND_SETTING, **fields)

    def get(self, run, key="k"):
        return self.Get(message_service_pb2.GetRequest(run=run_ref(run), key=key))

    def get_page(self, run, **fields):
        return self.GetAll(message_service_pb2.GetAllRequest(run=run_ref(run), **fields))

    def get_all(self, run, **fields):
        """All pending messages, through all pages."""
        messages, token = [], ""
        while True:
            page = self.get_page(run, page_token=token, **fields)
            messages.extend(page.messages)
            token = page.next_page_token
            if not token:
                return messages

    def try_ack(self, message_ids, consumer="reader", **fields):
        if isinstance(message_ids, (str, message_pb2.Message)):
            message_ids = [message_ids]
        ids = [m.id if isinstance(m, message_pb2.Message) else m for m in message_ids]
        reply = fields.pop("reply", None)
        request = message_service_pb2.AckRequest(message_ids=ids, consumer=consumer, **fields)
        if reply is not None:
            request.reply.CopyFrom(to_value(reply))
        return self.Ack(request).results

    def ack(self, message, consumer="reader", **fields):
        """Acks one message and returns its result."""
        results = self.try_ack([message], consumer, **fields)
        assert len(results) == 1
        return results[0]

    def cancel(self, message, reason=""):
        return self.Cancel(message_service_pb2.CancelRequest(message_id=message.id, reason=reason)).message

    def await_message(self, message, until=0, timeout=None):
        request = message_service_pb2.AwaitRequest(message_id=message.id, until=until)
        if timeout is not None:
            request.timeout.CopyFrom(seconds(timeout))
        return self.Await(request, timeout=30).message

    def list_page(self, run, **fields):
        return self.ListMessages(message_service_pb2.ListMessagesRequest(run=run_ref(run), **fields))

    def history(self, run, **fields):
        """The whole history, newest first, through all pages."""
        messages, token = [], ""
        while True:
            page = self.list_page(run, page_token=token, page_size=1000, **fields)
            messages.extend(page.messages)
            token = page.next_page_token
            if not token:
                return messages

    def message(self, message):
        """The message as it now is."""
        return self.await_message(message, timeout=0)

    def subscribe(self, run, declare_keys=(), **fields):
        """Opens a stream; close it, or use it as a context manager."""
        request = message_service_pb2.SubscribeRequest(run=run_ref(run), **fields)
        request.declare_keys.extend(declare_keys)
        return Stream(self._calls["Subscribe"](request))


@contextmanager
def refused(code, *texts):
    """Expects an RPC to fail with `code` and a text that holds each of `texts`.

    A tuple among `texts` stands for several ways to write the same thing.
    """
    with pytest.raises(grpc.RpcError) as caught:
        yield
    error = caught.value
    assert error.code() == code, f"{error.code()}: {error.details()}"
    details = error.details().lower()
    for text in texts:
        ways = text if isinstance(text, tuple) else (text,)
        assert any(way.lower() in details for way in ways), f"none of {ways} in {error.details()!r}"


INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
OUT_OF_RANGE = grpc.StatusCode.OUT_OF_RANGE
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
