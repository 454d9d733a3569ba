"""A private Postgres cluster on a loopback port and a Unix socket, with real durability settings."""

import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from rig.parting import ended_with_parent
from rig.waiting import eventually


def _binary(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    path = found[-1] if found else shutil.which(name)
    assert path, f"Postgres is not installed: no {name}"
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(database):
    return f"datname = '{database}' AND application_name = 'signalboxd-notify'"


class PostgresCluster:
    """Owns its directory and its postmaster. Postgres refuses root, so root hands it to `postgres`."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="signalbox-pg-", dir="/tmp")
        self._as_user = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.data = os.path.join(self.directory, "data")
        self.port = free_port()
        self._process = None
        self._names = itertools.count(1)
        self._run(_binary("initdb"), "--no-sync", "--auth=trust", "--username=signalbox",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", self.data)

    def _run(self, *command, **options):
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", timeout=60,
                              **self._as_user, **options)

    def start(self):
        log = open(os.path.join(self.directory, "log"), "ab")
        command = [_binary("postgres"), "-D", self.data, "-p", str(self.port), "-k", self.directory,
                   "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=32MB"]
        self._process = subprocess.Popen(
            ended_with_parent("QUIT", command), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
            start_new_session=True, **self._as_user)
        log.close()
        eventually(self._accepts, 30, what="Postgres accepting connections")
        return self

    def _accepts(self):
        assert self._process.poll() is None, "Postgres ended at once; see its log"
        command = [_binary("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "signalbox", "-c", "", "postgres"]
        return subprocess.run(command, capture_output=True, timeout=30, cwd="/").returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown, sessions are cut. SIGQUIT: immediate, SIGKILL: a crash; both need recovery."""
        if self._process is not None:
            children = self._children()
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None
            # Orphans hold the shared memory until they notice.
            eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 30,
                       what="the end of all backends")

    def _children(self):
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            return [int(pid) for pid in children.read().split()]

    def _signal_all(self, what):
        """To the postmaster and its backends: each backend is its own process group's leader."""
        for pid in [self._process.pid, *self._children()]:
            os.kill(pid, what)

    def pause(self):
        """Everything hangs, connections stay open."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database):
        return f"postgresql://signalbox@127.0.0.1:{self.port}/{database}"

    def sql(self, statement, database="postgres"):
        """Runs one statement and returns its rows as lists of strings."""
        done = subprocess.run([_binary("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                               "-p", str(self.port), "-U", "signalbox", "-c", statement, database],
                              capture_output=True, text=True, timeout=60, cwd="/")
        assert done.returncode == 0, done.stderr
        return [line.split("|") for line in done.stdout.splitlines()]

    def create_database(self, template="template1"):
        name = f"test_{os.getpid()}_{next(self._names)}"
        self.copy_database(template, name)
        return name

    def copy_database(self, source, name):
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')

    def drop_database(self, name):
        self.sql(f'DROP DATABASE "{name}"')

    def back_up_files(self):
        """A copy of all files of the stopped cluster, as a snapshot of a disk would hold it."""
        self._run("cp", "-a", self.data, self.data + ".copy")

    def restore_files(self):
        """Puts the stopped cluster back to the copy."""
        shutil.rmtree(self.data)
        self._run("cp", "-a", self.data + ".copy", self.data)

    def kill_backend(self, rng):
        """Kills the process of one session, upon which Postgres ends all of them and recovers."""
        (pid,), *_ = rng.sample(self.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                         "AND pid <> pg_backend_pid()"), 1)
        os.kill(int(pid), signal.SIGKILL)

    def count_listeners(self, database):
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {_listens(database)}")[0][0])

    def cut_listeners(self, database):
        """Ends the sessions by which servers hear of each other; returns how many."""
        return len(self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_listens(database)}"))

    def cut_sessions(self, database):
        """Ends every session of the database, the listener's too; returns how many there were."""
        return len(self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' "
                            "AND pid <> pg_backend_pid()"))
