"""Forked children are inert; spawned ones are processes like any other."""

import pytest

CHILD = """
import os, sys, warnings
import signalbox as sb
warnings.simplefilter("error")

def in_child(function):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            function()
            print("child done", flush=True)
            os._exit(0)
        except BaseException as error:
            print("child failed:", repr(error), flush=True)
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
"""


def run_ok(script, code, env):
    done = script(CHILD + code, env=env)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "failed" not in done.stdout, done.stdout
    return done


@pytest.fixture
def env(server, run):
    return {"SIGNALBOX_ADDRESS": server.address, "SIGNALBOX_RUN": run.id}


def test_everything_of_the_parent_is_inert(script, env, client, run):
    client.publish(run, "save", "value")
    done = run_ok(script, """
client = sb.Client()
inbox = client.open_inbox()
inbox.on("save", print)
assert inbox.wait_newer(0, 30) and sb.get_message("save") is None
message = inbox.get("save")

def child():
    assert inbox.get("save") is None and inbox.get_all() == [] and inbox.dispatch(1) == 0
    assert inbox.state == "CLOSED" and not inbox.wait_synced(0.1) and not inbox.wait_newer(0, 0.1)
    inbox.close()
    for call in (client.list_runs, message.ack, inbox.reopen, sb.Client):
        try:
            call()
        except sb.FailedPreconditionError:
            continue
        raise AssertionError(call)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            assert sb.get_message("save") is None and sb.get_all_messages() == [] and sb.dispatch() == 0
            assert sb.get_message("save", "another") is None
            sb.on("save", print)
    assert [w.category for w in caught] == [RuntimeWarning], caught
    assert caught[0].filename == __file__, caught[0].filename

in_child(child)
assert inbox.get("save") == message
message.ack("APPLIED")
inbox.close()
""", env)
    assert done.stderr == ""
    assert client.list_messages(run)[0].state == "APPLIED"


def test_a_child_forked_before_the_first_call_works(script, env, client, run):
    client.publish(run, "save")
    run_ok(script, """
def child():
    sb.get_message("save")
    inbox = sb.functional._inboxes[None]
    assert inbox.wait_newer(0, 30)
    sb.get_message("save").ack("APPLIED")
    inbox.close()

in_child(child)
in_child(lambda: sb.publish_message(os.environ["SIGNALBOX_RUN"], "from-child"))
assert sb.publish_message(os.environ["SIGNALBOX_RUN"], "from-parent").sequence == 3
""", env)
    assert client.list_messages(run, keys=["save"])[0].state == "APPLIED"


def test_a_run_is_not_ended_by_a_child(script, env, client):
    done = run_ok(script, """
with sb.Run("tests/fork") as run:
    run.get_message("save")
    print(run.id, flush=True)
    pid = os.fork()
    if pid == 0:
        sys.exit(5)  # Leaves the block, runs exit hooks.
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    assert sb.Client().get_run(run).state == "ACTIVE"
""", env)
    assert client.get_run(done.stdout.split()[0]).outcome == "COMPLETED"


def test_a_fork_while_threads_read(script, env):
    """A lock of the package was held by another thread at the moment of the fork."""
    run_ok(script, """
import threading
done = threading.Event()

def read():
    while not done.is_set():
        sb.functional._inboxes.clear()
        sb.get_message("save")

thread = threading.Thread(target=read)
thread.start()

def child():
    warnings.simplefilter("ignore")
    for _ in range(100):
        assert sb.get_message("save") is None

try:
    for _ in range(30):
        in_child(child)
finally:
    done.set()
    thread.join()
""", env)


@pytest.mark.parametrize("method, number", [("fork", 0), ("spawn", 1), ("forkserver", 1)])
def test_multiprocessing(script, env, client, run, method, number):
    sent = client.publish(run, "save").message
    done = script(f"""
import multiprocessing, warnings
import signalbox as sb

def work(queue):
    warnings.simplefilter("ignore")
    sb.get_message("save")
    inbox = sb.functional._inboxes[None]
    if isinstance(inbox, sb.Inbox):
        inbox.wait_newer(0, 30)
    message = sb.get_message("save")
    queue.put(None if message is None else message.sequence)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    sb.get_message("save")
    assert sb.functional._inboxes[None].wait_newer(0, 30)
    queue = context.SimpleQueue()
    processes = [context.Process(target=work, args=(queue,)) for _ in range(2)]
    for process in processes:
        process.start()
    print([queue.get() for _ in processes])
    for process in processes:
        process.join()
        assert process.exitcode == 0, process.exitcode
""", env=env)
    expected = sent.sequence if number else None
    assert (done.returncode, done.stdout) == (0, f"{[expected, expected]}\n"), done.stderr
