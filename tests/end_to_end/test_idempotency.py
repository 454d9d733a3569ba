"""A repeat of a committed Publish is answered as the first time, whoever repeats it and when."""

import grpc
import pytest
from google.protobuf import struct_pb2
from signalbox.v1 import message_pb2, run_pb2

from rig.client import EXISTS, INVALID, refused
from rig.values import from_value, to_value
from rig.waiting import at_once, eventually


def test_a_repeat_returns_the_first_message(client, new_run):
    run = new_run()
    first = client.publish(run, value=7, request_id="r1")
    assert client.publish(run, value=7, request_id="r1") == first
    assert client.get_run(run).head_sequence == 1


def test_without_a_request_id_every_call_publishes(client, new_run):
    run = new_run()
    assert client.publish(run).id != client.publish(run).id


def test_request_ids_belong_to_a_run(client, new_run):
    one, other = new_run(), new_run()
    assert client.publish(one, request_id="r1").id != client.publish(other, request_id="r1").id


@pytest.mark.parametrize("other", [
    {"value": 2}, {"value": "1"}, {"value": [1]}, {"key": "other"}, {"reason": "why"}, {"ttl": 60},
    {"kind": message_pb2.KIND_SETTING}, {"kind": message_pb2.KIND_COMMAND},
], ids=str)
def test_other_content_already_exists(client, new_run, other):
    run = new_run()
    first = client.publish(run, value=1, request_id="r1")
    with refused(EXISTS, "request_id"):
        client.publish(run, **{"value": 1, "request_id": "r1", **other})
    assert client.history(run) == [first]


def test_a_ttl_is_content_as_sent_not_the_instant_it_leads_to(client, new_run):
    run = new_run()
    first = client.publish(run, ttl=600, request_id="r1")
    assert client.publish(run, ttl=600, request_id="r1") == first
    with refused(EXISTS):
        client.publish(run, ttl=601, request_id="r1")


def test_the_order_of_keys_in_an_object_is_not_content(client, new_run):
    def entry(key, number):
        item = struct_pb2.Struct()
        item.fields[key].number_value = number
        return item.SerializeToString()

    one, two = entry("a", 1), entry("b", 2)
    values = [struct_pb2.Value.FromString(b"\x2a" + bytes([len(one + two)]) + body) for body in (one + two, two + one)]
    run = new_run()
    first = client.publish(run, value=values[0], request_id="r1")
    assert client.publish(run, value=values[1], request_id="r1") == first


def test_a_repeat_shows_the_message_as_it_now_is(client, new_run):
    run = new_run()
    first = client.publish(run, request_id="r1")
    client.ack(first, "reader-1", outcome=1, step=12)
    again = client.publish(run, request_id="r1")
    assert again.id == first.id
    assert (again.state, again.consumer, again.step) == (message_pb2.MESSAGE_STATE_APPLIED, "reader-1", 12)


def test_a_repeat_succeeds_after_the_run_ended(client, new_run):
    run = new_run()
    first = client.publish(run, request_id="r1")
    client.end_run(run)
    again = client.publish(run, request_id="r1")
    assert (again.id, again.state) == (first.id, message_pb2.MESSAGE_STATE_UNDELIVERED)


def test_a_repeat_returns_the_first_superseded_ids(client, new_run):
    run = new_run()
    old = client.setting(run, "rate", 1).message
    first = client.setting(run, "rate", 2, request_id="r1")
    assert list(first.superseded_ids) == [old.id]
    newest = client.setting(run, "rate", 3)
    assert list(newest.superseded_ids) == [first.message.id]
    again = client.setting(run, "rate", 2, request_id="r1")
    assert list(again.superseded_ids) == [old.id]
    assert again.message.state == message_pb2.MESSAGE_STATE_SUPERSEDED
    assert client.get(run, "rate").message.id == newest.message.id


def test_a_declaration_in_between_changes_nothing_for_the_repeat(client, new_run):
    run = new_run()
    first = client.publish(run, "rate", request_id="r1")
    client.declare(run, [run_pb2.KeyDeclaration(key="rate", kind=message_pb2.KIND_SETTING)])
    assert client.publish(run, "rate", request_id="r1") == first
    assert first.kind == message_pb2.KIND_COMMAND


def test_a_repeat_is_answered_after_expiry(client, new_run):
    run = new_run()
    first = client.publish(run, ttl=0.1, request_id="r1")
    again = eventually(lambda: (lambda m: m if m.state == message_pb2.MESSAGE_STATE_EXPIRED else None)(
        client.publish(run, ttl=0.1, request_id="r1")), 5)
    assert again.id == first.id


def test_a_refused_call_does_not_use_up_its_request_id(client, new_run):
    run = new_run()
    with refused(INVALID):
        client.publish(run, value=float("inf"), request_id="r1")
    assert client.publish(run, value=1, request_id="r1").sequence == 1


@pytest.mark.parametrize("request_id", ["x" * 128, "é" * 64, "a b\n\tc", "a\0b", "'; DROP TABLE messages; --", " "],
                         ids=["128-bytes", "utf-8", "controls", "nul", "quotes", "blank"])
def test_any_string_of_up_to_128_bytes_is_a_request_id(client, new_run, request_id):
    run = new_run()
    first = client.publish(run, request_id=request_id)
    assert client.publish(run, request_id=request_id) == first
    assert client.publish(run, request_id="other") != first


def test_request_ids_differ_behind_a_nul(client, new_run):
    run = new_run()
    assert client.publish(run, request_id="a\0b").id != client.publish(run, request_id="a\0c").id


def test_a_longer_request_id_is_refused(client, new_run):
    with refused(INVALID, "request_id", "128"):
        client.publish(new_run(), request_id="x" * 129)
    with refused(INVALID, "request_id", "128"):
        client.publish(new_run(), request_id="é" * 64 + "x")


def test_24_concurrent_repeats_on_two_replicas_are_one_message(server, replica, new_run, client):
    run = new_run()
    clients = [(server, replica)[i % 2].connect() for i in range(24)]
    messages = at_once([lambda c=c: c.publish(run, value={"step": 1}, request_id="same") for c in clients])
    assert len({m.id for m in messages}) == 1
    assert {m.sequence for m in messages} == {1}
    assert len(client.history(run)) == 1
    assert client.publish(run).sequence == 2


def test_of_concurrent_contents_exactly_one_wins(server, replica, new_run, client):
    run = new_run()

    def publish(connection, value):
        try:
            return from_value(connection.publish(run, value=value, request_id="same").value)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.ALREADY_EXISTS, error
            return None

    clients = [(server, replica)[i % 2].connect() for i in range(16)]
    answers = at_once([lambda c=c, v=i // 2: publish(c, v) for i, c in enumerate(clients)])
    winners = [answer for answer in answers if answer is not None]
    assert len(winners) == 2 and len(set(winners)) == 1, answers
    assert [from_value(m.value) for m in client.history(run)] == [winners[0]]


def test_concurrent_repeats_in_one_connection_are_one_message(client, new_run):
    run = new_run()
    messages = at_once([lambda r=r: client.publish(run, value=r, request_id=f"r{r}")
                        for r in range(6) for _ in range(4)])
    assert len({m.id for m in messages}) == 6
    assert sorted(m.sequence for m in client.history(run)) == [1, 2, 3, 4, 5, 6]


def test_null_and_false_are_different(client, new_run):
    run = new_run()
    first = client.publish(run, value=None, request_id="r1")
    assert first.value == to_value(None)
    with refused(EXISTS):
        client.publish(run, value=False, request_id="r1")
