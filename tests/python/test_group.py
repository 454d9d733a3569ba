"""The same step on every process: real processes, real gloo, a real server."""

import json
import pathlib
import random
import subprocess
import sys

import pytest

from live_server import environment

WORKER = str(pathlib.Path(__file__).with_name("group_worker.py"))


class Job:
    """The processes of one job, and what each reported in the end."""

    def __init__(self, folder, size, server, run=None, ranks=None, **env):
        self._folder = folder
        self._ranks = range(size) if ranks is None else ranks
        address = {"SIGNALBOX_ADDRESS": server} if isinstance(server, str) else {"SIGNALBOX_ADDRESS": server.address}
        env = environment(**address, OMP_NUM_THREADS="1", **env)
        run = [run.id] if run is not None else []
        self._processes = [subprocess.Popen([sys.executable, WORKER, str(folder), str(rank), str(size), *run], env=env)
                           for rank in self._ranks]

    def reports(self, timeout=180):
        for process in self._processes:
            assert process.wait(timeout) == 0
        return [json.loads((self._folder / f"{rank}.json").read_text()) for rank in self._ranks]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("every", [1, 7])
def test_eight_processes_apply_1000_messages_in_the_same_order(server, client, run, tmp_path, every):
    chance = random.Random(every)
    with Job(tmp_path, 8, server, run, EVERY=str(every), SLOW="0") as job:
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


def test_a_dissenter_is_named(server, client, run, tmp_path):
    with Job(tmp_path, 3, server, run, DISSENTER="2") as job:
        message = client.publish(run, "learning-rate", 0.1).message
        settled = client.await_message(message.id, timeout=60)
        client.publish(run, "stop")
        reports = job.reports()
    assert settled.state == "FAILED"
    assert settled.error == "process 2: ValueError: no such layer"
    assert all(len(report["applied"]) == 1 for report in reports)


def test_an_outcome_that_follows_later(server, client, run, tmp_path):
    with Job(tmp_path, 3, server, run) as job:
        message = client.publish(run, "save").message
        settled = client.await_message(message.id, timeout=60)
        client.publish(run, "stop")
        job.reports()
    assert settled.state == "APPLIED"
    assert settled.reply == f"saved at {settled.step}"


def test_a_process_that_joins_late_gets_an_error_and_nobody_hangs(server, run, tmp_path):
    with Job(tmp_path, 3, server, run, FIRST_STEP_2="5", LAST_STEP="10", TIMEOUT="20") as job:
        reports = job.reports()
    assert reports[2]["error"][0] == "FAILED_PRECONDITION"
    assert "process 2 is at step 5 and process 0 is at step 1" in reports[2]["error"][1]


def test_a_process_that_never_dispatches_is_an_error_after_the_timeout(server, run, tmp_path):
    with Job(tmp_path, 2, server, run, ABSENT="0", LAST_STEP="10", TIMEOUT="2") as job:
        reports = job.reports()
    assert reports[1]["error"] == ["DEADLINE_EXCEEDED", "a process did not take part within 2.0 s"]


def test_without_a_server_training_goes_on(tmp_path, run):
    with Job(tmp_path, 3, "localhost:1", run, LAST_STEP="200") as job:
        reports = job.reports()
    assert [report["step"] for report in reports] == [201, 201, 201]
    assert all("error" not in report for report in reports)
