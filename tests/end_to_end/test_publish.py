"""Publish: what is stored, what comes back, what is refused."""

import time

import pytest
from google.protobuf import duration_pb2, struct_pb2
from signalbox.v1 import message_pb2, message_service_pb2

from rig.client import INVALID, NOT_FOUND, PRECONDITION, refused, run_ref
from rig.values import from_value, instant, to_value


def test_returns_the_message_as_stored(client, new_run):
    run = new_run()
    before = time.time()
    response = client.try_publish(run, "learning-rate", 0.001, reason="loss is flat")
    message = response.message
    assert message.id
    assert message.run_id == run.id
    assert message.sequence == 1
    assert message.key == "learning-rate"
    assert from_value(message.value) == 0.001
    assert message.kind == message_pb2.KIND_COMMAND
    assert message.state == message_pb2.MESSAGE_STATE_PENDING
    assert message.publisher == ""
    assert message.reason == "loss is flat"
    assert before - 1 <= instant(message.create_time) <= time.time() + 1
    for unset in ("expire_time", "ack_time", "finish_time", "reply"):
        assert not message.HasField(unset), unset
    assert (message.consumer, message.error, message.step) == ("", "", 0)
    assert list(response.superseded_ids) == []


def test_what_is_published_is_what_every_reader_gets(client, new_run):
    run = new_run()
    message = client.publish(run, "save", {"path": "/tmp/x"}, ttl=3600, reason="now")
    with client.subscribe(run) as stream:
        assert stream.message_with(message.id) == message
    assert client.get(run, "save").message == message
    assert client.get_all(run) == [message]
    assert client.history(run) == [message]
    assert client.message(message) == message


def test_sequences_count_each_run_from_one(client, new_run):
    first, second = new_run(), new_run()
    assert [client.publish(first).sequence for _ in range(3)] == [1, 2, 3]
    assert client.publish(second).sequence == 1
    assert client.publish(first).sequence == 4


def test_ids_are_unique_and_safe_in_a_shell_and_a_url(client, new_run):
    run = new_run()
    ids = [client.publish(run).id for _ in range(20)]
    assert len(set(ids)) == 20
    safe = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    for message_id in ids:
        assert set(message_id) <= safe and not message_id.startswith("-"), message_id


@pytest.mark.parametrize("kind", [message_pb2.KIND_COMMAND, message_pb2.KIND_SETTING])
def test_a_given_kind_is_kept(client, new_run, kind):
    assert client.publish(new_run(), kind=kind).kind == kind


def test_commands_of_one_key_all_stay(client, new_run):
    run = new_run()
    messages = [client.publish(run, "save", i) for i in range(3)]
    assert client.get_all(run) == messages


def test_an_unknown_kind_is_refused(client, new_run):
    with refused(INVALID, "kind"):
        client.publish(new_run(), kind=99)


@pytest.mark.parametrize("value", [None, struct_pb2.Value()], ids=["absent", "without a kind"])
def test_a_message_like_save_needs_no_value(client, new_run, value):
    """It is null then, for every reader."""
    run = new_run()
    client.Publish(message_service_pb2.PublishRequest(run=run_ref(run), key="save", value=value))
    (message,) = client.get_all(run)
    assert message.value == to_value(None)


def test_the_key_is_required(client, new_run):
    with refused(INVALID, "key"):
        client.publish(new_run(), key="")


@pytest.mark.parametrize("ttl", [
    duration_pb2.Duration(),
    duration_pb2.Duration(seconds=-1),
    duration_pb2.Duration(nanos=-1),
    duration_pb2.Duration(seconds=1, nanos=-1),
    duration_pb2.Duration(seconds=1, nanos=2_000_000_000),
    duration_pb2.Duration(seconds=9_000_000_000_000_000_000),
], ids=["zero", "negative", "negative-nanos", "mixed-signs", "nanos-overflow", "huge"])
def test_a_ttl_that_is_not_a_positive_span_is_refused(client, new_run, ttl):
    request = message_service_pb2.PublishRequest(run=run_ref(new_run()), key="k", value=to_value(1), ttl=ttl)
    with refused(INVALID, "ttl"):
        client.Publish(request)


def test_the_expire_time_is_the_create_time_and_the_ttl(client, new_run):
    message = client.publish(new_run(), ttl=3600.5)
    assert instant(message.expire_time) - instant(message.create_time) == pytest.approx(3600.5, abs=0.01)


def test_an_unknown_run_is_not_found(client):
    with refused(NOT_FOUND):
        client.publish("no-such-run")


def test_an_ended_run_refuses_and_tells_state_and_end_time(client, new_run):
    run = new_run()
    ended = client.end_run(run)
    end_time = ended.end_time.ToJsonString()
    with refused(PRECONDITION, "ended", end_time[:16]):
        client.publish(run)
    assert client.get_run(run).head_sequence == 0


def test_refused_calls_leave_no_trace(client, new_run):
    run = new_run()
    for bad in ({"key": ""}, {"ttl": -1}, {"kind": 99}, {"value": float("nan")}):
        with refused(INVALID):
            client.publish(run, **bad)
    assert client.history(run) == []
    assert client.publish(run).sequence == 1
