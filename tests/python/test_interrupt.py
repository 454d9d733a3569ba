"""Ctrl-C ends every wait on the main thread."""

import time

import pytest

# Sends the signal when the main thread has been inside of the wait for a moment.
PRELUDE = """
import os, signal, sys, threading
import signalbox as sb
client = sb.Client(call_timeout=3600)

def interrupted(wait):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        wait()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    timer.join()
"""


@pytest.mark.parametrize("wait", [
    "lambda: client.await_message('m1', 3600)", "lambda: client.publish('r1', 'save')",
    "lambda: client.open_inbox('r1').wait_synced(3600)", "lambda: client.open_inbox('r1').wait_newer(0, 3600)",
    "lambda: sb.Run('tests/interrupt', client=client)"])
def test_a_wait_for_a_server_that_does_not_answer(script, black_hole, wait):
    began = time.monotonic()
    done = script(PRELUDE + f"interrupted({wait})", env={"SIGNALBOX_ADDRESS": black_hole.address})
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
    assert time.monotonic() - began < 30


def test_a_long_wait_for_a_message(script, server, client, run):
    message = client.publish(run, "save").message
    done = script(PRELUDE + f"interrupted(lambda: client.await_message({message.id!r}))\n"
                  f"print(client.cancel({message.id!r}).state)", env={"SIGNALBOX_ADDRESS": server.address})
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\nCANCELLED\n", "")


def test_a_handler(script, server, client, run):
    first = client.publish(run, "train").message
    second = client.publish(run, "train").message
    done = script(PRELUDE + f"""
inbox = client.open_inbox({run.id!r})

@inbox.on("train")
def train(message):
    threading.Event().wait(3600)

assert inbox.wait_newer(1, 30)
interrupted(lambda: inbox.dispatch(5))
print([message.sequence for message in inbox.get_all()])
""", env={"SIGNALBOX_ADDRESS": server.address})
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n[2]\n", "")
    ended = client.await_message(first.id, 30)
    assert (ended.state, ended.error) == ("FAILED", "KeyboardInterrupt")
    assert client.get(run, "train") == second


def test_a_signal_does_not_wake_the_library(script, server, client, run):
    """A program's own signal handler runs on its main thread while inboxes are open."""
    done = script("""
import os, signal, threading
import signalbox as sb
inbox = sb.Client().open_inbox()
assert inbox.wait_synced(30)
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append(threading.current_thread() is threading.main_thread()))
for _ in range(50):
    os.kill(os.getpid(), signal.SIGUSR1)
    inbox.get("save")
assert heard and all(heard), heard
assert inbox.wait_synced(30)
""", env={"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id})
    assert done.returncode == 0, done.stderr
