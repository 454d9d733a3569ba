"""Time to live: from its expire_time on a message is neither returned, claimed nor counted."""

import time

import pytest
from signalbox.v1 import message_pb2

from rig.client import PRECONDITION, refused
from rig.values import instant
from rig.waiting import Background, eventually

EXPIRED = message_pb2.MESSAGE_STATE_EXPIRED


@pytest.fixture
def expired(client, new_run):
    """A message whose expire_time has just passed, by the clock that server and test share."""
    message = client.publish(new_run(), ttl=0.1)
    eventually(lambda: time.time() > instant(message.expire_time), 5, interval=0.002)
    return message


def test_it_is_not_returned(client, expired):
    assert not client.get(expired.run_id).HasField("message")
    assert client.get_all(expired.run_id) == []


def test_it_is_not_counted(client, expired):
    assert client.get(expired.run_id).pending_count == 0
    assert client.get_run(expired.run_id).pending_count == 0


def test_it_is_not_claimed(client, expired):
    result = client.ack(expired, "reader", outcome=1)
    assert not result.claimed
    assert (result.message.state, result.message.consumer) == (EXPIRED, "")
    assert not result.message.HasField("ack_time")


def test_it_cannot_be_cancelled(client, expired):
    with refused(PRECONDITION, "expired"):
        client.cancel(expired)


def test_it_is_expired_for_whoever_asks(client, expired):
    message = client.message(expired)
    assert message.state == EXPIRED
    assert instant(message.finish_time) >= instant(message.expire_time)
    assert [m.id for m in client.history(expired.run_id, states=[EXPIRED])] == [expired.id]
    assert client.history(expired.run_id, states=[message_pb2.MESSAGE_STATE_PENDING]) == []


def test_a_new_subscriber_does_not_get_it(client, expired):
    with client.subscribe(expired.run_id) as stream:
        assert stream.synced().head_sequence == 1
        assert stream.messages() == []


def test_a_run_that_ends_later_leaves_it_expired(client, expired):
    client.end_run(expired.run_id)
    assert client.message(expired).state == EXPIRED


def test_nobody_gets_it_after_its_time(client, new_run):
    run = new_run()
    message = client.publish(run, ttl=0.4)
    late = 0
    while late < 20:
        asked = time.time()
        returned = client.get(run).HasField("message")
        if asked >= instant(message.expire_time):
            late += 1
            assert not returned, f"returned {asked - instant(message.expire_time)} s after its time"
        elif not returned:
            assert time.time() >= instant(message.expire_time), "gone before its time"


def test_its_withdrawal_follows_within_2_s(client, new_run):
    run = new_run()
    with client.subscribe(run) as stream:
        message = client.publish(run, ttl=0.3)
        stays = client.publish(run)
        stream.message_with(stays.id)
        withdrawn = stream.withdrawal_of(message.id, timeout=5)
        assert time.time() - instant(message.expire_time) < 2.5
        assert withdrawn.state == EXPIRED and withdrawn.consumer == ""
        assert [w.message_id for w in stream.withdrawn()] == [message.id]


def test_messages_of_many_runs_expire_together(client, new_run):
    runs = [new_run() for _ in range(20)]
    streams = [client.subscribe(run) for run in runs]
    for stream in streams:
        stream.synced()
    messages = [client.publish(run, ttl=0.5) for run in runs]
    for stream, message in zip(streams, messages):
        stream.withdrawal_of(message.id, timeout=6)
        assert time.time() - instant(message.expire_time) < 3.5
        stream.close()


def test_an_await_ends_with_the_expiry(client, new_run):
    message = client.publish(new_run(), ttl=0.3)
    waiting = Background(lambda: client.await_message(message))
    assert waiting.result(10).state == EXPIRED
    assert time.time() - instant(message.expire_time) < 3


def test_a_claimed_message_does_not_expire(client, new_run):
    run = new_run()
    message = client.publish(run, ttl=0.3)
    witness = client.publish(run, ttl=0.35)
    client.ack(message, "reader")
    eventually(lambda: client.message(witness).state == EXPIRED, 5)
    assert client.message(message).state == message_pb2.MESSAGE_STATE_ACKED
    assert client.ack(message, "reader", outcome=1).claimed


def test_expired_messages_make_room(client, new_run):
    run = new_run()
    for _ in range(50):
        last = client.publish(run, ttl=0.05)
    eventually(lambda: client.get_run(run).pending_count == 0, 5)
    assert client.get_run(run).head_sequence == last.sequence == 50


def test_the_time_to_live_holds_on_another_replica_too(client, new_run, replica):
    run = new_run()
    other = replica.connect()
    message = client.publish(run, ttl=0.2)
    with other.subscribe(run) as stream:
        stream.withdrawal_of(message.id, timeout=6)
    assert other.ack(message, "reader").claimed is False
