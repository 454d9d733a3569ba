"""However a program ends, the package neither keeps it nor crashes it nor changes its exit status.

Each program runs against a server, against a port that refuses, and against one that never answers.
"""

import time

import pytest

from live_server import refusing_address

PRELUDE = """
import os, sys, threading, time
import signalbox as sb
inbox = sb.Client().open_inbox("RUN")
inbox.on("save", lambda message: None)
sb.get_message("rate", run_id="RUN")
for _ in range(20):
    sb.get_message("rate", run_id="RUN")

def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)

def asleep(thread):
    with open(f"/proc/self/task/{thread.native_id}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "S"

def start(*functions):
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    return threads
"""

# What the program does then, and the status it ends with.
ENDINGS = {
    "falls_off_the_end": ("", 0),
    "sys_exit": ("sys.exit(7)", 7),
    "os_exit": ("os._exit(8)", 8),
    "exception": ("raise ValueError('over')", 1),
    "exit_in_a_thread": ("t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()", 0),
    "many_inboxes": ("boxes = [sb.Client().open_inbox('RUN') for _ in range(20)]", 0),
    "handler_registered_on_a_global": ("g = inbox; g.on('x', lambda m: g)", 0),
    "abort_of_a_cycle": ("class A: pass\na = A(); a.me = a; a.inbox = inbox; del a, inbox", 0),
    "daemon_thread_that_reads": ("""
rounds = []
def read():
    while True:
        inbox.get("rate")
        inbox.dispatch(1)
        rounds.append(1)
start(read)
wait_until(lambda: len(rounds) > 100)""", 0),
    "daemon_thread_that_waits": ("""
threads = start(lambda: inbox.wait_newer(10**6, 3600), lambda: inbox.wait_synced(3600))
wait_until(lambda: all(map(asleep, threads)))""", 0),
    "daemon_thread_that_calls": ("""
client = sb.Client(call_timeout=3600)
def call():
    while True:
        try:
            client.await_message("m1", 3600)
        except sb.SignalboxError:
            pass
threads = start(call, call, call)
wait_until(lambda: all(map(asleep, threads)))""", 0),
    "daemon_threads_that_come_back_all_the_time": ("""
client = sb.Client(call_timeout=0.002)
rounds = []
def call():
    while True:
        try:
            client.get_run("RUN")
        except sb.SignalboxError:
            pass
        rounds.append(1)
start(*[call] * 8)
wait_until(lambda: len(rounds) > 200)""", 0),
    "inbox_closed_in_an_exit_hook": ("import atexit; atexit.register(inbox.close)", 0),
    "reads_in_an_exit_hook": ("import atexit; atexit.register(lambda: sb.get_message('rate', 'RUN'))", 0),
    "calls_while_modules_are_torn_down": ("""
class Late:
    def __init__(self):
        self.client = sb.Client(call_timeout=0.5)
    def __del__(self):
        try:
            self.client.get_run("RUN")
        except Exception:
            print("called")
sys.modules["late"] = Late()""", 0),
    "killed_while_it_waits": ("""
import signal
def kill():
    wait_until(lambda: asleep(threading.main_thread()))
    os.kill(os.getpid(), signal.SIGTERM)
start(kill)
inbox.wait_newer(10**6, 3600)""", -15),
}


@pytest.fixture(params=["up", "refused", "black_hole"])
def address(request):
    if request.param == "up":
        return request.getfixturevalue("server").address
    if request.param == "refused":
        return refusing_address()
    return request.getfixturevalue("black_hole").address


@pytest.mark.parametrize("ending", ENDINGS)
def test_ends_as_it_would_without(script, address, ending):
    code, status = ENDINGS[ending]
    began = time.monotonic()
    done = script(PRELUDE + code, env={"SIGNALBOX_ADDRESS": address}, timeout=60)
    assert done.returncode == status, done.stderr
    if ending not in ("exception",):
        assert done.stderr == ""
    assert time.monotonic() - began < 20  # Two seconds are promised; a busy machine starts slowly.


def test_a_handler_that_exits(script, server, client, run):
    message = client.publish(run, "stop").message
    done = script("""
import os, sys
import signalbox as sb
run = sb.attach(os.environ["SIGNALBOX_RUN"])

@run.on("stop")
def stop(message):
    sys.exit(9)

assert run.inbox.wait_newer(0, 30)
run.dispatch(4)
print("not reached")
""", env={"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id})
    assert (done.returncode, done.stdout, done.stderr) == (9, "", "")
    ended = client.await_message(message.id, 30)
    assert ended.state == "FAILED" and ended.error.startswith("SystemExit")


@pytest.mark.parametrize("work", ["while True: pass", "time.sleep(3600)", "while True: inbox.get_all()"])
def test_a_handler_that_still_runs_in_a_daemon_thread(script, server, client, run, work):
    """Python ends such a thread by unwinding it, through the library and without the GIL."""
    client.publish(run, "work")
    done = script(f"""
import threading, time
import signalbox as sb
inbox = sb.Client().open_inbox()
began = threading.Event()

@inbox.on("work")
def handle(message):
    began.set()
    {work}

assert inbox.wait_newer(0, 30)
threading.Thread(target=inbox.dispatch, args=(1,), daemon=True).start()
assert began.wait(30)
""", env={"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id})
    assert (done.returncode, done.stderr) == (0, "")


def test_os_exit_in_a_handler(script, server, client, run):
    client.publish(run, "stop")
    done = script("""
import os
import signalbox as sb
run = sb.attach(os.environ["SIGNALBOX_RUN"])
run.on("stop", lambda message: os._exit(11))
assert run.inbox.wait_newer(0, 30)
run.dispatch(4)
""", env={"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id})
    assert (done.returncode, done.stderr) == (11, "")


def test_acks_under_way_are_sent_at_exit(script, server, client, run):
    message = client.publish(run, "save").message
    done = script("""
import os
import signalbox as sb
inbox = sb.Client().open_inbox()
assert inbox.wait_newer(0, 30)
inbox.get("save").ack("APPLIED", reply="at the last moment")
""", env={"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id})
    assert done.returncode == 0, done.stderr
    assert client.list_messages(run)[0] == message
    assert client.list_messages(run)[0].reply == "at the last moment"
