"""Ack: an atomic claim, its repeats, outcomes, replies and refusals."""

import random
import time

import pytest
from signalbox.v1 import message_pb2

from rig.client import INVALID, NOT_FOUND, refused
from rig.values import from_value, instant, string_value_of_size
from rig.waiting import at_once

ACKED = message_pb2.MESSAGE_STATE_ACKED
APPLIED = message_pb2.MESSAGE_STATE_APPLIED
FAILED = message_pb2.MESSAGE_STATE_FAILED
PENDING = message_pb2.MESSAGE_STATE_PENDING


def test_a_claim_without_an_outcome(client, new_run):
    run = new_run()
    message = client.publish(run)
    result = client.ack(message, "reader-1")
    assert (result.message_id, result.claimed) == (message.id, True)
    assert (result.message.state, result.message.consumer) == (ACKED, "reader-1")
    assert abs(instant(result.message.ack_time) - time.time()) < 60
    assert not result.message.HasField("finish_time")
    assert client.get_all(run) == []
    assert client.get_run(run).pending_count == 0


@pytest.mark.parametrize("outcome, state", [(1, APPLIED), (2, FAILED)])
def test_a_claim_with_an_outcome_at_once(client, new_run, outcome, state):
    message = client.publish(new_run())
    result = client.ack(message, "reader-1", outcome=outcome, reply={"lr": 0.1}, error="text", step=2**40)
    assert result.claimed
    got = result.message
    assert (got.state, got.consumer, from_value(got.reply), got.step) == (state, "reader-1", {"lr": 0.1}, 2**40)
    assert got.error == "text"
    assert got.HasField("ack_time") and got.HasField("finish_time")
    assert client.message(message) == got


@pytest.mark.parametrize("outcome, state", [(1, APPLIED), (2, FAILED)])
def test_the_claimant_may_tell_the_outcome_later(client, new_run, outcome, state):
    message = client.publish(new_run())
    claimed = client.ack(message, "reader-1").message
    done = client.ack(message, "reader-1", outcome=outcome, reply="r", step=7)
    assert done.claimed
    assert (done.message.state, done.message.step, from_value(done.message.reply)) == (state, 7, "r")
    assert done.message.ack_time == claimed.ack_time
    assert instant(done.message.finish_time) >= instant(claimed.ack_time)


def test_a_repeat_gets_the_same_answer(client, new_run):
    message = client.publish(new_run())
    assert client.ack(message, "a") == client.ack(message, "a")
    done = client.ack(message, "a", outcome=1, step=1)
    assert client.ack(message, "a", outcome=1, step=1) == done
    assert client.ack(message, "a") == done


def test_the_first_outcome_stays(client, new_run):
    message = client.publish(new_run())
    done = client.ack(message, "a", outcome=1, reply="first", step=1)
    again = client.ack(message, "a", outcome=2, reply="second", error="no", step=2)
    assert again == done


def test_others_learn_who_claimed_it(client, new_run):
    message = client.publish(new_run())
    claimed = client.ack(message, "winner").message
    for fields in ({}, {"outcome": 1}, {"outcome": 2, "error": "mine"}):
        result = client.ack(message, "loser", **fields)
        assert not result.claimed
        assert result.message == claimed


def test_8_racing_consumers_have_one_winner_each_message(server, replica, client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(40)]
    clients = [(server, replica)[i % 2].connect() for i in range(8)]
    order = random.Random(7)
    lists = [order.sample(messages, len(messages)) for _ in clients]

    def consume(connection, name, mine):
        return {m.id: connection.ack(m, name) for m in mine}

    answers = at_once([lambda c=c, n=f"c{i}", l=lists[i]: consume(c, n, l) for i, c in enumerate(clients)])
    for message in messages:
        results = [answer[message.id] for answer in answers]
        winners = [i for i, result in enumerate(results) if result.claimed]
        assert len(winners) == 1
        assert {result.message.consumer for result in results} == {f"c{winners[0]}"}


def test_batches_that_overlap_have_one_winner_each_message(server, client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(60)]
    clients = [server.connect() for _ in range(8)]
    shuffled = [random.Random(i).sample(messages, 45) for i in range(8)]
    answers = at_once([lambda c=c, i=i: c.try_ack(shuffled[i], f"c{i}", outcome=1) for i, c in enumerate(clients)])
    wins = [r.message_id for results in answers for r in results if r.claimed]
    touched = {m.id for batch in shuffled for m in batch}
    assert sorted(wins) == sorted(touched)


def test_results_come_in_the_order_of_the_ids_across_runs(client, new_run):
    messages = [client.publish(new_run()) for _ in range(6)]
    order = [messages[i] for i in (3, 0, 5, 1, 4, 2)]
    results = client.try_ack(order)
    assert [r.message_id for r in results] == [m.id for m in order]
    assert [r.message.id for r in results] == [m.id for m in order]
    assert all(r.claimed for r in results)


def test_an_id_given_twice_gets_the_same_result_twice(client, new_run):
    run = new_run()
    a, b = client.publish(run), client.publish(run)
    results = client.try_ack([a, b, a], outcome=1, step=3)
    assert [r.message_id for r in results] == [a.id, b.id, a.id]
    assert results[0] == results[2] and results[0].claimed


def test_of_a_call_with_an_unknown_id_nothing_takes_effect(client, new_run):
    run, other = new_run(), new_run()
    messages = [client.publish(run), client.publish(other), client.publish(run)]
    with refused(NOT_FOUND):
        client.try_ack([messages[0], messages[1], "nonsense", messages[2]], outcome=1)
    assert [client.message(m).state for m in messages] == [PENDING] * 3


@pytest.mark.parametrize("message_id", ["nonsense", "a'b", "run-1", "x" * 3000, "../..", "0"])
def test_an_unknown_id_is_not_found(client, message_id):
    with refused(NOT_FOUND):
        client.try_ack([message_id])


def test_an_id_that_was_changed_is_not_found(client, new_run):
    message = client.publish(new_run())
    for i in range(len(message.id)):
        other = "x" if message.id[i] != "x" else "y"
        with refused(NOT_FOUND):
            client.try_ack([message.id[:i] + other + message.id[i + 1:]])
    with refused(NOT_FOUND):
        client.try_ack([message.id + "0"])
    assert client.message(message).state == PENDING


def test_1000_ids_are_one_call(client, new_run):
    run = new_run()
    at_once([lambda: [client.publish(run) for _ in range(125)] for _ in range(8)])
    messages = client.get_all(run)
    results = client.try_ack(messages, outcome=1)
    assert [r.message_id for r in results] == [m.id for m in messages]
    assert all(r.claimed and r.message.state == APPLIED for r in results)
    assert client.get_all(run) == []


def test_0_and_1001_ids_are_refused(client, new_run):
    message = client.publish(new_run())
    with refused(INVALID, "message_ids"):
        client.try_ack([])
    with refused(INVALID, "message_ids", ("1000", "1,000")):
        client.try_ack([message] * 1001)
    assert client.message(message).state == PENDING


@pytest.mark.parametrize("fields", [{"reply": 1}, {"error": "no"}, {"step": 5}], ids=str)
def test_reply_error_and_step_need_an_outcome(client, new_run, fields):
    message = client.publish(new_run())
    with refused(INVALID, "outcome", next(iter(fields))):
        client.ack(message, **fields)
    assert client.message(message).state == PENDING


@pytest.mark.parametrize("fields, texts", [
    ({"consumer": ""}, ["consumer"]),
    ({"consumer": "x" * 129}, ["consumer", "128"]),
    ({"consumer": "a\0b"}, ["consumer"]),
    ({"outcome": 9}, ["outcome"]),
    ({"outcome": 1, "step": -1}, ["step"]),
    ({"outcome": 2, "error": "x" * 1025}, ["error", ("1024", "1 KiB", "1,024")]),
    ({"outcome": 1, "reply": string_value_of_size(16385)}, ["reply", ("16384", "16 KiB", "16,384")]),
], ids=["no-consumer", "129", "nul", "outcome", "step", "error", "reply"])
def test_bad_input_is_refused_and_takes_no_effect(client, new_run, fields, texts):
    message = client.publish(new_run())
    with refused(INVALID, *texts):
        client.ack(message, **fields)
    assert client.message(message).state == PENDING


def test_everything_at_its_limit_is_kept(client, new_run):
    reply = string_value_of_size(16384)
    fields = {"outcome": 2, "error": "é" * 512, "reply": reply, "step": 2**63 - 1}
    message = client.ack(client.publish(new_run()), "c" * 128, **fields).message
    assert (message.consumer, message.error, message.reply, message.step) == (
        "c" * 128, "é" * 512, reply, 2**63 - 1)


def test_a_claim_is_seen_by_every_read_that_begins_later(server, replica, client, new_run):
    run = new_run()
    other = replica.connect()
    for _ in range(25):
        message = client.publish(run)
        assert other.get(run).message.id == message.id
        client.ack(message)
        assert not other.get(run).HasField("message")
        assert other.get_all(run) == []
