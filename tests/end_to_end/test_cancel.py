"""Cancel: withdraws a pending message."""

import grpc
import pytest
from signalbox.v1 import message_pb2

from rig.client import INVALID, NOT_FOUND, PRECONDITION, refused
from rig.waiting import at_once

CANCELLED = message_pb2.MESSAGE_STATE_CANCELLED


def test_a_pending_message_is_withdrawn(client, new_run):
    run = new_run()
    message = client.publish(run)
    cancelled = client.cancel(message, "not needed")
    assert (cancelled.id, cancelled.state, cancelled.error) == (message.id, CANCELLED, "not needed")
    assert cancelled.HasField("finish_time") and not cancelled.HasField("ack_time")
    assert cancelled.consumer == ""
    assert client.get_all(run) == []
    assert client.message(message) == cancelled


def test_a_cancelled_message_is_returned_as_it_is(client, new_run):
    message = client.publish(new_run())
    cancelled = client.cancel(message, "first")
    assert client.cancel(message, "second") == cancelled
    assert client.cancel(message) == cancelled


def test_the_reason_is_optional(client, new_run):
    assert client.cancel(client.publish(new_run())).error == ""


def test_the_reason_of_the_publisher_stays(client, new_run):
    cancelled = client.cancel(client.publish(new_run(), reason="why"), "why not")
    assert (cancelled.reason, cancelled.error) == ("why", "why not")


@pytest.mark.parametrize("state, act", [
    ("acked", lambda c, m: c.ack(m)),
    ("applied", lambda c, m: c.ack(m, outcome=1)),
    ("failed", lambda c, m: c.ack(m, outcome=2)),
    ("superseded", lambda c, m: c.setting(m.run_id)),
    ("undelivered", lambda c, m: c.end_run(m.run_id)),
])
def test_any_other_state_is_refused_and_named(client, new_run, state, act):
    message = client.setting(new_run()).message
    act(client, message)
    before = client.message(message)
    with refused(PRECONDITION, state):
        client.cancel(message, "too late")
    assert client.message(message) == before


@pytest.mark.parametrize("message_id", ["nonsense", "x" * 3000])
def test_an_unknown_message_is_not_found(client, message_id):
    with refused(NOT_FOUND):
        client.cancel(message_pb2.Message(id=message_id))


def test_the_reason_is_limited(client, new_run):
    message = client.publish(new_run())
    with refused(INVALID, "reason", ("1024", "1,024", "1 KiB")):
        client.cancel(message, "x" * 1025)
    with refused(INVALID, "reason"):
        client.cancel(message, "a\0b")
    assert client.message(message) == message
    assert client.cancel(message, "x" * 1024).error == "x" * 1024


def test_a_cancel_and_a_claim_race_for_the_message(client, server, new_run):
    """One of the two has it, both agree who, and no third state comes of it."""
    run = new_run()
    second = server.connect()

    def try_cancel(message):
        try:
            return client.cancel(message).state == CANCELLED
        except grpc.RpcError as error:
            assert error.code() == PRECONDITION
            return False

    for _ in range(30):
        message = client.publish(run)
        cancelled, result = at_once([lambda: try_cancel(message), lambda: second.ack(message)])
        assert cancelled != result.claimed
        assert client.message(message).state == (CANCELLED if cancelled else message_pb2.MESSAGE_STATE_ACKED)
