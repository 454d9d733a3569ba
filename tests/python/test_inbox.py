"""The inbox: reading, acking, waiting, closing."""

import gc
import threading
import warnings
import weakref

import pytest

import signalbox as sb


def settled(client, message):
    return client.await_message(message.id, 30)


def test_is_fresh_once_it_has_synced(inbox):
    status = inbox.status
    assert status.state is inbox.state and status.state in (sb.ConnectionState.STREAMING, "POLLING")
    assert 0 <= status.age < 60 and status.last_error is None
    assert inbox.consumer


def test_gets_messages_until_they_are_acked(client, run, inbox, receive):
    first, second = receive("rate", 1), receive("rate", 2)
    assert inbox.get("rate") == first and inbox.get("rate") == first
    assert inbox.get_all() == [first, second]
    assert inbox.get("else") is None
    assert first.ack() is None
    assert inbox.get("rate") == second and inbox.get_all() == [second]
    assert client.await_message(first.id, 30, "ACKED").consumer == inbox.consumer
    first.ack("APPLIED", reply=[1], step=3)
    done = settled(client, first)
    assert (done.state, done.reply, done.step) == ("APPLIED", [1], 3)


def test_ack_now_tells_who_won(client, run, inbox, receive):
    with client.open_inbox(run) as other:
        mine = receive("save")
        assert other.wait_newer(mine.sequence - 1, 30)
        theirs = other.get("save")
        assert mine.ack_now(30) is True
        assert theirs.ack_now(timeout=30) is False
        assert mine.ack_now(30, "FAILED", error="disk full") is True
    assert settled(client, mine).error == "disk full"


def test_only_messages_of_an_inbox_can_be_acked(client, run):
    message = client.publish(run, "save").message
    with pytest.raises(sb.FailedPreconditionError, match="inbox"):
        message.ack()
    with pytest.raises(sb.FailedPreconditionError, match="inbox"):
        message.ack_now()


def test_a_bad_ack_leaves_the_message_where_it_is(inbox, receive):
    message = receive("save")
    with pytest.raises(sb.InvalidArgumentError, match="outcome: 'DONE' is none of APPLIED, FAILED"):
        message.ack("DONE")
    with pytest.raises(sb.InvalidArgumentError):
        message.ack(reply="without an outcome")
    with pytest.raises(sb.InvalidArgumentError):
        message.ack("APPLIED", step=-1)
    assert inbox.get("save") == message


def test_holds_only_the_keys_it_was_opened_for(client, run):
    with client.open_inbox(run, keys=["b"]) as inbox:
        client.publish(run, "a")
        client.publish(run, "b")
        assert inbox.wait_newer(1, 30)
        assert [message.key for message in inbox.get_all()] == ["b"]
        with pytest.raises(sb.InvalidArgumentError, match="not among the keys"):
            inbox.on("a", print)


def test_waits_for_what_is_newer(client, run, inbox):
    assert not inbox.wait_newer(0, 0)
    assert not inbox.wait_newer(0, 0.3)
    results = []
    waiting = threading.Thread(target=lambda: results.append(inbox.wait_newer(0, 60)))
    waiting.start()
    client.publish(run, "save")
    waiting.join(60)
    assert results == [True] and inbox.wait_newer(0, 0)


def test_waiting_ends_with_the_run_and_with_the_inbox(client, run, inbox):
    with client.open_inbox(run) as other:
        results = []
        threads = [threading.Thread(target=lambda box=box: results.append(box.wait_newer(0, float("inf"))))
                   for box in (inbox, other)]
        for thread in threads:
            thread.start()
        inbox.close()
        client.end_run(run, "COMPLETED")
        for thread in threads:
            thread.join(60)
        assert results == [False, False] and other.state == "ENDED"


def test_closing_sends_the_acks_and_empties_it(client, run, inbox, receive):
    message, other = receive("save"), receive("save")
    message.ack("APPLIED")
    inbox.close()
    inbox.close()
    assert settled(client, message).state == "APPLIED"
    assert inbox.get("save") is None and inbox.get_all() == [] and inbox.dispatch() == 0
    assert inbox.state is sb.ConnectionState.CLOSED
    assert not inbox.wait_synced(0.1) and not inbox.wait_newer(0, 0.1)
    with pytest.raises(sb.FailedPreconditionError, match="closed"):
        other.ack()
    with pytest.raises(sb.FailedPreconditionError):
        inbox.on("save", print)
    with pytest.raises(sb.FailedPreconditionError):
        inbox.reopen()


def test_says_what_is_wrong_with_the_run(client):
    with client.open_inbox("no-such-run") as inbox:
        assert not inbox.wait_synced(1)
        assert isinstance(inbox.status.last_error, sb.NotFoundError)
        assert inbox.status.age == float("inf")


def test_messages_outlive_their_inbox(client, run):
    client.publish(run, "save", "value")
    inbox = client.open_inbox(run)
    assert inbox.wait_newer(0, 30)
    message = inbox.get("save")
    gone = weakref.ref(inbox)
    del inbox
    gc.collect()
    assert gone() is None
    assert message.value == "value"
    with pytest.raises(sb.FailedPreconditionError):
        message.ack()


def test_handlers_do_not_keep_an_inbox_alive(client, run):
    class Trainer:
        def __init__(self, inbox):
            self.inbox = inbox
            inbox.on("save", self.save)

        def save(self, message):
            return self.inbox

    trainer = Trainer(client.open_inbox(run))
    gone = weakref.ref(trainer.inbox)
    del trainer
    gc.collect()
    assert gone() is None


def test_many_inboxes_come_and_go_quietly(client, run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(40):
            inboxes = [client.open_inbox(run) for _ in range(5)]
            inboxes[0].on("save", lambda message: None)
            inboxes[1].close()
            del inboxes
    gc.collect()


def test_threads_share_an_inbox(client, run, inbox):
    """Of threads that race for a message's claim one wins; reading never fails meanwhile."""
    for number in range(20):
        client.publish(run, "job", number)
    assert inbox.wait_newer(19, 30)
    done, lock = [], threading.Lock()

    def work():
        while True:
            message = inbox.get("job")
            if message is None:
                return
            with lock:
                if inbox.get("job") == message:
                    message.ack("APPLIED")
                    done.append(message.value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == list(range(20))
