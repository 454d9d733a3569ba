"""Private Postgres clusters on a loopback port and a Unix socket, with real durability settings: one, or a
primary with a streaming standby."""

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


def binary(name):
    """Path of a program of Postgres', the newest that is installed."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    path = found[-1] if found else shutil.which(name)
    assert path, f"Postgres is not installed: no {name}"
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_sql(port, statement, database):
    """Runs one statement on what listens at this port of loopback; returns its rows as lists of strings."""
    done = subprocess.run([binary("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                           "-p", str(port), "-U", "signalbox", "-c", statement, database],
                          capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def _listens(database):
    return f"datname = '{database}' AND application_name = 'signalboxd-notify'"


class PostgresCluster:
    """Owns its directory and its postmaster. Postgres refuses root, so root hands it to `postgres`.

    `settings` are Postgres' own, by name; they go before those of the configuration files.
    """

    def __init__(self, **settings):
        self.directory = tempfile.mkdtemp(prefix="signalbox-pg-", dir="/tmp")
        self._as_user = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.data = os.path.join(self.directory, "data")
        self.port = free_port()
        self._process = None
        self._settings = {"listen_addresses": "127.0.0.1", "max_connections": 200, "shared_buffers": "32MB",
                          **settings}
        self._names = itertools.count(1)
        self._make_files()

    def _make_files(self):
        self._run(binary("initdb"), "--no-sync", "--auth=trust", "--username=signalbox",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", self.data)

    def _run(self, *command, **options):
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", timeout=60,
                              **self._as_user, **options)

    def start(self):
        log = open(os.path.join(self.directory, "log"), "ab")
        command = [binary("postgres"), "-D", self.data, "-p", str(self.port), "-k", self.directory]
        command += [f"--{name}={value}" for name, value in self._settings.items()]
        self._process = subprocess.Popen(
            ended_with_parent("QUIT", command), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
            start_new_session=True, **self._as_user)
        log.close()
        eventually(self._accepts, 30, what="Postgres accepting connections")
        return self

    def _accepts(self):
        assert self._process.poll() is None, "Postgres ended at once; see its log"
        command = [binary("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "signalbox", "-c", "", "postgres"]
        return subprocess.run(command, capture_output=True, timeout=30, cwd="/").returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown, sessions are cut. SIGQUIT: immediate, SIGKILL: a crash; both need recovery."""
        if self.is_running():
            children = self._children()
            self._process.send_signal(how)
            self._wait_for_end(children)
        self._process = None

    def _wait_for_end(self, children):
        """Orphans hold the shared memory and the files until they are gone."""
        self._process.wait(60)
        eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 30,
                   what="the end of all backends")

    def _children(self):
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            return [int(pid) for pid in children.read().split()]

    def kill(self):
        """SIGKILL to all its processes, as when its machine is lost; start() recovers it."""
        children = self._children()
        self._signal_all(signal.SIGKILL)
        self._wait_for_end(children)
        self._process = None

    def is_running(self):
        return self._process is not None and self._process.poll() is None

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
        return run_sql(self.port, statement, database)

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

    def listeners(self, database):
        """Process ids of the sessions by which servers hear of each other."""
        return [int(pid) for (pid,) in self.sql(f"SELECT pid FROM pg_stat_activity WHERE {_listens(database)}")]

    def cut_listeners(self, database):
        """Ends those sessions; returns how many."""
        return len(self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_listens(database)}"))

    def cut_sessions(self, database):
        """Ends every session of the database, the listener's too; returns how many there were."""
        return len(self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' "
                            "AND pid <> pg_backend_pid()"))


class Standby(PostgresCluster):
    """A copy of a running cluster that streams from it until it is promoted.

    `port` is where it streams from: the primary's own by default, or a proxy's in between.
    """

    NAME = "standby"

    def __init__(self, primary, port=None, **settings):
        self._primary, self._source = primary, port or primary.port
        super().__init__(**settings)

    def _make_files(self):
        self._run(binary("pg_basebackup"), "-h", "127.0.0.1", "-p", str(self._primary.port), "-U", "signalbox",
                  "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--pgdata", self.data)
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a") as file:
            file.write("synchronous_standby_names = ''\n"  # Once promoted, it waits for nobody.
                       f"primary_conninfo = 'host=127.0.0.1 port={self._source} user=signalbox "
                       f"application_name={self.NAME}'\n")

    def promote(self):
        """Returns when it accepts writes. Its history is another one from now on: a new timeline."""
        self.sql("SELECT pg_promote(wait => true, wait_seconds => 30)")
        eventually(lambda: self.sql("SELECT pg_is_in_recovery()") == [["f"]], 30, what="the promotion")


class Pair:
    """A primary and its streaming standby, both running; synchronous: a commit waits for both.

    `between(port)` may put a proxy before the primary's port for the standby, and returns the proxy's.
    """

    def __init__(self, synchronous=True, between=lambda port: port, **settings):
        self.primary, self.standby = PostgresCluster(**settings), None
        self._synchronous, self._between, self._settings = synchronous, between, settings
        try:
            self.primary.start()
            self._follow()
        except BaseException:
            self.remove()
            raise

    def _follow(self):
        self.standby = Standby(self.primary, self._between(self.primary.port), **self._settings).start()
        if self._synchronous:
            self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{Standby.NAME}'")
            self.primary.sql("SELECT pg_reload_conf()")
        self.wait_streaming("sync" if self._synchronous else "async")

    def replace_lost_primary(self):
        """After a promotion: the promoted one becomes `primary`, and gets a new standby; the lost one is removed."""
        self.primary.remove()
        self.primary, self.standby = self.standby, None
        self._follow()

    def wait_streaming(self, state):
        """Waits until the primary counts the standby as streaming, and as `sync` or `async`."""
        eventually(lambda: self.primary.sql("SELECT state, sync_state FROM pg_stat_replication") ==
                   [["streaming", state]], 30, what="a streaming standby")

    def url(self, database):
        """Names both; which of them is the primary is for the user of the URL to find out."""
        hosts = ",".join(f"127.0.0.1:{cluster.port}" for cluster in (self.primary, self.standby))
        return f"postgresql://signalbox@{hosts}/{database}"

    def create_database(self):
        return self.primary.create_database()

    def remove(self):
        for cluster in (self.standby, self.primary):
            if cluster is not None:
                cluster.remove()
