"""Resuming with a cursor: nothing is missed, and a cursor that cannot be honoured is told."""

import pytest
from signalbox.v1 import message_pb2

from rig.client import INVALID
from rig.waiting import eventually

State = message_pb2.MessageState.Value


def read_to_the_end(client, run, **fields):
    """Subscribes, waits for the first synced progress and returns the closed stream."""
    with client.subscribe(run, **fields) as stream:
        stream.synced()
    return stream


def last_cursor(stream):
    return stream.progress()[-1].cursor


def test_every_withdrawal_since_then_is_told_once(client, new_run):
    run = new_run()
    old = [client.setting(run, f"k{i}", ttl=0.6 if i == 4 else None).message for i in range(7)]
    cursor = last_cursor(read_to_the_end(client, run))
    client.ack(old[0], "a")
    client.ack(old[1], "b", outcome=1)
    client.cancel(old[2])
    client.setting(run, "k3")
    client.ack(old[6], "c")
    client.ack(old[6], "c", outcome=2)
    eventually(lambda: client.message(old[4]).state == State("MESSAGE_STATE_EXPIRED"), 5)
    with client.subscribe(run, cursor=cursor) as stream:
        told = {stream.withdrawal_of(old[i].id).message_id: i for i in (0, 1, 2, 3, 4, 6)}
        stream.synced(8)
        withdrawn = [(told.get(w.message_id), w.state, w.consumer) for w in stream.withdrawn()]
    assert sorted(withdrawn[i][0] for i in range(len(withdrawn))) == [0, 1, 2, 3, 4, 6]
    by_index = {index: (state, consumer) for index, state, consumer in withdrawn}
    assert by_index[0] == (State("MESSAGE_STATE_ACKED"), "a")
    assert by_index[1] == (State("MESSAGE_STATE_APPLIED"), "b")
    assert by_index[2] == (State("MESSAGE_STATE_CANCELLED"), "")
    assert by_index[3] == (State("MESSAGE_STATE_SUPERSEDED"), "")
    assert by_index[4] == (State("MESSAGE_STATE_EXPIRED"), "")
    assert by_index[6] == (State("MESSAGE_STATE_FAILED"), "c")
    assert stream.sequences() == [8]


def test_withdrawals_come_before_the_first_synced_progress(client, new_run):
    run = new_run()
    old = [client.publish(run) for _ in range(3)]
    cursor = last_cursor(read_to_the_end(client, run))
    client.try_ack(old)
    stream = read_to_the_end(client, run, cursor=cursor)
    assert {w.message_id for w in stream.withdrawn()} == {m.id for m in old}


def test_what_was_withdrawn_before_the_cursor_is_not_told_again(client, new_run):
    run = new_run()
    gone, stays = client.publish(run), client.publish(run)
    with client.subscribe(run) as stream:
        stream.synced(2)
        client.ack(gone)
        stream.withdrawal_of(gone.id)
        seen = len(stream.progress())
        stream.wait(lambda: len(stream.progress()) > seen, timeout=7)
        cursor = last_cursor(stream)
    assert read_to_the_end(client, run, cursor=cursor).kinds() == ["progress"]
    client.ack(stays)
    assert [w.message_id for w in read_to_the_end(client, run, cursor=cursor).withdrawn()] == [stays.id]


def test_what_is_newer_than_the_cursor_comes_again_while_it_is_pending(client, new_run):
    run = new_run()
    with client.subscribe(run) as stream:
        cursor = stream.synced().cursor
        messages = [client.publish(run, value=i) for i in range(4)]
        stream.synced(4)
    client.ack(messages[1])
    again = read_to_the_end(client, run, cursor=cursor)
    assert again.messages() == [messages[0], messages[2], messages[3]]


def test_what_came_and_went_meanwhile_is_not_sent(client, new_run):
    run = new_run()
    client.publish(run)
    cursor = last_cursor(read_to_the_end(client, run))
    brief, stays = client.publish(run), client.publish(run)
    client.ack(brief)
    stream = read_to_the_end(client, run, cursor=cursor)
    assert stream.messages() == [stays]
    assert stream.withdrawn() == [], "it was neither sent nor covered by the cursor"


def test_a_resumed_stream_withdraws_what_the_cursor_covered(client, new_run):
    run = new_run()
    covered = client.publish(run)
    cursor = last_cursor(read_to_the_end(client, run))
    with client.subscribe(run, cursor=cursor) as stream:
        stream.synced()
        client.ack(covered, "reader")
        assert stream.withdrawal_of(covered.id).consumer == "reader"


def test_a_cursor_may_be_used_again_and_again(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(3)]
    cursor = last_cursor(read_to_the_end(client, run))
    client.ack(messages[0])
    for _ in range(3):
        stream = read_to_the_end(client, run, cursor=cursor)
        assert [w.message_id for w in stream.withdrawn()] == [messages[0].id]
        cursor_of_the_next = last_cursor(stream)
    assert read_to_the_end(client, run, cursor=cursor_of_the_next).withdrawn() == []


def test_keys_hold_for_a_resumed_stream(client, new_run):
    run = new_run()
    a, b = client.publish(run, "a"), client.publish(run, "b")
    cursor = last_cursor(read_to_the_end(client, run, keys=["a"]))
    client.try_ack([a, b])
    new, _ = client.publish(run, "a"), client.publish(run, "b")
    stream = read_to_the_end(client, run, keys=["a"], cursor=cursor)
    assert [w.message_id for w in stream.withdrawn()] == [a.id]
    assert stream.messages() == [new]


def test_many_withdrawals_are_all_told(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(700)]
    cursor = client.get_page(run).cursor
    client.try_ack(messages)
    stream = read_to_the_end(client, run, cursor=cursor)
    assert sorted(w.message_id for w in stream.withdrawn()) == sorted(m.id for m in messages)


def test_a_cursor_holds_on_another_replica(client, new_run, replica):
    run = new_run()
    first, second = client.publish(run), client.publish(run)
    cursor = last_cursor(read_to_the_end(client, run))
    client.ack(first)
    third = client.publish(run)
    stream = read_to_the_end(replica.connect(), run, cursor=cursor)
    assert [w.message_id for w in stream.withdrawn()] == [first.id]
    assert stream.messages() == [third]


def test_a_cursor_survives_a_restart_of_the_server(start_server, cluster, database):
    server = start_server("--database-url", cluster.url(database))
    client = server.connect()
    run = client.create_run()
    first = client.publish(run)
    cursor = last_cursor(read_to_the_end(client, run))
    page_cursor = client.get_page(run).cursor
    server.kill()
    server.start()
    client = server.connect()
    client.ack(first)
    second = client.publish(run)
    for each in (cursor, page_cursor):
        stream = read_to_the_end(client, run, cursor=each)
        assert [w.message_id for w in stream.withdrawn()] == [first.id]
        assert stream.messages() == [second]


@pytest.mark.parametrize("cursor", ["garbage", "x" * 5000, "a\0b", "1", "AAAAAAAA", "{}", "é", " "],
                         ids=["word", "long", "nul", "number", "base64", "braces", "utf-8", "blank"])
def test_a_garbage_cursor_is_refused(client, new_run, cursor):
    with client.subscribe(new_run(), cursor=cursor) as stream:
        assert stream.end(5) == INVALID
        assert "cursor" in stream.details


def test_a_cursor_of_another_run_is_refused(client, new_run):
    run, other = new_run(), new_run()
    for target in (run, other):
        client.publish(target)
    for cursor in (last_cursor(read_to_the_end(client, run)), client.get_page(run).cursor):
        with client.subscribe(other, cursor=cursor) as stream:
            assert stream.end(5) == INVALID
            assert "cursor" in stream.details


def test_a_page_token_is_no_cursor(client, new_run):
    run = new_run()
    for _ in range(2):
        client.publish(run)
    with client.subscribe(run, cursor=client.get_page(run, page_size=1).next_page_token) as stream:
        assert stream.end(5) == INVALID
