"""A DataLoader forks workers while messages arrive: a real training, and a real server.

By hand, in this folder: `--rounds 500` makes 4,000 forks instead of 800, in one to ten minutes, and `-s`
prints how long they took; the environment is that of `ctest -R python.data_loader -V`.
"""

import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import pytest

from live_server import ended_with_parent, environment

JOB = str(pathlib.Path(__file__).with_name("data_loader_job.py"))
#: How far the publisher may be ahead of the training, in messages.
AHEAD = 100
#: Seconds between two messages; a round's forks take some ten times as long.
PAUSE = 0.01


@pytest.fixture
def rounds(request):
    return request.config.getoption("rounds")


@pytest.fixture
def job(server, run, rounds, tmp_path):
    """The training, in a session of its own, of which nothing is left after the test."""
    command = ended_with_parent("KILL", [sys.executable, JOB, str(rounds), str(tmp_path / "report.json")])
    env = environment(SIGNALBOX_ADDRESS=server.address, SIGNALBOX_RUN=run.id, OMP_NUM_THREADS="1")
    job = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True)
    yield job
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def publish_while_it_trains(client, run, job, kept):
    """Publishes numbers until the training acks `kept`; returns what it published."""
    sent = []
    while client.await_message(kept.id, 0).state == "PENDING":
        assert job.poll() is None, f"the training ended with {job.returncode}"
        sent.append(client.publish(run, "number", len(sent)).message)
        if len(sent) % AHEAD == 0:
            client.await_message(sent[-AHEAD].id, 10)
        time.sleep(PAUSE)
    return sent


def print_figures(rounds, sent):
    print(f"\n{len(rounds)} rounds, {len(sent)} messages")
    for name in ("seconds", "seconds_forking", "came_while_forking"):
        values = [entry[name] for entry in rounds]
        print(f"{name:20} sum {sum(values):8.2f}  least {min(values):6.3f}  median {statistics.median(values):6.3f}"
              f"  most {max(values):6.3f}")


def test_workers_are_inert_and_the_parent_loses_nothing(client, run, job, rounds, tmp_path):
    kept = client.publish(run, "kept").message
    sent = publish_while_it_trains(client, run, job, kept)
    client.publish(run, "stop")
    assert job.wait(60) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    print_figures(report["rounds"], sent)

    assert len(report["rounds"]) == rounds
    for entry in report["rounds"]:
        assert entry["exit_codes"] == [0] * 8
        assert entry["samples"] == [[number, number] for number in range(8)]
        assert entry["state"] == "STREAMING"
    assert any(entry["came_while_forking"] for entry in report["rounds"])
    assert report["received"] == [[message.sequence, number] for number, message in enumerate(sent)]
    history = client.list_messages(run, limit=0)
    assert len(history) == len(sent) + 2
    assert {message.state for message in history} == {"APPLIED"}
    assert client.get_run(run).outcome == "COMPLETED"
