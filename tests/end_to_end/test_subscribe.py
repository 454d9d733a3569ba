"""Subscribe: the snapshot, live messages, withdrawals, progress and the end."""

import time

import grpc
import pytest
from signalbox.v1 import message_pb2, message_service_pb2, run_pb2

from rig.client import EXHAUSTED, INVALID, run_ref
from rig.values import instant, string_value_of_size
from rig.waiting import at_once

State = message_pb2.MessageState.Value


def test_the_snapshot_comes_first_and_ends_with_a_synced_progress(client, new_run):
    run = new_run()
    messages = [client.publish(run, value=i) for i in range(5)]
    client.ack(messages[1])
    with client.subscribe(run) as stream:
        progress = stream.synced()
        assert stream.messages() == [messages[i] for i in (0, 2, 3, 4)]
        assert stream.withdrawn() == []
        assert stream.kinds()[-1] == "progress"
        assert progress.head_sequence == 5
        assert progress.cursor
        assert not progress.stale
        assert abs(instant(progress.server_time) - time.time()) < 60


def test_an_empty_run_is_synced_at_zero(client, new_run):
    with client.subscribe(new_run()) as stream:
        progress = stream.synced()
        assert (progress.head_sequence, stream.messages()) == (0, [])
        assert progress.cursor


def test_a_late_stream_is_not_told_what_is_settled(client, new_run):
    """The server keeps the newest changes for the streams that are open already."""
    run = new_run()
    with client.subscribe(run) as early:
        early.synced()
        client.ack(client.publish(run, value=1))
        second = client.publish(run, value=2)
        early.message_with(second.id)
        with client.subscribe(run) as late:
            late.synced()
            assert late.messages() == [second]
            assert late.withdrawn() == []


def test_new_messages_come_as_they_commit(client, new_run):
    run = new_run()
    with client.subscribe(run) as stream:
        stream.synced()
        for i in range(20):
            message = client.publish(run, value=i)
            began = time.monotonic()
            assert stream.message_with(message.id) == message
            assert time.monotonic() - began < 1
        assert stream.sequences() == list(range(1, 21))
        assert stream.synced(20).head_sequence == 20


@pytest.mark.parametrize("state, consumer, act", [
    ("ACKED", "reader-1", lambda c, m: c.ack(m, "reader-1")),
    ("APPLIED", "reader-1", lambda c, m: c.ack(m, "reader-1", outcome=1)),
    ("FAILED", "me", lambda c, m: c.ack(m, "me", outcome=2)),
    ("CANCELLED", "", lambda c, m: c.cancel(m)),
    ("SUPERSEDED", "", lambda c, m: c.setting(m.run_id)),
])
def test_a_message_that_leaves_is_withdrawn_once(client, new_run, state, consumer, act):
    """Also for the consumer of the stream itself, and not again when the outcome follows."""
    run = new_run()
    message = client.setting(run).message
    with client.subscribe(run, consumer="me") as stream:
        stream.message_with(message.id)
        act(client, message)
        withdrawn = stream.withdrawal_of(message.id)
        assert (withdrawn.state, withdrawn.consumer) == (State("MESSAGE_STATE_" + state), consumer)
        if state == "ACKED":
            client.ack(message, "reader-1", outcome=1)
        last = client.publish(run, "last")
        stream.message_with(last.id)
        client.ack(last)
        stream.withdrawal_of(last.id)
        assert [w.message_id for w in stream.withdrawn()] == [message.id, last.id]


def test_what_this_stream_never_sent_is_not_withdrawn(client, new_run):
    run = new_run()
    before = client.publish(run, "a")
    client.ack(before)
    with client.subscribe(run, keys=["a"]) as stream:
        stream.synced()
        other, mine = client.publish(run, "b"), client.publish(run, "a")
        stream.message_with(mine.id)
        client.ack(before, outcome=1)
        client.ack(other)
        client.ack(mine)
        stream.withdrawal_of(mine.id)
        assert [w.message_id for w in stream.withdrawn()] == [mine.id]


def test_only_the_asked_keys_come(client, new_run):
    run = new_run()
    old = [client.publish(run, key) for key in ("a", "b", "c", "a")]
    with client.subscribe(run, keys=["a", "c", "a"]) as stream:
        stream.synced()
        assert stream.messages() == [old[0], old[2], old[3]]
        client.publish(run, "b")
        new = client.publish(run, "c")
        stream.message_with(new.id)
        assert stream.sequences() == [1, 3, 4, 6]
        assert stream.synced(6).head_sequence == 6


def test_the_position_moves_on_behind_messages_of_other_keys(client, new_run):
    run = new_run()
    with client.subscribe(run, keys=["a"]) as stream:
        stream.synced()
        client.publish(run, "b")
        progress = stream.synced(1)
        assert progress.head_sequence == 1 and stream.messages() == []


def test_progress_comes_at_least_every_5_s(client, new_run):
    with client.subscribe(new_run()) as stream:
        stream.wait(lambda: len(stream.progress()) >= 3, timeout=13)
        arrivals = [at for at, event in stream.events if event.WhichOneof("event") == "progress"]
        assert max(b - a for a, b in zip(arrivals, arrivals[1:])) < 6
        assert all(p.synced and not p.stale and p.cursor for p in stream.progress())
        times = [instant(p.server_time) for p in stream.progress()]
        assert times == sorted(times) and times[0] < times[-1]


@pytest.mark.parametrize("outcome", [run_pb2.RUN_OUTCOME_COMPLETED, run_pb2.RUN_OUTCOME_FAILED,
                                     run_pb2.RUN_OUTCOME_STOPPED])
def test_the_end_of_the_run_is_the_last_event(client, new_run, outcome):
    run = new_run()
    client.publish(run)
    with client.subscribe(run) as stream, client.subscribe(run) as other:
        stream.synced()
        other.synced()
        client.end_run(run, outcome)
        for each in (stream, other):
            assert each.end(5) == grpc.StatusCode.OK
            assert each.kinds()[-1] == "run_ended"
            assert each.events[-1][1].run_ended.outcome == outcome
            assert each.withdrawn() == []


def test_an_ended_run_says_so_at_once(client, new_run):
    run = new_run()
    client.publish(run)
    cursor = client.get_page(run).cursor
    client.end_run(run, run_pb2.RUN_OUTCOME_FAILED)
    for fields in ({}, {"cursor": cursor}, {"keys": ["x"]}, {"declare_keys": [run_pb2.KeyDeclaration(key="k")]}):
        with client.subscribe(run, **fields) as stream:
            assert stream.end(5) == grpc.StatusCode.OK
            assert stream.kinds() == ["run_ended"]
            assert stream.events[0][1].run_ended.outcome == run_pb2.RUN_OUTCOME_FAILED


def test_keys_may_be_declared_with_the_subscription(client, new_run):
    run = new_run()
    declared = [run_pb2.KeyDeclaration(key="rate", kind=message_pb2.KIND_SETTING, description="Learning rate"),
                run_pb2.KeyDeclaration(key="save", kind=message_pb2.KIND_COMMAND)]
    with client.subscribe(run, declare_keys=declared) as stream:
        stream.synced()
        assert list(client.get_run(run).keys) == declared
        assert client.publish(run, "rate").kind == message_pb2.KIND_SETTING
        assert client.publish(run, "undeclared").kind == message_pb2.KIND_COMMAND
        stream.wait(lambda: len(stream.messages()) == 2)


@pytest.mark.parametrize("fields, code, text", [
    ({"consumer": "x" * 129}, INVALID, "consumer"),
    ({"declare_keys": [run_pb2.KeyDeclaration(key="")]}, INVALID, "key"),
    ({"declare_keys": [run_pb2.KeyDeclaration(key="k", description="x" * 1025)]}, INVALID, "description"),
    ({"cursor": "garbage"}, INVALID, "cursor"),
], ids=["consumer", "key", "description", "cursor"])
def test_bad_input_ends_the_stream(client, new_run, fields, code, text):
    with client.subscribe(new_run(), **fields) as stream:
        assert stream.end(5) == code
        assert text in stream.details
        assert stream.kinds() == []


def test_too_many_declared_keys_are_refused(client, new_run):
    run = new_run()
    client.declare(run, [f"k{i}" for i in range(256)])
    with client.subscribe(run, declare_keys=[run_pb2.KeyDeclaration(key="one-more")]) as stream:
        assert stream.end(5) == EXHAUSTED
        assert "256" in stream.details


def test_a_large_snapshot_is_complete(client, new_run):
    run = new_run()
    messages = [client.publish(run, value=string_value_of_size(64_000 + i)) for i in range(60)]
    with client.subscribe(run) as stream:
        stream.synced(60, timeout=20)
        assert stream.messages() == messages


def test_a_reader_that_stalls_holds_up_nobody_and_misses_nothing(server, client, new_run):
    run = new_run()
    request = message_service_pb2.SubscribeRequest(run=run_ref(run))
    stalled = server.connect().Subscribe(request, timeout=40)
    assert next(stalled) is not None  # Open; from here on nothing is read for a while.
    with client.subscribe(run) as stream:
        stream.synced()
        messages = [client.publish(run, value=string_value_of_size(60_000)) for _ in range(80)]
        stream.message_with(messages[-1].id)
        assert stream.sequences() == list(range(1, 81))
    client.try_ack(messages[:40], outcome=1)
    acked = {m.id for m in messages[:40]}
    sent, withdrawn = {}, []
    for response in stalled:
        if response.WhichOneof("event") == "message":
            assert response.message.sequence > max(sent.values(), default=0)
            sent[response.message.id] = response.message.sequence
        elif response.WhichOneof("event") == "withdrawn":
            withdrawn.append(response.withdrawn.message_id)
        if max(sent.values(), default=0) == 80 and len(withdrawn) >= len(acked & sent.keys()):
            break
    stalled.cancel()
    assert set(sent.values()) >= set(range(41, 81)), "a pending message was left out"
    assert sorted(withdrawn) == sorted(acked & sent.keys())


def test_many_streams_of_one_run_all_get_everything(server, client, new_run):
    run = new_run()
    streams = [server.connect().subscribe(run) for _ in range(20)]
    for stream in streams:
        stream.synced()
    at_once([lambda: [client.publish(run) for _ in range(5)] for _ in range(4)])
    for stream in streams:
        stream.synced(20)
        assert stream.sequences() == list(range(1, 21))
        stream.close()
