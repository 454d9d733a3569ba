"""Handlers: what they are given, what becomes of what they return and raise."""

import gc
import threading
import weakref

import pytest

import signalbox as sb


def settled(client, message):
    return client.await_message(message.id, 30)


def test_run_in_order_on_the_calling_thread(client, run, inbox, receive):
    calls = []

    @inbox.on("a")
    def handle(message):
        calls.append((message.key, message.value, threading.get_ident()))
        return {"was": message.value}

    assert inbox.on("b", handle) is handle
    sent = [receive("a", 1), receive("other"), receive("b", 2)]
    assert inbox.dispatch(7) == 2 and inbox.dispatch(8) == 0
    assert calls == [("a", 1, threading.get_ident()), ("b", 2, threading.get_ident())]
    done = settled(client, sent[0])
    assert (done.state, done.reply, done.step, done.error) == ("APPLIED", {"was": 1}, 7, "")
    assert inbox.get_all() == [sent[1]]


def test_returning_nothing_is_no_reply(client, inbox, receive):
    inbox.on("save", lambda message: None)
    message = receive("save")
    assert inbox.dispatch(1) == 1
    done = settled(client, message)
    assert done.state == "APPLIED" and done.reply is None


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no text either")


@pytest.mark.parametrize("error, text", [
    (ValueError("no such layer"), "ValueError: no such layer"), (KeyError("rate"), "KeyError: 'rate'"),
    (RuntimeError(), "RuntimeError"), (Speechless(), "Speechless"),
    (sb.NotFoundError("no run"), "NotFoundError: no run"), (OSError("\ud800"), "OSError")])
def test_an_exception_fails_the_message(client, inbox, receive, error, text):
    @inbox.on("save")
    def handle(message):
        raise error

    message, after = receive("save"), receive("save")
    assert inbox.dispatch(3) == 2
    done = settled(client, message)
    assert (done.state, done.error, done.step) == ("FAILED", text, 3)
    assert settled(client, after).state == "FAILED"


def test_a_long_text_is_cut(client, inbox, receive):
    @inbox.on("save")
    def handle(message):
        raise ValueError("ä" * 5000)

    message = receive("save")
    inbox.dispatch()
    assert settled(client, message).error.startswith("ValueError: äää")


@pytest.mark.parametrize("reply", [object(), float("nan"), 2**60, "x" * 20000])
def test_an_answer_that_cannot_be_sent_fails_the_message(client, inbox, receive, reply):
    inbox.on("save", lambda message: reply)
    message = receive("save")
    assert inbox.dispatch() == 1
    done = settled(client, message)
    assert done.state == "FAILED" and "the handler ran, but its answer is invalid" in done.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit("odd")])
def test_an_interrupt_ends_the_dispatch(client, inbox, receive, error):
    calls = []

    @inbox.on("save")
    def handle(message):
        calls.append(message.value)
        if message.value == 1:
            raise error

    first, second = receive("save", 1), receive("save", 2)
    with pytest.raises(type(error)) as raised:
        inbox.dispatch(5)
    assert raised.value is error and calls == [1]
    done = settled(client, first)
    assert done.state == "FAILED" and done.error.startswith(type(error).__name__) and done.step == 5
    assert inbox.get_all() == [second]
    assert inbox.dispatch() == 1 and calls == [1, 2]


def test_dispatch_within_a_handler_does_nothing(inbox, receive):
    counts = []
    inbox.on("save", lambda message: counts.append(inbox.dispatch()))
    receive("save")
    assert inbox.dispatch() == 1 and counts == [0]


def test_a_handler_may_dispatch_another_inbox(client, inbox, receive):
    other_run = client.create_run("tests/python")
    with client.open_inbox(other_run) as other:
        counts = []
        other.on("inner", lambda message: counts.append("inner"))
        client.publish(other_run, "inner")
        assert other.wait_newer(0, 30)
        inbox.on("outer", lambda message: counts.append(other.dispatch()))
        receive("outer")
        receive("outer")
        assert inbox.dispatch() == 2 and counts == ["inner", 1, 0]


def test_a_handler_that_publishes_to_its_own_run_comes_to_an_end(client, run, inbox, receive):
    @inbox.on("echo")
    def handle(message):
        sent = client.publish(run, "echo").message
        assert inbox.wait_newer(sent.sequence - 1, 30)

    receive("echo")
    assert inbox.dispatch() == 1 and inbox.dispatch() == 1


def test_a_handler_is_replaced(inbox, receive):
    calls = []
    inbox.on("save", lambda message: calls.append("old"))
    inbox.on("save", lambda message: calls.append("new"))
    receive("save")
    inbox.dispatch()
    assert calls == ["new"]


def test_a_bad_registration_leaves_the_old_one(inbox, receive):
    calls = []
    inbox.on("save", lambda message: calls.append("old"))
    with pytest.raises(sb.InvalidArgumentError, match="description"):
        inbox.on("save", lambda message: calls.append("new"), description="x" * 2000)
    with pytest.raises(sb.InvalidArgumentError, match="callable"):
        inbox.on("save", "not a function")
    with pytest.raises(sb.InvalidArgumentError, match="kind"):
        inbox.on("save", print, kind="BOTH")
    with pytest.raises(sb.InvalidArgumentError):
        inbox.on("", print)
    receive("save")
    assert inbox.dispatch() == 1 and calls == ["old"]


@pytest.mark.parametrize("claim", [lambda message: message.ack(), lambda message: message.ack_now(30)])
def test_a_claim_of_the_handler_leaves_the_outcome_to_it(client, inbox, receive, claim):
    """As a habit, and so that the publisher sees at once that something long has begun."""
    seen = []

    def save(message):
        claim(message)
        seen.append(client.await_message(message.id, 30, "ACKED").state)
        if message.value == "fail":
            raise ValueError("disk full")
        return "a/path"

    inbox.on("save", save)
    good, bad = receive("save"), receive("save", "fail")
    assert inbox.dispatch(7) == 2 and seen == ["ACKED", "ACKED"]
    done = settled(client, good)
    assert (done.state, done.reply, done.step) == ("APPLIED", "a/path", 7)
    done = settled(client, bad)
    assert (done.state, done.error, done.step) == ("FAILED", "ValueError: disk full", 7)


def test_an_outcome_that_the_handler_told_stands(client, inbox, receive):
    def save(message):
        if message.value == "bad":
            message.ack("FAILED", error="no disk", step=3)
            return "ignored"
        message.ack("APPLIED", reply="a/path", step=4)
        raise ValueError("ignored")

    inbox.on("save", save)
    bad, good = receive("save", "bad"), receive("save", "good")
    assert inbox.dispatch(7) == 2
    done = settled(client, bad)
    assert (done.state, done.error, done.reply, done.step) == ("FAILED", "no disk", None, 3)
    done = settled(client, good)
    assert (done.state, done.error, done.reply, done.step) == ("APPLIED", "", "a/path", 4)


def test_a_handler_may_settle_later(client, inbox, receive):
    begun = []

    def save(message):
        begun.append(message)
        return sb.LATER

    inbox.on("save", save)
    message = receive("save")
    assert inbox.dispatch(7) == 1
    claimed = client.await_message(message.id, 30, "ACKED")
    assert (claimed.state, claimed.consumer) == ("ACKED", inbox.consumer)
    begun[0].ack("APPLIED", reply="a/path", step=9)
    done = settled(client, message)
    assert (done.state, done.reply, done.step) == ("APPLIED", "a/path", 9)


def test_publishers_see_what_is_handled(client, run, inbox):
    inbox.on("rate", print, kind="SETTING", description="Adam's")
    inbox.on("save", print)
    assert inbox.wait_synced(30)
    for _ in range(100):  # Declared in the background.
        keys = client.get_run(run).keys
        if len(keys) == 2:
            break
        inbox.wait_newer(0, 0.1)
    assert [(key.key, key.kind, key.description) for key in keys] == [
        ("rate", "SETTING", "Adam's"), ("save", "COMMAND", "")]


def test_a_handler_may_close_its_inbox(inbox, receive):
    inbox.on("stop", lambda message: inbox.close())
    receive("stop")
    receive("stop")
    assert inbox.dispatch() == 1
    assert inbox.dispatch() == 0


def test_messages_are_not_kept_by_the_dispatch(inbox, receive):
    kept = []
    inbox.on("save", lambda message: kept.append(weakref.ref(message)))
    receive("save")
    inbox.dispatch()
    gc.collect()
    assert kept[0]() is None
