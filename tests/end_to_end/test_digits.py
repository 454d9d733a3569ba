"""The example job, steered end to end through the real client, server and command."""

import os
import time

import pytest
from signalbox.v1 import message_pb2, run_pb2

from rig.cli import Cli
from rig.digits import Digits
from rig.postgres import free_port
from rig.server import new_database
from rig.values import from_value
from rig.waiting import eventually

APPLIED, FAILED = message_pb2.MESSAGE_STATE_APPLIED, message_pb2.MESSAGE_STATE_FAILED


@pytest.fixture(scope="module")
def cli(server):
    return Cli(server.address)


@pytest.fixture
def start_job(tmp_path):
    """Starts jobs that train until they are stopped; start_job(address, run, *flags)."""
    jobs = []

    def start(address, run, *flags):
        jobs.append(Digits(tmp_path / "checkpoints", "--epochs", 0, "--step-delay", "2ms", "--address", address,
                           "--run", run.id, *flags))
        return jobs[-1]

    yield start
    for job in jobs:
        job.__exit__()


def listening(client, run):
    """Waits until the job has declared what it listens to."""
    return eventually(lambda: {k.key: k for k in client.get_run(run).keys} or None, 15, what="declared keys")


def test_it_declares_what_it_listens_to(server, client, new_run, start_job):
    run = new_run()
    start_job(server.address, run)
    keys = listening(client, run)
    assert set(keys) == {"learning-rate", "save", "evaluate", "stop"}
    assert keys["learning-rate"].kind == message_pb2.KIND_SETTING
    assert all(declaration.description for declaration in keys.values())


def test_a_new_learning_rate_is_applied_while_it_trains(server, client, cli, new_run, start_job):
    run = new_run()
    job = start_job(server.address, run)
    eventually(job.epochs, 30, what="a first epoch")
    receipt = cli.json("publish", "--run", run.id, "--key", "learning-rate", "--value", "0.001", "--wait")["message"]
    assert (receipt["state"], receipt["kind"]) == ("APPLIED", "SETTING")
    assert receipt["step"] > 0
    assert 0.001 in receipt["reply"].values()
    eventually(lambda: [line for line in job.lines if "learning-rate" in line and "0.001" in line], 5)
    before = len(job.epochs())
    eventually(lambda: len(job.epochs()) > before, 30, what="training going on")
    later = cli.json("publish", "--run", run.id, "--key", "learning-rate", "--value", "0.002", "--wait")["message"]
    assert later["step"] > receipt["step"]


def test_save_evaluate_and_stop(server, client, cli, new_run, start_job):
    run = new_run()
    job = start_job(server.address, run)
    listening(client, run)
    saved = cli.json("publish", "--run", run.id, "--key", "save", "--value", "null", "--wait")["message"]
    (path,) = [text for text in saved["reply"].values() if isinstance(text, str)]
    assert os.path.isabs(path) and os.path.getsize(path) > 1000
    evaluated = cli.json("publish", "--run", run.id, "--key", "evaluate", "--value", "null", "--wait")["message"]
    assert 0 <= evaluated["reply"]["accuracy"] <= 1
    stopped = cli.json("publish", "--run", run.id, "--key", "stop", "--value", "null", "--wait")["message"]
    assert stopped["state"] == "APPLIED"
    assert job.finish(20) == 0
    assert any(os.path.exists(text) for text in stopped["reply"].values() if isinstance(text, str))
    ended = client.get_run(run)
    assert ended.state == run_pb2.RUN_STATE_ENDED
    assert ended.outcome == run_pb2.RUN_OUTCOME_STOPPED


@pytest.mark.parametrize("value", ['"fast"', "-1", "0", "null", "[0.1]"])
def test_a_bad_learning_rate_fails_and_training_goes_on(server, client, cli, new_run, start_job, value):
    run = new_run()
    job = start_job(server.address, run)
    done = cli.run("publish", "--run", run.id, "--key", "learning-rate", "--value=" + value, "--wait", "--json")
    assert done.returncode == 9, done.stderr
    (message,) = client.history(run)
    assert message.state == FAILED and "learning-rate" in message.error
    before = len(job.epochs())
    eventually(lambda: len(job.epochs()) > before, 30)


def test_many_messages_are_each_applied_once_in_order(server, client, new_run, start_job):
    run = new_run()
    start_job(server.address, run)
    listening(client, run)
    for i in range(20):
        client.publish(run, "evaluate", i)

    def all_applied():
        messages = client.history(run)
        return messages if all(m.state == APPLIED for m in messages) else None

    messages = eventually(all_applied, 20)
    steps = [m.step for m in reversed(messages)]
    assert len(steps) == 20 and steps == sorted(steps)


def test_the_job_creates_and_ends_its_own_run(server, client, tmp_path):
    with Digits(tmp_path, "--epochs", 2, "--step-delay", "0s", "--address", server.address, "--create-run",
                "demo/own") as job:
        assert job.finish() == 0, job.output()
    run = client.get_run(("demo/own", 1))
    assert (run.state, run.outcome) == (run_pb2.RUN_STATE_ENDED, run_pb2.RUN_OUTCOME_COMPLETED)


def test_without_a_server_it_trains_just_the_same(tmp_path):
    flags = ["--epochs", 4, "--step-delay", "1ms", "--seed", 5]
    with Digits(tmp_path / "alone", *flags) as alone:
        assert alone.finish() == 0, alone.output()
        took_alone = time.monotonic() - alone.began
    with Digits(tmp_path / "lost", *flags, "--address", f"127.0.0.1:{free_port()}", "--run", "x1") as lost:
        assert lost.finish() == 0, lost.output()
        took = time.monotonic() - lost.began
    assert len(alone.epochs()) == 4
    assert lost.epochs() == alone.epochs(), "the same losses and accuracies"
    assert took < took_alone * 1.5 + 3


def test_it_learns(tmp_path):
    with Digits(tmp_path, "--epochs", 12, "--step-delay", "0s") as job:
        assert job.finish() == 0, job.output()
    accuracies = job.test_accuracies()
    assert len(accuracies) == 12
    assert 0.9 < accuracies[-1] <= 1, job.output()
    assert all("loss" in line for line in job.epochs())


def test_a_message_arrives_after_the_server_was_killed_and_started_again(start_server, cluster, start_job):
    server = start_server("--database-url", cluster.url(new_database(cluster)))
    client = server.connect()
    run = client.create_run()
    job = start_job(server.address, run)
    listening(client, run)
    server.kill()
    before = len(job.epochs())
    eventually(lambda: len(job.epochs()) > before + 1, 30, what="training without the server")
    server.start()
    client = server.connect()
    message = client.publish(run, "evaluate")
    done = eventually(lambda: (lambda m: m if m.state == APPLIED else None)(client.message(message)), 20)
    assert from_value(done.reply)["accuracy"] >= 0
    assert job.is_running()


def test_a_message_published_before_the_job_starts_is_applied(server, client, new_run, start_job):
    run = new_run()
    early = client.publish(run, "learning-rate", 0.05)
    start_job(server.address, run)
    eventually(lambda: client.message(early).state == APPLIED, 20)


def test_a_run_that_somebody_ends_does_not_end_the_job(server, client, new_run, start_job):
    run = new_run()
    job = start_job(server.address, run)
    listening(client, run)
    client.end_run(run)
    before = len(job.epochs())
    eventually(lambda: len(job.epochs()) > before + 1, 30)
    assert job.is_running()
