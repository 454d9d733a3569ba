"""The same step on every process: real processes, real gloo and MPI, a real server."""

import json
import pathlib
import random
import subprocess
import sys

import pytest

from live_server import environment
from rig.parting import ended_with_parent

WORKER = [sys.executable, str(pathlib.Path(__file__).with_name("group_worker.py"))]


class Job:
    """The processes of one job, and what each reported in the end."""

    def __init__(self, collective, folder, size, address, run, **env):
        self._folder = folder
        self._size = size
        worker = [*WORKER, str(folder), run.id]
        if collective == "mpi":
            # Open MPI's, which refuses root and more processes than cores unless it is told.
            commands = [["mpiexec", "--allow-run-as-root", "--oversubscribe", "-n", str(size), *worker]]
        else:
            commands = [[*worker, str(rank), str(size)] for rank in range(size)]
        env = environment(SIGNALBOX_ADDRESS=address, OMP_NUM_THREADS="1", **env)
        self._processes = [subprocess.Popen(ended_with_parent("TERM", command), stdin=subprocess.DEVNULL, env=env)
                           for command in commands]

    def reports(self, timeout=180):
        for process in self._processes:
            assert process.wait(timeout) == 0
        return [json.loads((self._folder / f"{rank}.json").read_text()) for rank in range(self._size)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.terminate()  # Killed, mpiexec would leave its processes behind.
            process.wait(30)


@pytest.fixture(params=["gloo", "mpi"])
def collective(request):
    return request.param


@pytest.mark.parametrize("collective, size, every", [("gloo", 8, 1), ("gloo", 8, 7), ("mpi", 4, 7)])
def test_the_processes_apply_1000_messages_in_the_same_order(server, client, run, tmp_path, collective, size, every):
    chance = random.Random(every)
    with Job(collective, tmp_path, size, server.address, run, EVERY=str(every), SLOW="0") as job:
        sent = []
        for number in range(1000):
            # Bursts and pauses; a pause is as long as a message takes to be applied.
            message = client.publish(run, chance.choice(["learning-rate", "weight-decay"]), number).message
            sent.append(message.id)
            if chance.random() < 0.05:
                assert client.await_message(message.id, timeout=60).state == "APPLIED"
        stop = client.publish(run, "stop").message
        assert client.await_message(stop.id, timeout=60).state == "APPLIED"
        reports = job.reports()
    assert [entry[0] for entry in reports[0]["applied"]] == sent
    for report in reports:
        assert "error" not in report
        assert report["applied"] == reports[0]["applied"]
        assert report["step"] == reports[0]["step"]
    history = client.list_messages(run, limit=0)
    assert len(history) == 1001
    assert {message.state for message in history} == {"APPLIED"}


def test_any_value_arrives_whole(server, client, run, tmp_path, collective):
    values = [None, False, 0, "", [], {}, "ä\0", {"layers": [1, {"rate": 0.5}]}, "x" * 60_000]
    with Job(collective, tmp_path, 4, server.address, run) as job:
        for value in values:
            message = client.publish(run, "learning-rate", value).message
            settled = client.await_message(message.id, timeout=60)
            # A reply of more than 16 KiB is refused.
            assert settled.state == ("FAILED" if value == values[-1] else "APPLIED")
        client.publish(run, "stop")
        reports = job.reports()
    for report in reports:
        assert [entry[2] for entry in report["applied"]] == values
        assert report["idle"] == [[16]]


def test_a_dissenter_is_named(server, client, run, tmp_path, collective):
    with Job(collective, tmp_path, 3, server.address, run, DISSENTER="2") as job:
        message = client.publish(run, "learning-rate", 0.1).message
        settled = client.await_message(message.id, timeout=60)
        client.publish(run, "stop")
        reports = job.reports()
    assert settled.state == "FAILED"
    assert settled.error == "process 2: ValueError: no such layer"
    assert all(len(report["applied"]) == 1 for report in reports)


def test_an_outcome_that_follows_later(server, client, run, tmp_path, collective):
    with Job(collective, tmp_path, 3, server.address, run) as job:
        message = client.publish(run, "save").message
        settled = client.await_message(message.id, timeout=60)
        client.publish(run, "stop")
        job.reports()
    assert settled.state == "APPLIED"
    assert settled.reply == f"saved at {settled.step}"


def test_a_process_that_joins_late_gets_an_error_and_nobody_hangs(server, run, tmp_path):
    with Job("gloo", tmp_path, 3, server.address, run, FIRST_STEP_2="5", LAST_STEP="10", TIMEOUT="20") as job:
        reports = job.reports()
    assert reports[2]["error"][0] == "FAILED_PRECONDITION"
    assert "process 2 is at step 5, process 0 at step 1" in reports[2]["error"][1]


def test_a_process_that_never_dispatches_is_an_error_after_the_timeout(server, run, tmp_path):
    with Job("gloo", tmp_path, 2, server.address, run, ABSENT="0", LAST_STEP="10", TIMEOUT="2") as job:
        reports = job.reports()
    assert reports[1]["error"] == ["DEADLINE_EXCEEDED", "a process did not take part within 2.0 s"]


def test_without_a_server_training_goes_on(run, tmp_path, collective):
    with Job(collective, tmp_path, 3, "localhost:1", run, LAST_STEP="200") as job:
        reports = job.reports()
    assert [report["step"] for report in reports] == [201, 201, 201]
    assert all("error" not in report for report in reports)
