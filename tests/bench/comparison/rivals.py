"""The processes that Signalbox is compared with, each on a port and in a directory of its own."""

import json
import os
import shutil
import socket
import subprocess

from comparison.program import Failed, Missing, command
from rig.parting import ended_with_parent
from rig.postgres import free_port
from rig.waiting import eventually


def find_program(name):
    """Its path; Debian keeps some servers where an ordinary user does not look."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Missing(f"{name} is not installed")
    return path


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Rival:
    """A server process that ends with this one."""

    def __init__(self, directory, words, port):
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._log = os.path.join(directory, "log")
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=directory)
        self.pid = self._process.pid
        eventually(lambda: self._is_alive() and _accepts(port), 30, what=f"{os.path.basename(directory)} listening")

    def _is_alive(self):
        if self._process.poll() is None:
            return True
        with open(self._log, errors="replace") as log:
            raise Failed(f"it ended at once: {log.read()[-300:].strip()}")

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_echo(directory, **options):
    port = free_port()
    return Rival(directory, command("echo-server", listen=f"127.0.0.1:{port}", **options), port)


def start_etcd(directory):
    port, peer = free_port(), f"http://127.0.0.1:{free_port()}"
    url = f"http://127.0.0.1:{port}"
    words = [find_program("etcd"), "--data-dir", os.path.join(directory, "data"), "--listen-client-urls", url,
             "--advertise-client-urls", url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(8 << 30),
             "--log-level", "error", "--logger", "zap"]
    return Rival(directory, ended_with_parent("TERM", words), port)


def start_nats(directory):
    program, port = find_program("nats-server"), free_port()
    config = os.path.join(directory, "nats.conf")
    with open(config, "w") as file:
        file.write(f'listen: "127.0.0.1:{port}"\n'
                   f"jetstream {{ store_dir: {json.dumps(os.path.join(directory, 'store'))}, max_file: 50GB }}\n")
    return Rival(directory, ended_with_parent("TERM", [program, "-c", config]), port)


def start_synchronous_nats(directory):
    """Debian's NATS has no setting for it: the kernel makes every write synchronous, below this directory."""
    find_program("nats-server")
    store = os.path.join(directory, "store")
    os.mkdir(store)
    done = subprocess.run([find_program("chattr"), "+S", store], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"synchronous writes: {done.stderr.strip()}")
    return start_nats(directory)


def start_redis(directory):
    port = free_port()
    words = [find_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", directory,
             "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0"]
    return Rival(directory, ended_with_parent("TERM", words), port)
