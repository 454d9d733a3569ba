"""One who publishes by the command, which uses the library, and the training job that listens to that."""

import os
import subprocess
import threading
import time

from chaos.jobs import Job
from chaos.percentiles import percentiles
from rig.client import Client
from rig.server import environment
from rig.waiting import eventually

_PAUSE_MS = 5  # Of the job after each step.


class LibraryUser:
    """Publishes one message after another until `finish()`; a context manager. No command may fail."""

    def __init__(self, address):
        client = Client(address)
        self._run = eventually(lambda: client.create_run(), what="a run")
        client.close()
        self._address = address
        self._published = []  # When each was about to be.
        self._failure = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        command = [os.environ["SIGNALBOX"], "publish", "--run", self._run.id, "--key", "k", "--value", "1"]
        while not self._stop.wait(0.05):
            self._published.append(time.monotonic())
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                                  env=environment(SIGNALBOX_ADDRESS=self._address))
            if done.returncode != 0:
                self._failure = f"publish ended with {done.returncode}: {done.stderr}"
                return

    def has_streamed_for(self, seconds):
        """Waits until the job has had its stream for so long."""
        eventually(lambda: self._job.state() == "STREAMING" and
                   time.monotonic() - self._job.states[-1][0] > seconds, 60 + seconds, what="a stream that stays")

    def finish(self):
        """Returns percentiles of the milliseconds until a message was seen, when all are."""
        self._stop.set()
        self._thread.join(60)
        assert self._failure is None, self._failure
        self._job.wait_handled(len(self._published))
        self._job.stop()
        return percentiles([1e3 * (self._job.seen_at(sequence) - began)
                            for sequence, began in enumerate(self._published, 1)])

    def __enter__(self):
        self._job = Job(self._address, self._run, _PAUSE_MS).__enter__()
        self._job.streams()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)
        self._job.__exit__()
