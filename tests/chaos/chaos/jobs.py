"""Training jobs under observation (`job.cc`), and the one who publishes to them."""

import json
import os
import subprocess
import threading
import time

import grpc

from rig.client import Client
from rig.parting import ended_with_parent
from rig.server import environment
from rig.waiting import eventually

# gRPC itself answers CANCELLED to what comes while a server ends.
_MAY_COME_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class Job:
    """A job that listens to `run`; a context manager that ends it.

    `prefix` is a command that executes another one, and `env` more environment. Times are those of time.monotonic().
    """

    def __init__(self, address, run, pause_ms=0, prefix=(), env=None):
        command = [*prefix, os.environ["SIGNALBOX_CHAOS_JOB"], run.id, str(pause_ms)]
        self._process = subprocess.Popen(
            ended_with_parent("KILL", command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=environment(SIGNALBOX_ADDRESS=address, **(env or {})))
        self.states = []  # (time, state)
        self.seen = {}  # Sequence of a message, and when the main thread first saw it or a later one.
        self.handled = []  # Sequences in the order in which they were.
        self.phases = []
        self._calls = (None, 0)  # Name of the phase, and how many calls it has measured.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._process.pid

    def _read(self):
        for line in self._process.stdout:
            event = json.loads(line)
            match event.pop("event"):
                case "state":
                    self.states.append((event["time"], event["state"]))
                case "seen":
                    self.seen[event["sequence"]] = event["time"]
                case "handled":
                    self.handled.append(event["sequence"])
                case "calls":
                    self._calls = (event["phase"], event["count"])
                case "phase":
                    self.phases.append(event)

    def state(self):
        assert self._process.poll() is None, f"the job ended with {self._process.returncode}"
        return self.states[-1][1] if self.states else None

    def wait_state(self, states, timeout):
        """Waits until the state is among `states`; returns when it became so."""
        return eventually(lambda: self.state() in states and self.states[-1][0], timeout, what=f"a state of {states}")

    def streams(self, timeout=30):
        return self.wait_state(("STREAMING",), timeout)

    def seen_at(self, sequence):
        """When the job first saw this message, or a later one; None when it did not."""
        return min((when for newest, when in list(self.seen.items()) if newest >= sequence), default=None)

    def wait_seen(self, sequence, timeout):
        return eventually(lambda: self.seen_at(sequence), timeout, what=f"the job seeing message {sequence}")

    def wait_handled(self, count, timeout=60):
        """Everything up to now is handled once and in order, when there are `count` messages."""
        eventually(lambda: len(self.handled) >= count, timeout, what=f"{count} handled messages")
        assert self.handled == list(range(1, count + 1)), f"not once and in order: {self.handled}"

    def phase(self, name):
        """What is measured from now on goes under this name."""
        self._process.stdin.write(name + "\n")

    def calls_in(self, phase):
        """So many calls were measured since the phase of that name began, when it is the newest."""
        name, count = self._calls
        return count if name == phase else 0

    def stop(self):
        """Ends the job as it ends by itself; returns what it measured, phase by phase."""
        self._process.stdin.close()
        status = self._process.wait(30)
        self._reader.join(10)
        assert status == 0, f"the job ended with {status}"
        return self.phases

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


class Publisher:
    """Publishes to one run until each message is stored, whatever happens; a context manager."""

    def __init__(self, address):
        self._client = Client(address)
        self._client.wait_connected()
        self.run = self._client.create_run()
        self.stored = 0  # So many messages, numbered from 1.
        self._stop = threading.Event()
        self._thread = None

    def publish(self, value=1, timeout=120):
        """Returns the sequence of the message."""
        until = time.monotonic() + timeout
        while True:
            try:
                message = self._client.publish(self.run, value=value, request_id=f"r{self.stored + 1}", timeout=3)
                self.stored += 1
                assert message.sequence == self.stored
                return message.sequence
            except grpc.RpcError as error:
                if error.code() not in _MAY_COME_AGAIN or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def keep_on(self, interval):
        """Publishes all the time from now on."""
        def go_on():
            while not self._stop.wait(interval):
                self.publish()
        self._thread = threading.Thread(target=go_on, daemon=True)
        self._thread.start()

    def leave_off(self):
        """Returns how many messages there are."""
        self._stop.set()
        self._thread.join(130)
        assert not self._thread.is_alive(), "a message could not be published"
        return self.stored

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread is not None:
            self._thread.join(130)
        self._client.close()
