"""Fixtures: a run whose training is steered from inside of its own loop, so that no test waits for a moment."""

import csv
import pathlib

import pytest

import signalbox as sb

DIGITS = pathlib.Path(__file__).resolve().parents[3] / "client/examples/digits/data/digits.csv"


class Publisher:
    """Publishes while the training runs, and knows what became of it."""

    def __init__(self, client, run):
        self._client = client
        self._run = run

    def __call__(self, key, value=None):
        """Publishes, and returns when the run's inbox has it: the next step will see it."""
        sent = self._client.publish(self._run, key, value).message
        assert self._run.inbox.wait_newer(sent.sequence - 1, 30)
        return sent

    def receipt(self, message):
        """The message when it is finished."""
        done = self._client.await_message(message.id, 30)
        assert done.state in ("APPLIED", "FAILED", "UNDELIVERED"), done.state
        return done

    def now(self, message):
        """The message as it is now at the server, once it is not pending.

        Claims travel in the background: a newer setting would still take the place of one that is pending.
        """
        return self._client.await_message(message.id, 30, until="ACKED")

    def ended(self):
        """The run as the server sees it."""
        info = self._client.get_run(self._run.id)
        return info.state, info.outcome


@pytest.fixture
def steered(client):
    """A run that ends with the test, if the test did not end it."""
    with sb.Run(project="tests/adapters", client=client) as run:
        assert run.inbox.wait_synced(30)
        yield run


@pytest.fixture
def publish(client, steered):
    return Publisher(client, steered)


@pytest.fixture(scope="session")
def digits():
    """The 1,797 digits: rows of 64 numbers from 0 to 1, and what they mean."""
    with open(DIGITS, newline="") as file:
        rows = [[int(cell) for cell in row] for row in csv.reader(file)]
    return [[cell / 16 for cell in row[:64]] for row in rows], [row[64] for row in rows]
