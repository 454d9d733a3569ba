"""What is broken on purpose: Postgres, three servers and HAProxy, with a proxy on every edge between them."""

import os
import random
import shutil
import signal
import subprocess
import tempfile

from chaos.databases import Single
from chaos.edges import Proxy
from chaos.history import Writer
from rig.parting import ended_with_parent
from rig.postgres import free_port
from rig.server import Server, new_database

_HAPROXY = """
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen signalbox
  bind 127.0.0.1:{port}
  balance roundrobin
  option redispatch 1
{servers}
"""


class WatchedServer(Server):
    """Knows of each end of its process that nobody asked for."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._is_to_end = False
        self._ends = {}  # Process id → how it ended.

    def start(self, wait=True):
        self._note_end()
        self._is_to_end = False
        return super().start(wait)

    def terminate(self, timeout=15):
        self._is_to_end = True
        return super().terminate(timeout)

    def crashes(self):
        """How processes of it ended by themselves, in words."""
        self._note_end()
        return list(self._ends.values())

    def _note_end(self):
        status = None if self.process is None else self.process.poll()
        # SIGKILL is what faults kill with, and the traps of the proxy.
        if status is None or status == -signal.SIGKILL or (status == 0 and self._is_to_end):
            return
        last = " / ".join(self.log().splitlines()[-3:])
        self._ends[self.process.pid] = f"it ended by itself with {status}: {last}"


class Replica:
    """A server, the edge that clients reach it by, and the edges by which it reaches each Postgres."""

    def __init__(self, name, server, clients, databases):
        self.name, self.server, self.clients, self.databases = name, server, clients, databases
        self.database = databases[0]

    @property
    def pid(self):
        return self.server.process.pid

    def kill(self):
        self.server.kill()

    def start(self):
        self.server.start(wait=False)


class Cluster:
    """Owns every process by its pid; a context manager that ends them all. `databases` is a class of that module."""

    def __init__(self, seed, replicas=3, flags=(), databases=Single):
        self.rng = random.Random(seed)
        self.directory = tempfile.mkdtemp(prefix="signalbox-chaos-")
        self._history = Writer(os.path.join(self.directory, "edges.jsonl"))
        self.proxy = Proxy(self._history)
        self.databases = databases(self.proxy)
        self._haproxy = None
        self.replicas = []
        try:
            self._start(replicas, flags)
        except BaseException:
            self.close()
            raise

    def _start(self, replicas, flags):
        self.databases.start()
        self.database = new_database(self.postgres)
        for number in range(1, replicas + 1):
            name = f"replica{number}"
            databases = [self.proxy.edge(f"{name}-database{place}", "127.0.0.1", port)
                         for place, port in enumerate(self.databases.ports)]
            hosts = ",".join(edge.address for edge in databases)
            url = f"postgresql://signalbox@{hosts}/{self.database}?sslmode=disable"
            server = WatchedServer(self.directory, "--database-url", url, *flags)
            server.start(wait=False)
            clients = self.proxy.edge(f"{name}-clients", *server.address.split(":"))
            self.replicas.append(Replica(name, server, clients, databases))
        for replica in self.replicas:
            replica.server.wait_serving()
        self._start_haproxy()

    def _start_haproxy(self):
        port = free_port()
        path = os.path.join(self.directory, "haproxy.cfg")
        with open(path, "w") as file:
            servers = "\n".join(f"  server {replica.name} {replica.clients.address} check inter 200ms fall 1 rise 1"
                                for replica in self.replicas)
            file.write(_HAPROXY.format(port=port, servers=servers))
        with open(os.path.join(self.directory, "haproxy.log"), "wb") as log:
            self._haproxy = subprocess.Popen(ended_with_parent("TERM", ["haproxy", "-db", "-f", path]), stdout=log,
                                             stderr=log, stdin=subprocess.DEVNULL)
        self.balanced = f"127.0.0.1:{port}"

    @property
    def postgres(self):
        """The one that takes writes."""
        return self.databases.primary

    def replace_lost_primary(self):
        """After a promotion; the servers reach the new standby where the lost primary was."""
        place, port = self.databases.replace_lost_primary()
        for replica in self.replicas:
            replica.databases[place].set(target=["127.0.0.1", port])

    def addresses(self):
        """Where clients may go: to each replica, or to whichever HAProxy chooses."""
        return {"balanced": self.balanced, **{replica.name: replica.clients.address for replica in self.replicas}}

    def edges(self):
        return [edge for replica in self.replicas for edge in (replica.clients, *replica.databases)] + \
            self.databases.edges()

    def any_replica(self):
        return self.rng.choice(self.replicas)

    def heal(self):
        """Everything runs and every edge is open, when it returns."""
        for edge in self.edges():
            edge.heal()
        for replica in self.replicas:
            if replica.server.process.poll() is not None:
                replica.start()
        for replica in self.replicas:
            replica.server.wait_serving()

    def crashes(self):
        """How servers ended without being asked to, since the beginning, and what defects they told of; a list."""
        marks = ("AddressSanitizer", "ThreadSanitizer", "runtime error:", "Check failed", "terminate called")
        return [f"{replica.name}: {text}" for replica in self.replicas
                for text in (*replica.server.crashes(),
                             *(line for line in replica.server.log().splitlines() if any(m in line for m in marks)))]

    def keep_logs(self, directory):
        """What the servers said, and the history of the edges."""
        self._history.flush()
        for name in os.listdir(self.directory):
            if name.endswith((".log", ".jsonl")):
                shutil.copy(os.path.join(self.directory, name), directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for replica in self.replicas:
            if replica.server.process is not None and replica.server.process.poll() is None:
                replica.server.kill()
        if self._haproxy is not None:
            self._haproxy.terminate()
            self._haproxy.wait(10)
        self.proxy.close()
        self._history.close()
        self.databases.remove()
        shutil.rmtree(self.directory, ignore_errors=True)
