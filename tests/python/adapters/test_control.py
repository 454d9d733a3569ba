"""What adapters have in common: the core that knows no framework."""

import datetime
import gc
import pathlib
import subprocess
import sys
import weakref

import pytest

import signalbox as sb
from signalbox.adapters._added import Added
from signalbox.adapters._control import Steering
from signalbox.adapters._values import like, plain


@pytest.fixture
def steering(steered):
    steering = Steering(steered)
    yield steering
    steering.close()


def test_a_begun_command_is_finished_by_the_framework(steering, publish):
    begun = []
    steering.begin_command("save", begun.append)
    sent = [publish("save"), publish("save")]
    assert not steering.after_step(4) and begun == [4, 4] and steering.awaits("save")
    assert publish.now(sent[0]).state == "ACKED"
    steering.after_step(5)
    steering.finish("save", pathlib.Path("/checkpoints/5"), name="path")
    assert not steering.awaits("save")
    for message in map(publish.receipt, sent):
        assert (message.state, message.step, message.reply) == ("APPLIED", 4, {"path": "/checkpoints/5"})


def test_a_begun_command_may_fail(steering, publish):
    steering.begin_command("evaluate", lambda step: None)
    sent = publish("evaluate")
    steering.after_step(1)
    steering.fail("evaluate", "no data came")
    done = publish.receipt(sent)
    assert (done.state, done.error) == ("FAILED", "evaluate: no data came")


def test_what_cannot_begin_fails_at_once(steering, publish):
    steering.begin_command("evaluate", lambda step: 1 // 0)
    sent = publish("evaluate")
    steering.after_step(1)
    assert not steering.awaits("evaluate") and "ZeroDivisionError" in publish.receipt(sent).error


def test_the_end_fails_what_was_only_begun(steering, publish):
    steering.begin_command("save", lambda step: None)
    sent = publish("save")
    steering.after_step(9)
    steering.close()
    done = publish.receipt(sent)
    assert (done.state, done.error) == ("FAILED", "save: the training ended before this was done")
    steering.close()


def test_after_the_end_nothing_is_kept_and_nothing_done(steered, publish):
    class Options:
        rate = 0.5

    options = Options()
    kept = weakref.ref(options)
    steering = Steering(steered)
    steering.attribute("rate", options, "rate")
    steering.close()
    del options, steering
    gc.collect()
    assert kept() is None
    sent = publish("rate", 0.1)
    steered.dispatch(1)
    assert publish.receipt(sent).error == "ValueError: rate: no training is under way"


def test_the_newest_setting_wins_and_both_are_answered(steering, publish):
    class Options:
        rate = 0.5

    steering.attribute("rate", Options, "rate")
    first = publish("rate", 0.1)
    steering.after_step(1)
    assert publish.now(first).state == "ACKED"
    second = publish("rate", 0.2)
    steering.after_step(2)
    steering.after_step(3)
    assert publish.receipt(first).reply == {"previous": 0.5, "current": 0.1, "read_at_step": 2}
    assert publish.receipt(second).reply == {"previous": 0.1, "current": 0.2, "read_at_step": 3}


def test_a_value_that_cannot_be_read_back_fails(steering, publish):
    steering.setting("rate", write=lambda value: None, read=lambda: 1 // 0)
    sent = publish("rate", 1)
    steering.after_step(1)
    steering.after_step(2)
    assert "reading it back: integer division" in publish.receipt(sent).error


@pytest.mark.parametrize("text, told", [("\ud800 is missing", "? is missing"), ("ä" * 2000, "ä" * 500)])
def test_any_text_of_a_failed_reading_is_told(steering, publish, text, told):
    """It comes from the program, and must never end the training."""
    def read():
        raise ValueError(text)

    steering.setting("rate", write=lambda value: None, read=read)
    sent = publish("rate", 1)
    steering.after_step(1)
    steering.after_step(2)
    done = publish.receipt(sent)
    assert done.state == "FAILED" and done.error.startswith("reading it back: " + told)


def test_an_answer_too_large_for_a_reply_is_told_of(steering, publish):
    steering.begin_command("save", lambda step: None)
    sent = publish("save")
    steering.after_step(1)
    steering.finish("save", {"log": "x" * 20000})
    done = publish.receipt(sent)
    assert done.state == "APPLIED" and "cannot be sent" in done.reply


def test_handlers_may_answer_later_themselves(steering, publish):
    kept = []
    steering.on("hello", lambda message: kept.append(message) or sb.LATER)
    sent = publish("hello")
    steering.after_step(1)
    kept[0].ack("APPLIED", reply="there", step=7)
    done = publish.receipt(sent)
    assert (done.reply, done.step) == ("there", 7)


def test_a_run_that_is_over_is_no_error(client):
    with sb.Run(project="tests/adapters", client=client) as run:
        pass
    with pytest.warns(RuntimeWarning, match="cannot be steered: run .* is over"):
        steering = Steering(run)
    steering.command("save", print)
    assert steering.after_step(1) is False


@pytest.mark.parametrize("present, good, bad, expected", [
    (True, False, 1, "true or false"), (3, 4, 4.5, "a whole number"), (3, 4, True, "a whole number"),
    (3, 5, "5", "a whole number"), (0.5, 1, "1", "a number"), (0.5, 0.1, None, "a number"), ("a", "b", 1, "a string")])
def test_attributes_keep_their_type(present, good, bad, expected):
    assert type(like("key", good, present)) is type(present)
    with pytest.raises(ValueError, match=f"^key: {expected} is expected, not "):
        like("key", bad, present)


def test_replies_are_plain_values():
    class Tensor:
        def item(self):
            return 0.5

    assert plain({"a": [Tensor(), (1, 2)], 3: pathlib.Path("/x"), "n": float("nan"), "i": 2**70}) == {
        "a": [0.5, [1, 2]], "3": "/x", "n": "nan", "i": str(2**70)}
    assert plain(datetime.date(2020, 1, 2)) == "2020-01-02" and plain(None) is None and plain(True) is True


def test_settings_are_functions_or_attributes():
    with pytest.raises(ValueError, match="settings: rate: a function, or"):
        Added({"rate": 0.1})


def test_the_package_imports_no_framework():
    code = ("import sys, signalbox, signalbox.adapters, signalbox.adapters._control, signalbox.adapters._rates\n"
            "print([name for name in ('torch', 'lightning', 'transformers', 'keras', 'numpy') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
