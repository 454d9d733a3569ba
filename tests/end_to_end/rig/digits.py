"""The example training job as a process."""

import os
import subprocess
import threading
import time

from rig.parting import ended_with_parent
from rig.server import environment


class Digits:
    """One training; its standard output is read in the background, line by line."""

    def __init__(self, directory, *flags, env=None):
        binary = os.environ.get("DIGITS")
        assert binary and os.access(binary, os.X_OK), "DIGITS must name the example job's binary"
        self.began = time.monotonic()
        command = [binary, "--checkpoint-dir", str(directory), *map(str, flags)]
        self.process = subprocess.Popen(
            ended_with_parent("KILL", command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, env=environment(**(env or {})))
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)

    def output(self):
        return "\n".join(self.lines)

    def is_running(self):
        return self.process.poll() is None

    def finish(self, timeout=60):
        """Waits for its end; returns its exit status."""
        status = self.process.wait(timeout)
        self._reader.join(10)
        return status

    def epochs(self):
        """What it says about each epoch."""
        return [line for line in list(self.lines) if line.startswith("epoch ")]

    def test_accuracies(self):
        """The accuracy on the test set after each epoch."""
        words = [line.split() for line in self.epochs()]
        return [float(line[line.index("test") + 1]) for line in words]
