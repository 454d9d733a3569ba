"""A `signalboxd` process and what can be done to it."""

import os
import signal
import subprocess

import grpc

from rig.client import Client
from rig.parting import ended_with_parent
from rig.postgres import free_port
from rig.waiting import eventually

SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}
NOT_SERVING = b"\x08\x02"


def signalboxd():
    path = os.environ.get("SIGNALBOXD")
    assert path and os.access(path, os.X_OK), "SIGNALBOXD must name the server's binary"
    return path


def environment(**extra):
    """The environment without anything that configures Signalbox, and with `extra`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX")}
    return {**clean, **extra}


def run_signalboxd(*arguments, timeout=30, env=None):
    """Runs signalboxd to its end; for commands and for starts that must fail."""
    return subprocess.run([signalboxd(), *arguments], capture_output=True, text=True, timeout=timeout,
                          env=environment(**(env or {})), stdin=subprocess.DEVNULL)


def new_database(cluster):
    """Makes a database with the server's schema; returns its name."""
    name = cluster.create_database()
    done = run_signalboxd("migrate", "--database-url", cluster.url(name))
    assert done.returncode == 0, done.stderr
    return name


class Server:
    """One server on a loopback port of its own; start() again means: the same command."""

    def __init__(self, log_directory, *arguments, env=None, listen=True):
        self.address = f"127.0.0.1:{free_port()}"
        self.arguments = list(arguments) + (["--listen", self.address] if listen else [])
        self._env = env or {}
        self._log_path = os.path.join(str(log_directory), f"signalboxd-{self.address.split(':')[1]}.log")
        self.process = None
        self._clients = []

    def start(self, wait=True):
        assert self.process is None or self.process.poll() is not None, "it runs already"
        with open(self._log_path, "ab") as log:
            self.process = subprocess.Popen(ended_with_parent("TERM", [signalboxd(), *self.arguments]), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, env=environment(**self._env))
        if wait:
            self.wait_serving()
            for client in self._clients:
                client.wait_connected()
        return self

    def log(self):
        with open(self._log_path, errors="replace") as log:
            return log.read()

    def wait_serving(self, timeout=30):
        eventually(lambda: self._alive() and self.health() == SERVING, timeout, what="health SERVING")

    def _alive(self):
        assert self.process.poll() is None, f"signalboxd ended with {self.process.returncode}:\n{self.log()[-3000:]}"
        return True

    def health(self, service=b""):
        """The raw answer of grpc.health.v1.Health/Check, or None when nobody answers, as at the end of a drain."""
        request = b"" if not service else b"\x0a" + bytes([len(service)]) + service
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1),
                                                  ("grpc.enable_http_proxy", 0)]) as channel:
            try:
                return channel.unary_unary("/grpc.health.v1.Health/Check")(request, timeout=3)
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                                    grpc.StatusCode.CANCELLED):
                    return None
                raise

    def survived(self):
        """Whether the process is still there and answers; a dying one is waited for."""
        if self.process.poll() is None and self.health() is None:
            eventually(lambda: self.process.poll() is not None or self.health(), 20, what="an end or an answer")
        return self.process.poll() is None

    def connect(self):
        """A client with a connection of its own, which is there when the server is; closed with the server."""
        client = Client(self.address)
        if self.process is not None and self.process.poll() is None:
            client.wait_connected()
        self._clients.append(client)
        return client

    def terminate(self, timeout=15):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def close(self):
        """Ends the process whatever state it is in."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self.process is not None and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()


def postmaster_pid(data_dir):
    """Process id of the Postgres that runs in or below `data_dir`, or None."""
    for directory, _, files in os.walk(str(data_dir)):
        if "postmaster.pid" in files:
            try:
                with open(os.path.join(directory, "postmaster.pid")) as file:
                    return int(file.readline())
            except (OSError, ValueError):
                return None
    return None


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
