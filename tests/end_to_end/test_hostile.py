"""What no client would send: whatever arrives, the server goes on serving others, in bounded memory."""

import gzip
import os
import random

import grpc
import pytest
from signalbox.v1 import message_service_pb2

from rig.client import EXHAUSTED, INVALID, Client, run_ref
from rig.raw import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS,
                     PREFACE, SETTINGS, Connection, frame, message,
                     request_headers)
from rig.server import SERVING
from rig.values import to_value

PUBLISH = b"/signalbox.v1.MessageService/Publish"
BOMB_MIB = 512
MOST_GROWTH_MIB = 384  # Less than the bomb; AddressSanitizer keeps up to 256 MiB of what was freed.

# What protobuf cannot decode is answered by gRPC, whose callback API in 1.51 says UNIMPLEMENTED.
UNDECODABLE = (INVALID, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED)


def peak_mib(server):
    """The most memory that the server ever had."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) >> 10


@pytest.fixture(autouse=True)
def unharmed(server, client, new_run):
    """The same server still takes a publish of somebody else, and was never much larger than before."""
    run = new_run()
    client.publish(run)
    before = peak_mib(server)
    yield
    assert server.process.poll() is None, server.log()[-3000:]
    assert server.health() == SERVING
    assert client.publish(run).sequence == 2
    assert peak_mib(server) - before < MOST_GROWTH_MIB


def random_bytes(size, seed):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("data", [
    b"", b"\0", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    random_bytes(1 << 20, 1), PREFACE[:10], PREFACE, PREFACE + random_bytes(1 << 20, 2), b"\0" * (1 << 20),
], ids=["nothing", "nul", "http-1.1", "tls", "random", "half-preface", "preface", "random-frames", "zeros"])
def test_bytes_that_are_no_http_2(server, data):
    for _ in range(20):
        with Connection(server.address, data):
            pass


@pytest.mark.parametrize("frames", [
    frame(HEADERS, request_headers(PUBLISH)[:20], END_HEADERS, 1, length=4000),
    frame(HEADERS, b"\xff" * 100, END_HEADERS, 1),
    frame(HEADERS, b"\x3f\xff\xff\xff\xff\xff\xff\xff", END_HEADERS, 1),
    frame(CONTINUATION, request_headers(PUBLISH), END_HEADERS, 1),
    frame(HEADERS, request_headers(PUBLISH), 0, 1) + frame(DATA, b"x", 0, 1),
    frame(HEADERS, request_headers(PUBLISH), END_HEADERS, 2),
    frame(HEADERS, request_headers(PUBLISH), END_HEADERS, 0),
    frame(DATA, message(b""), END_STREAM, 99),
    frame(DATA, b"", 0, 1, length=(1 << 24) - 1),
    frame(SETTINGS, b"\0\4\xff\xff\xff\xff"),
    frame(SETTINGS, b"\0"),
    frame(200, b"unknown", 255, 7),
], ids=["truncated", "no-hpack", "huge-integer", "lone-continuation", "data-between-headers", "even-stream",
        "stream-0", "unknown-stream", "huge-length", "settings-overflow", "settings-size", "unknown-type"])
def test_frames_that_break_the_rules(server, frames):
    for _ in range(20):
        with Connection(server.address) as connection:
            connection.send(frames)


@pytest.mark.parametrize("name", [b"te", b":scheme", b"grpclb_client_stats"])
@pytest.mark.parametrize("size", [9000, 20000])
def test_a_header_that_ended_other_builds_of_grpc(server, name, size):
    """CVE-2023-1428: a value that nobody expects, and then headers beyond the limit."""
    block = request_headers(PUBLISH, (name, b"x"), (b"x-large", b"v" * size))
    with Connection(server.address) as connection:
        connection.send(frame(HEADERS, block[:16000], END_HEADERS if size < 16000 else 0, 1))
        if size >= 16000:
            connection.send(frame(CONTINUATION, block[16000:], END_HEADERS, 1))
        connection.ping()


def call(server, body, *more, content_type=b"application/grpc"):
    """One call of Publish by hand; returns whether the server read all of it and kept the connection."""
    with Connection(server.address) as connection:
        connection.send(frame(HEADERS, request_headers(PUBLISH, *more, content_type=content_type), END_HEADERS, 1))
        for at in range(0, len(body), 16384):
            connection.send(frame(DATA, body[at:at + 16384], 0, 1))
            connection.ping()  # By then the server has opened the window for more, if it wants more.
        connection.send(frame(DATA, b"", END_STREAM, 1))
        return connection.ping()


@pytest.mark.parametrize("content_type", [b"text/html", b"application/json", b"", b"application/grpc\xff", b"x" * 2000])
def test_another_content_type(server, content_type):
    call(server, message(b""), content_type=content_type)


@pytest.mark.parametrize("body", [
    message(b"short", length=5000), message(b"", length=0xFFFFFFFF), message(b"long", length=1), message(b"", compressed=255),
    message(b"not gzip", compressed=1), b"\0", b"",
], ids=["truncated", "4-gib", "too-long", "bad-flag", "no-encoding", "one-byte", "nothing"])
def test_messages_with_a_wrong_length(server, body):
    call(server, body)


@pytest.fixture(scope="module")
def bomb():
    """Half a MiB that becomes BOMB_MIB."""
    return message(gzip.compress(b"\0" * (BOMB_MIB << 20), 6), compressed=1)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_a_small_message_that_decompresses_to_a_large_one(server, bomb, encoding):
    assert call(server, bomb, (b"grpc-encoding", encoding)), "it must have been read, not hung up upon"


def test_a_compressed_request_of_a_real_client(server, new_run):
    request = message_service_pb2.PublishRequest(run=run_ref(new_run()), key="k", value=to_value("x" * (8 << 20)))
    with grpc.insecure_channel(server.address, compression=grpc.Compression.Gzip) as channel:
        publish = channel.unary_unary(PUBLISH.decode(), request_serializer=lambda m: m.SerializeToString())
        with pytest.raises(grpc.RpcError) as caught:
            publish(request, timeout=20)
    assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, EXHAUSTED), caught.value


def test_a_request_of_5_mb(server):
    for _ in range(20):
        client = Client(server.address)
        with pytest.raises(grpc.RpcError) as caught:
            client.Publish(b"\x0a" + b"\0" * 5_000_000)
        assert caught.value.code() == EXHAUSTED
        client.close()


def tagged(tag, body):
    size, length = [], len(body)
    while length >= 128:
        size.append(length & 127 | 128)
        length >>= 7
    return tag + bytes(size + [length]) + body


@pytest.mark.parametrize("container", [b"\x32", b"\x2a"], ids=["lists", "structs"])
def test_a_value_nested_10000_deep(client, new_run, container):
    value = b"\x08\0"
    for _ in range(10_000):
        inner = tagged(b"\x0a", value) if container == b"\x32" else tagged(b"\x0a", tagged(b"\x12", value))
        value = tagged(container, inner)
    run = message_service_pb2.PublishRequest(run=run_ref(new_run()), key="k").SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        client.Publish(run + tagged(b"\x1a", value))
    assert caught.value.code() in UNDECODABLE, caught.value


@pytest.mark.parametrize("text", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"],
                         ids=["no-lead", "overlong", "surrogate", "beyond", "cut"])
def test_text_that_is_not_utf_8(client, new_run, text):
    run = message_service_pb2.PublishRequest(run=run_ref(new_run())).SerializeToString()
    for request in (run + tagged(b"\x12", text), run + b"\x12\1k" + tagged(b"\x1a", tagged(b"\x1a", text))):
        with pytest.raises(grpc.RpcError) as caught:
            client.Publish(request)
        assert caught.value.code() in UNDECODABLE, caught.value


@pytest.mark.parametrize("fields", [
    [("x-large", "v" * (64 << 10))],
    [(f"x-{i}", "v" * 100) for i in range(600)],
    [("x-large-bin", os.urandom(48 << 10))],
], ids=["one", "many", "binary"])
def test_64_kib_of_metadata(server, fields):
    for _ in range(10):
        client = Client(server.address)
        with pytest.raises(grpc.RpcError):
            client.channel.unary_unary(PUBLISH.decode())(b"", timeout=10, metadata=fields)
        client.close()


def test_connections_that_say_nothing(server, client):
    idle = [Connection(server.address, b"") for _ in range(200)]
    assert client.list_runs()
    for connection in idle:
        connection.__exit__()
