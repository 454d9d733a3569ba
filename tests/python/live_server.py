"""A real `signalboxd` with its embedded Postgres, and addresses where none answers.

Nothing here uses grpcio: the tests' own process must only hold the gRPC of the package.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))

from rig.parting import ended_with_parent  # noqa: E402
from rig.postgres import free_port  # noqa: E402
from rig.waiting import eventually  # noqa: E402


def environment(**extra):
    """The environment without anything that configures Signalbox, and with `extra`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX")}
    return {**clean, **extra}


class LiveServer:
    """Owns its directory, its server and its database; start() after stop() means: the same one."""

    def __init__(self, directory, *arguments):
        self._binary = os.environ.get("SIGNALBOXD")
        assert self._binary and os.access(self._binary, os.X_OK), "SIGNALBOXD must name the server's binary"
        self._directory = pathlib.Path(directory)
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._arguments = arguments
        self._process = None

    def start(self):
        command = [self._binary, "--listen", self.address, "--data-dir", str(self._directory / "data"),
                   *self._arguments]
        with open(self._directory / "log", "ab") as log:
            self._process = subprocess.Popen(ended_with_parent("TERM", command), stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, env=environment())
        eventually(self._accepts, 60, what="the server's port")
        return self

    def _accepts(self):
        assert self._process.poll() is None, (self._directory / "log").read_text()[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


class BlackHole:
    """Takes connections and never says a word."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(100)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self):
        self._socket.close()


def refusing_address():
    return f"127.0.0.1:{free_port()}"
