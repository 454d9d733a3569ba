"""One who publishes by the command, which uses the library, and the training job that listens to that."""

import os
import subprocess
import threading
import time

from chaos.jobs import Job
from chaos.percentiles import percentiles
from rig.client import Client
from rig.server import environment
from rig.waiting import Background, eventually

_PAUSE_MS = 5  # Of the job after each step.


class LibraryUser:
    """Publishes one message after another until `finish()`; a context manager. No command may fail."""

    def __init__(self, address):
        client = Client(address)
        self._run = eventually(lambda: client.create_run(), what="a run")
        client.close()
        self._address = address
        self.counts = False  # Whether what is published now does.
        self._published = []  # When each was about to be, and whether it counts.
        self._stop = threading.Event()

    def _publish(self):
        command = [os.environ["SIGNALBOX"], "publish", "--run", self._run.id, "--key", "k", "--value", "1"]
        while not self._stop.wait(0.05):
            self._published.append((time.monotonic(), self.counts))
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                                  env=environment(SIGNALBOX_ADDRESS=self._address))
            assert done.returncode == 0, f"publish ended with {done.returncode}: {done.stderr}"

    def has_streamed_for(self, seconds):
        """Waits until the job has had its stream for so long."""
        eventually(lambda: self._job.state() == "STREAMING" and
                   time.monotonic() - self._job.states[-1][0] > seconds, 60 + seconds, what="a stream that stays")

    def finish(self):
        """Returns percentiles of the milliseconds until a message that counts was seen, when all are."""
        self._stop.set()
        self._publishing.result(60)
        self._job.wait_handled(len(self._published))
        self._job.stop()
        return percentiles([1e3 * (self._job.seen_at(sequence) - began)
                            for sequence, (began, counts) in enumerate(self._published, 1) if counts])

    def __enter__(self):
        self._job = Job(self._address, self._run, _PAUSE_MS).__enter__()
        self._job.streams()
        self._publishing = Background(self._publish)
        return self

    def __exit__(self, *_):
        self._stop.set()
        eventually(self._publishing.done, 60, what="the end of the last command")
        self._job.__exit__()
