"""Every limit: at it is fine, one above is refused, and the text names field and limit."""

import grpc
import pytest
from signalbox.v1 import message_service_pb2

from rig.client import EXHAUSTED, INVALID, refused, run_ref
from rig.server import new_database
from rig.values import string_value_of_size, to_value
from rig.waiting import at_once, eventually

KIB = ("1024", "1,024", "1 KiB")
THOUSAND = ("1000", "1,000")
MIB = 1 << 20


def fill(client, run, count, **fields):
    """Publishes `count` messages from ten threads."""
    assert count % 10 == 0
    at_once([lambda: [client.publish(run, **fields) for _ in range(count // 10)] for _ in range(10)])


@pytest.fixture
def full_run(client, new_run):
    run = new_run()
    fill(client, run, 1000)
    return run


def test_1000_messages_may_be_pending(client, full_run):
    assert client.get_run(full_run).pending_count == 1000
    with refused(EXHAUSTED, "pending", THOUSAND):
        client.publish(full_run)
    assert client.get_run(full_run).head_sequence == 1000, "a refused publish must not take a sequence"


@pytest.mark.parametrize("leave", [
    lambda client, message: client.ack(message),
    lambda client, message: client.ack(message, outcome=2),
    lambda client, message: client.cancel(message),
], ids=["ack", "fail", "cancel"])
def test_whatever_leaves_makes_room_for_one(client, full_run, leave):
    leave(client, client.get(full_run).message)
    assert client.publish(full_run).sequence == 1001
    with refused(EXHAUSTED):
        client.publish(full_run)


def test_expired_messages_are_not_counted(client, new_run):
    run = new_run()
    fill(client, run, 990)
    fill(client, run, 10, ttl=1.5)
    if client.get_run(run).pending_count == 1000:
        with refused(EXHAUSTED):
            client.publish(run)
    eventually(lambda: client.get_run(run).pending_count == 990, 10)
    fill(client, run, 10)
    with refused(EXHAUSTED):
        client.publish(run)


def test_pending_messages_are_counted_after_superseding(client, new_run):
    run = new_run()
    fill(client, run, 990)
    for i in range(10):
        client.setting(run, f"s{i}")
    assert len(client.setting(run, "s3").superseded_ids) == 1
    with refused(EXHAUSTED):
        client.setting(run, "s10")
    with refused(EXHAUSTED):
        client.publish(run, "s3")


def test_settings_replace_while_others_are_refused_at_the_same_time(server, client, full_run):
    """Commits travel together; each publish must still be judged on its own."""
    client.try_ack(client.get_all(full_run)[:5])
    for i in range(5):
        client.setting(full_run, f"s{i}")
    clients = [server.connect() for _ in range(10)]

    def replace(connection, i):
        return all(len(connection.setting(full_run, f"s{i}").superseded_ids) == 1 for _ in range(10))

    def be_refused(connection):
        for _ in range(10):
            with refused(EXHAUSTED):
                connection.publish(full_run)
        return True

    assert all(at_once([lambda c=c, i=i: replace(c, i) for i, c in enumerate(clients[:5])] +
                       [lambda c=c: be_refused(c) for c in clients[5:]]))
    assert client.get_run(full_run).pending_count == 1000


def test_concurrent_publishes_stop_exactly_at_the_limit(server, replica, client, new_run):
    run = new_run()
    fill(client, run, 980)

    def publish(connection):
        try:
            return connection.publish(run).sequence
        except grpc.RpcError as error:
            assert error.code() == EXHAUSTED, error
            return None

    clients = [(server, replica)[i % 2].connect() for i in range(60)]
    stored = [s for s in at_once([lambda c=c: publish(c) for c in clients]) if s]
    assert sorted(stored) == list(range(981, 1001))


def test_a_publish_refused_for_a_limit_may_be_repeated_later(client, full_run):
    with refused(EXHAUSTED):
        client.publish(full_run, request_id="again")
    client.cancel(client.get(full_run).message)
    assert client.publish(full_run, request_id="again").sequence == 1001


def test_a_limit_of_one_run_is_not_that_of_another(client, full_run, new_run):
    assert client.publish(new_run()).sequence == 1


def test_the_limit_can_be_configured(start_server, cluster):
    server = start_server("--database-url", cluster.url(new_database(cluster)), "--max-pending", "3",
                          "--max-value-bytes", "100", "--max-declared-keys", "2", "--max-reply-bytes", "50")
    client = server.connect()
    run = client.create_run()
    with refused(INVALID, "value", "100"):
        client.publish(run, value="x" * 100)
    for _ in range(3):
        message = client.publish(run, value="x" * 98)
    with refused(EXHAUSTED, "pending", "3"):
        client.publish(run)
    with refused(INVALID, "reply", "50"):
        client.ack(message, outcome=1, reply="x" * 50)
    client.declare(run, ["a", "b"])
    with refused(EXHAUSTED, "2"):
        client.declare(run, ["c"])


def test_more_than_1000_pending_come_in_pages_of_1000(start_server, cluster):
    server = start_server("--database-url", cluster.url(new_database(cluster)), "--max-pending", "2500")
    client = server.connect()
    run = client.create_run()
    fill(client, run, 2100)
    page = client.get_page(run, page_size=5000)
    assert len(page.messages) == 1000 and page.next_page_token
    assert [m.sequence for m in client.get_all(run)] == list(range(1, 2101))
    with client.subscribe(run) as stream:
        stream.synced(2100)
        assert stream.sequences() == list(range(1, 2101))


@pytest.mark.parametrize("field, size, limit", [
    ("reason", 1024, KIB),
    ("request_id", 128, ("128",)),
])
def test_text_fields_of_a_publish(client, new_run, field, size, limit):
    run = new_run()
    client.publish(run, **{field: "x" * size})
    client.publish(run, **{field: "é" * (size // 2)})
    for text in ("x" * (size + 1), "é" * (size // 2) + "x"):
        with refused(INVALID, field, limit):
            client.publish(run, **{field: text})


def test_a_reason_without_nul(client, new_run):
    with refused(INVALID, "reason"):
        client.publish(new_run(), reason="a\0b")
    assert client.publish(new_run(), reason=" any\ntext\t").reason == " any\ntext\t"


def test_the_title_of_a_run(client):
    assert client.create_run(title="é" * 128).title == "é" * 128
    with refused(INVALID, "title", "256"):
        client.create_run(title="x" * 257)
    with refused(INVALID, "title"):
        client.create_run(title="a\0b")


def test_the_request_id_of_a_run(client):
    with refused(INVALID, "request_id", "128"):
        client.create_run(request_id="x" * 129)


def test_32_labels_of_63_bytes(client):
    labels = {f"{i:02}" + "n" * 61: "v" * 63 for i in range(32)}
    assert dict(client.create_run(labels=labels).labels) == labels
    with refused(INVALID, "labels", "32"):
        client.create_run(labels={f"n{i}": "" for i in range(33)})


@pytest.mark.parametrize("name, value", [("n" * 64, "v"), ("n", "v" * 64), ("é" * 32, "v"), ("", "v"), ("a\0", "v"),
                                         ("n", "a\0")], ids=["name", "value", "utf-8", "empty", "nul", "nul-value"])
def test_labels_beyond_their_limits(client, name, value):
    with refused(INVALID, "label"):
        client.create_run(labels={name: value})


def test_labels_come_back_byte_for_byte(client):
    labels = {"é": "\u0001\n\"\\", " a ": "{}", "k'": "漢" * 21}
    assert dict(client.create_run(labels=labels).labels) == labels
    assert [dict(run.labels) for run in client.list_runs(labels={"é": "\u0001\n\"\\"}).runs] == [labels]


def varint(number):
    """A protobuf varint of three bytes."""
    assert 1 << 14 <= number < 1 << 21
    return bytes([number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14])


def padded(request, size):
    """The request with a field that nobody knows, number 15000, so that it has exactly `size` bytes."""
    body = request.SerializeToString()
    room = size - len(body) - 6
    request = body + varint(15000 << 3 | 2) + varint(room) + b"x" * room
    assert len(request) == size
    return request


def test_a_request_of_1_mib_is_taken_and_a_larger_one_refused(client, new_run):
    run = new_run()
    request = message_service_pb2.PublishRequest(run=run_ref(run), key="k", value=to_value(1))
    assert client.Publish(padded(request, MIB)).message.sequence == 1
    for size in (MIB + 1, MIB + 5000):
        with pytest.raises(grpc.RpcError) as caught:
            client.Publish(padded(request, size))
        assert caught.value.code() in (INVALID, EXHAUSTED), caught.value
        assert any(limit in caught.value.details() for limit in ("1048576", "1,048,576", "1 MiB"))
    assert client.publish(run).sequence == 2


def test_a_huge_request_does_not_hurt(client, new_run):
    run = new_run()
    with pytest.raises(grpc.RpcError) as caught:
        client.publish(run, value=string_value_of_size(2_000_000))
    assert caught.value.code() in (INVALID, EXHAUSTED)
    assert client.publish(run).sequence == 1


@pytest.mark.parametrize("call", ["get_page", "list_page"])
def test_256_keys_in_a_filter(client, new_run, call):
    run = new_run()
    getattr(client, call)(run, keys=[f"k{i}" for i in range(256)])
    with refused(INVALID, "keys", "256"):
        getattr(client, call)(run, keys=[f"k{i}" for i in range(257)])
