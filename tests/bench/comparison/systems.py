"""Everything that is measured, started when it is first asked for."""

import os

from comparison import rivals
from comparison.history import fill_with_history
from comparison.program import Missing, measure
from comparison.sql import run_sql
from comparison.startup import TimedCluster
from rig.server import Server


class Systems:
    """A context manager that ends all it started.

    Signalbox runs as a default installation: with its embedded Postgres, reached by a Unix socket. The raw statements
    go to the same Postgres, to a database of their own.
    """

    def __init__(self, directory, scale):
        self.scale = scale
        self._directory = directory
        self._started = {}
        self._missing = {}
        self._has_runs_to_read = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for system in reversed(self._started.values()):
            system.close()

    def _the(self, name, start):
        """The system of this name; one that is missing is so every time."""
        if name in self._missing:
            raise self._missing[name]
        if name not in self._started:
            try:
                self._started[name] = start(self._new_directory(name))
            except Missing as missing:
                self._missing[name] = missing
                raise
        return self._started[name]

    def _new_directory(self, name):
        path = os.path.join(self._directory, name)
        os.makedirs(path)
        return path

    # What it is compared with.

    @property
    def echo(self):
        return self._the("echo", rivals.start_echo)

    @property
    def etcd(self):
        return self._the("etcd", rivals.start_etcd)

    @property
    def nats(self):
        return self._the("nats", rivals.start_nats)

    @property
    def synchronous_nats(self):
        return self._the("synchronous-nats", rivals.start_synchronous_nats)

    @property
    def redis(self):
        return self._the("redis", rivals.start_redis)

    @property
    def statements_url(self):
        """A database for raw statements, in the Postgres of `signalbox`."""
        signalbox = self.signalbox
        if not run_sql(signalbox.url("postgres"), "SELECT 1 FROM pg_database WHERE datname = 'statements'"):
            run_sql(signalbox.url("postgres"), "CREATE DATABASE statements")
        return signalbox.url("statements")

    @property
    def least(self):
        """An echo server that makes what it answers durable with the least statement."""
        return self._the("least", self._start_least)

    def new_least(self, name, **options):
        """Another one; the caller closes it."""
        path = os.path.join(self._directory, name)
        os.makedirs(path, exist_ok=True)
        return self._start_least(path, **options)

    def _start_least(self, directory, **options):
        return rivals.start_echo(directory, database_url=self.statements_url, **options)

    # Signalbox.

    @property
    def signalbox(self):
        """The server that most is measured on."""
        return self._the("signalbox", lambda directory: EmbeddedServer(directory).start())

    @property
    def replica(self):
        """A second server on the database of the first."""
        url = self.signalbox.url("signalbox")
        return self._the("replica", lambda directory: Server(directory, "--database-url", url).start())

    def new_replica(self, name):
        """A process that has served nobody yet; the caller closes it."""
        path = os.path.join(self._directory, name)
        os.makedirs(path, exist_ok=True)
        return Server(path, "--database-url", self.signalbox.url("signalbox")).start()

    def new_echo(self, name, **options):
        """An echo server that has served nobody yet; the caller closes it."""
        path = os.path.join(self._directory, name)
        os.makedirs(path, exist_ok=True)
        return rivals.start_echo(path, **options)

    @property
    def reading(self):
        """Prefix of runs with 1,000 messages, of which 10 are pending."""
        if not self._has_runs_to_read:
            measure("prepare-runs", address=self.signalbox.address, run_prefix="read", runs=self.scale.read_runs)
            self._has_runs_to_read = True
        return "read"

    def with_history(self, messages):
        """A server of its own whose database holds so many finished messages."""
        def start(directory):
            server = EmbeddedServer(directory).start()
            try:
                fill_with_history(server, messages, self.scale)
            except BaseException:
                server.close()
                raise
            return server

        return self._the("history" if messages else "no-history", start)

    # For starts: stopped, and their clusters made.

    @property
    def startup_cluster(self):
        return self._the("startup-cluster", lambda _: TimedCluster())

    @property
    def startup_server(self):
        def start(directory):
            server = EmbeddedServer(directory).start()
            server.terminate()
            return server

        return self._the("startup-server", start)


class EmbeddedServer(Server):
    """A server with its embedded Postgres."""

    def __init__(self, directory):
        self.data = os.path.join(directory, "data")
        super().__init__(directory, "--data-dir", self.data)

    def url(self, database):
        """Reaches a database as the server does."""
        # A link where the path is too long for a socket.
        socket = os.path.realpath(os.path.join(self.data, "socket"))
        return f"host={socket} port=5432 user=signalbox dbname={database}"
