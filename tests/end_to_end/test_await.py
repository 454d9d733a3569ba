"""Await: wait for a claim or for the end of a message, or until the timeout."""

import time

import pytest
from google.protobuf import duration_pb2
from signalbox.v1 import message_pb2, message_service_pb2

from rig.client import INVALID, NOT_FOUND, refused
from rig.values import from_value
from rig.waiting import Background, at_once

ACKED, FINISHED = (message_service_pb2.AWAIT_UNTIL_ACKED, message_service_pb2.AWAIT_UNTIL_FINISHED)
State = message_pb2.MessageState.Value


def act_when_waiting(client, message, until, act):
    """Awaits the message while `act` happens; the wait may begin before or after it."""
    waiting = Background(lambda: client.await_message(message, until, timeout=15))
    began = time.monotonic()
    act()
    answer = waiting.result()
    assert time.monotonic() - began < 8
    return answer


@pytest.mark.parametrize("until", [ACKED, FINISHED, 0])
@pytest.mark.parametrize("state, act", [
    ("APPLIED", lambda c, m: c.ack(m, outcome=1, reply="done")),
    ("FAILED", lambda c, m: c.ack(m, outcome=2)),
    ("CANCELLED", lambda c, m: c.cancel(m)),
    ("UNDELIVERED", lambda c, m: c.end_run(m.run_id)),
    ("SUPERSEDED", lambda c, m: c.setting(m.run_id, "k", 2)),
])
def test_ends_when_the_message_is_final(client, new_run, until, state, act):
    message = client.setting(new_run(), "k", 1).message
    answer = act_when_waiting(client, message, until, lambda: act(client, message))
    assert answer.state == State("MESSAGE_STATE_" + state)
    assert answer.id == message.id
    if state == "APPLIED":
        assert from_value(answer.reply) == "done"


def test_acked_ends_with_a_claim(client, new_run):
    message = client.publish(new_run())
    answer = act_when_waiting(client, message, ACKED, lambda: client.ack(message, "reader"))
    assert (answer.state, answer.consumer) == (message_pb2.MESSAGE_STATE_ACKED, "reader")


@pytest.mark.parametrize("until", [FINISHED, 0])
def test_finished_waits_on_behind_a_claim(client, new_run, until):
    message = client.publish(new_run())
    waiting = Background(lambda: client.await_message(message, until, timeout=15))
    client.ack(message, "reader")
    assert client.await_message(message, until, timeout=0.3).state == message_pb2.MESSAGE_STATE_ACKED
    assert not waiting.done()
    client.ack(message, "reader", outcome=1)
    assert waiting.result().state == message_pb2.MESSAGE_STATE_APPLIED


def test_what_holds_already_is_answered_at_once(client, new_run):
    message = client.publish(new_run())
    done = client.ack(message, outcome=1).message
    began = time.monotonic()
    for until in (ACKED, FINISHED, 0):
        assert client.await_message(message, until) == done
    assert time.monotonic() - began < 2


def test_a_timeout_is_not_an_error(client, new_run):
    message = client.publish(new_run())
    began = time.monotonic()
    assert client.await_message(message, FINISHED, timeout=0.5) == message
    assert 0.4 < time.monotonic() - began < 4


def test_a_timeout_of_zero_answers_at_once(client, new_run):
    message = client.publish(new_run())
    began = time.monotonic()
    assert client.await_message(message, FINISHED, timeout=0) == message
    assert time.monotonic() - began < 1


def test_a_timeout_above_the_cap_is_taken(client, new_run):
    message = client.publish(new_run())
    client.ack(message, outcome=1)
    assert client.await_message(message, timeout=10**6).state == message_pb2.MESSAGE_STATE_APPLIED


@pytest.mark.parametrize("timeout", [duration_pb2.Duration(seconds=-1), duration_pb2.Duration(nanos=-1),
                                     duration_pb2.Duration(seconds=1, nanos=-1)], ids=["s", "ns", "mixed"])
def test_a_negative_timeout_is_refused(client, new_run, timeout):
    message = client.publish(new_run())
    with refused(INVALID, "timeout"):
        client.Await(message_service_pb2.AwaitRequest(message_id=message.id, timeout=timeout))


def test_an_unknown_until_is_refused(client, new_run):
    with refused(INVALID, "until"):
        client.await_message(client.publish(new_run()), 9, timeout=0)


@pytest.mark.parametrize("message_id", ["nonsense", "x" * 3000])
def test_an_unknown_message_is_not_found(client, message_id):
    with refused(NOT_FOUND):
        client.await_message(message_pb2.Message(id=message_id), timeout=1)


def test_many_wait_for_one_message(client, server, new_run):
    message = client.publish(new_run())
    clients = [server.connect() for _ in range(4)]
    waiting = [Background(lambda c=c: c.await_message(message, timeout=15)) for c in clients for _ in range(5)]
    client.ack(message, outcome=1, step=4)
    assert {w.result().step for w in waiting} == {4}


def test_one_end_of_a_run_releases_all_its_awaits(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(10)]
    waiting = [Background(lambda m=m: client.await_message(m, timeout=15)) for m in messages]
    client.end_run(run)
    assert {w.result().state for w in waiting} == {message_pb2.MESSAGE_STATE_UNDELIVERED}


def test_waiting_costs_no_thread_of_others(client, new_run):
    """More waiting calls than the server has threads must not hold up anybody."""
    run = new_run()
    message = client.publish(run)
    waiting = [Background(lambda: client.await_message(message, timeout=20)) for _ in range(60)]
    began = time.monotonic()
    at_once([lambda: client.publish(run) for _ in range(20)])
    assert time.monotonic() - began < 5
    assert not any(w.done() for w in waiting)
    client.ack(message, outcome=1)
    assert {w.result().id for w in waiting} == {message.id}
