"""Fixtures: one server a test file, and runs, clients and inboxes on it."""

import subprocess
import sys

import pytest

import signalbox as sb
from live_server import BlackHole, LiveServer, environment


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=100, help="how often test_data_loader.py forks its workers")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = LiveServer(tmp_path_factory.mktemp("server", numbered=True))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client(server):
    return sb.Client(server.address, call_timeout=30)


@pytest.fixture
def run(client):
    return client.create_run("tests/python")


@pytest.fixture
def inbox(client, run):
    """An inbox that has heard from the server."""
    with client.open_inbox(run) as inbox:
        assert inbox.wait_synced(30)
        yield inbox


@pytest.fixture
def receive(client, run, inbox):
    """Publishes to the run and returns the message as its inbox got it."""

    def receive(key, value=None, **options):
        sent = client.publish(run, key, value, **options).message
        assert inbox.wait_newer(sent.sequence - 1, 30)
        return next(message for message in inbox.get_all() if message == sent)

    return receive


@pytest.fixture
def default_client(server, monkeypatch):
    """Lets functions without a client talk to the server, from the environment as a job would."""
    monkeypatch.setenv("SIGNALBOX_ADDRESS", server.address)
    sb.configure(call_timeout=30)
    yield
    monkeypatch.undo()
    sb.configure()


@pytest.fixture
def black_hole():
    hole = BlackHole()
    yield hole
    hole.close()


@pytest.fixture
def script(tmp_path):
    """Runs Python code as a program of its own; returns the finished process."""

    def run(code, *arguments, timeout=120, env=None):
        path = tmp_path / "program.py"
        path.write_text(code)
        return subprocess.run([sys.executable, str(path), *arguments], capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL, env=environment(**(env or {})))

    return run
