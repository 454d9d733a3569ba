"""ListMessages: the whole history of a run, newest first."""

import pytest
from signalbox.v1 import message_pb2

from rig.client import INVALID, refused
from rig.values import string_value_of_size

State = message_pb2.MessageState.Value


@pytest.fixture(scope="module")
def run(client, new_run):
    """Sequences 1-7: applied, failed, superseded, cancelled, acked, pending, pending; keys a b a b …"""
    run = new_run()
    messages = [client.publish(run, "ab"[i % 2], i, kind=2 if i == 2 else 1) for i in range(6)]
    client.ack(messages[0], outcome=1)
    client.ack(messages[1], outcome=2)
    client.setting(run, "a", 6)
    client.cancel(messages[3])
    client.ack(messages[4])
    return run


def sequences(messages):
    return [m.sequence for m in messages]


def test_newest_first_with_every_state(client, run):
    history = client.history(run)
    assert sequences(history) == [7, 6, 5, 4, 3, 2, 1]
    assert [message_pb2.MessageState.Name(m.state)[14:] for m in history] == [
        "PENDING", "PENDING", "ACKED", "CANCELLED", "SUPERSEDED", "FAILED", "APPLIED"]


def test_keys_filter(client, run):
    assert sequences(client.history(run, keys=["a"])) == [7, 5, 3, 1]
    assert sequences(client.history(run, keys=["b", "a", "a"])) == [7, 6, 5, 4, 3, 2, 1]
    assert client.history(run, keys=["none"]) == []


def test_states_filter(client, run):
    assert sequences(client.history(run, states=[State("MESSAGE_STATE_PENDING")])) == [7, 6]
    finished = [State("MESSAGE_STATE_" + s) for s in ("APPLIED", "FAILED", "SUPERSEDED", "CANCELLED")]
    assert sequences(client.history(run, states=finished)) == [4, 3, 2, 1]
    assert client.history(run, states=[State("MESSAGE_STATE_EXPIRED")]) == []


def test_both_filters_must_match(client, run):
    assert sequences(client.history(run, keys=["a"], states=[State("MESSAGE_STATE_PENDING")])) == [7]


def test_a_bad_state_is_refused(client, run):
    for state in (0, 99, -1):
        with refused(INVALID, "states"):
            client.list_page(run, states=[state])


@pytest.mark.parametrize("page_size", [1, 2, 3, 6, 7, 100])
def test_pages(client, run, page_size):
    seen, token, pages = [], "", 0
    while True:
        page = client.list_page(run, page_size=page_size, page_token=token)
        assert len(page.messages) <= page_size
        seen += sequences(page.messages)
        pages += 1
        token = page.next_page_token
        if not token:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert pages == -(-7 // page_size)


def test_filtered_pages(client, run):
    first = client.list_page(run, keys=["a"], page_size=2)
    rest = client.list_page(run, keys=["a"], page_size=2, page_token=first.next_page_token)
    assert sequences([*first.messages, *rest.messages]) == [7, 5, 3, 1]
    assert rest.next_page_token == ""


def test_100_a_page_by_default_and_1000_at_most(client, new_run):
    run = new_run()
    for _ in range(11):
        messages = [client.publish(run) for _ in range(100)]
        client.try_ack(messages, outcome=1)
    assert sequences(client.list_page(run).messages) == list(range(1100, 1000, -1))
    for page_size in (1001, 2**31 - 1):
        page = client.list_page(run, page_size=page_size)
        assert sequences(page.messages) == list(range(1100, 100, -1))
        assert sequences(client.list_page(run, page_size=page_size, page_token=page.next_page_token).messages
                         ) == list(range(100, 0, -1))


def test_a_page_is_at_most_1_mib(client, new_run):
    run = new_run()
    for i in range(20):
        client.publish(run, value=string_value_of_size(65_000 + i))
    page = client.list_page(run, page_size=1000)
    assert page.ByteSize() <= 1 << 20
    assert 14 <= len(page.messages) < 20
    assert sequences(client.history(run)) == list(range(20, 0, -1))


def test_messages_published_meanwhile_do_not_disturb_the_pages(client, new_run):
    run = new_run()
    for _ in range(4):
        client.publish(run)
    first = client.list_page(run, page_size=2)
    client.publish(run)
    second = client.list_page(run, page_size=2, page_token=first.next_page_token)
    assert sequences(first.messages) + sequences(second.messages) == [4, 3, 2, 1]


def test_a_negative_page_size_is_refused(client, run):
    with refused(INVALID, "page_size"):
        client.list_page(run, page_size=-5)


@pytest.mark.parametrize("token", ["garbage", "AAAA", "x" * 5000, "a\0b", "7"],
                         ids=["word", "base64", "long", "nul", "number"])
def test_a_garbage_token_is_refused(client, run, token):
    with refused(INVALID, "page_token"):
        client.list_page(run, page_token=token)


def test_a_token_of_another_query_is_refused(client, run, new_run):
    token = client.list_page(run, page_size=1).next_page_token
    other = new_run()
    for query in ({"keys": ["a"]}, {"states": [1]}):
        with refused(INVALID, "page_token"):
            client.list_page(run, page_token=token, **query)
    with refused(INVALID, "page_token"):
        client.list_page(other, page_token=token)
    with refused(INVALID, "page_token"):
        client.get_page(run, page_token=token)


def test_an_ended_run_keeps_its_history(client, new_run):
    run = new_run()
    client.publish(run)
    client.end_run(run)
    history = client.history(run)
    assert sequences(history) == [1]
    assert history[0].state == State("MESSAGE_STATE_UNDELIVERED")
