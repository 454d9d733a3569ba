"""Each way in which Postgres can be sick, while many calls are made: every error is UNAVAILABLE and soon there,
streams stay open, little is logged, few sessions are opened, and it ends with the sickness."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

import grpc
import pytest

from rig.client import Client
from rig.postgres import PostgresCluster
from rig.server import SERVING, new_database
from rig.waiting import eventually

CALL_WITHIN = 2.2  # Seconds: the server answers within 2, and its thread and ours have to be scheduled.
BACK_WITHIN = 2  # Seconds from the cure to the first publish.
SLACK = 3  # Seconds that a busy machine may take besides, unless a test takes its time.
SESSIONS = 10  # Of one server: 2 write, 4 read, 1 sweeps and 1 prunes, 1 sends and 1 hears NOTIFY.


class Load:
    """Threads that publish and read until they are stopped, and note what became of each call."""

    def __init__(self, address, run, count=8):
        self._run, self._stop = run, threading.Event()
        self.calls = []  # (which, status code, seconds it took)
        self._clients = [Client(address) for _ in range(count)]
        self._threads = [threading.Thread(target=self._work, args=(client,), daemon=True) for client in self._clients]
        for thread in self._threads:
            thread.start()

    def _work(self, client):
        while not self._stop.is_set():
            for name, call in (("publish", lambda: client.setting(self._run, timeout=10)),
                               ("get", lambda: client.get(self._run))):
                began, code = time.monotonic(), grpc.StatusCode.OK
                try:
                    call()
                except grpc.RpcError as error:
                    code = error.code()
                self.calls.append((name, code, time.monotonic() - began))

    def count(self, code, names=("publish", "get")):
        return sum(1 for name, seen, _ in list(self.calls) if seen == code and name in names)

    def wait_for_more(self, code, count, timeout=30, **which):
        target = self.count(code, **which) + count
        eventually(lambda: self.count(code, **which) >= target, timeout, what=f"{count} more calls that end {code}")

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for client in self._clients:
            client.close()


class Stopped:
    REFUSALS = 300  # To wait for; about as many can be had in a second.

    def __init__(self, _tmp_path):
        self.cluster = PostgresCluster().start()
        self.url = self.cluster.url(new_database(self.cluster))

    def begin(self):
        self.cluster.stop(signal.SIGINT)

    def end(self):
        self.cluster.start()

    def remove(self):
        self.cluster.remove()


class Hanging(Stopped):
    """Connections stay open and nothing is answered, so that every call takes as long as it may."""

    REFUSALS = 24

    def begin(self):
        self.cluster.pause()

    def end(self):
        self.cluster.resume()


class OutOfConnections(Stopped):
    """No session is left for the server, and those that it has are ended."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self._database = self.url.rsplit("/", 1)[1]
        self.cluster.sql("CREATE ROLE app LOGIN")
        self.cluster.sql("GRANT ALL ON SCHEMA signalbox TO app", self._database)
        self.cluster.sql("GRANT ALL ON ALL TABLES IN SCHEMA signalbox TO app", self._database)
        self.url = self.url.replace("signalbox@", "app@")

    def begin(self):
        self.cluster.sql("ALTER ROLE app CONNECTION LIMIT 0")
        self.cluster.cut_sessions(self._database)

    def end(self):
        self.cluster.sql("ALTER ROLE app CONNECTION LIMIT -1")


class Disk:
    """A small file system of its own below a directory of Postgres'."""

    def __init__(self, path, megabytes):
        self.path = str(path)
        os.makedirs(self.path, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "signalbox-test", self.path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no right to mount: {done.stderr}")

    def fill(self):
        with open(os.path.join(self.path, "filling"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        os.remove(os.path.join(self.path, "filling"))

    def remove(self):
        subprocess.run(["umount", "--lazy", self.path], check=True)


class FullDataDisk(Stopped):
    """The tables cannot grow: publishes fail one by one, and reading goes on."""

    def __init__(self, _tmp_path):
        self.cluster = PostgresCluster().start()
        self.disk = Disk(self.cluster.directory + "/disk", 64)
        space = os.path.join(self.disk.path, "space")
        os.mkdir(space)
        shutil.chown(space, *(("postgres", "postgres") if os.geteuid() == 0 else (os.geteuid(),)))
        self.cluster.sql(f"CREATE TABLESPACE small LOCATION '{space}'")
        self.cluster.sql("ALTER SYSTEM SET default_tablespace = small")
        self.cluster.sql("SELECT pg_reload_conf()")
        self.url = self.cluster.url(new_database(self.cluster))

    def begin(self):
        self.disk.fill()

    def end(self):
        self.disk.free()

    def remove(self):
        self.cluster.stop(signal.SIGQUIT)
        self.disk.remove()
        super().remove()


class FullLogDisk(Stopped):
    """Without a place for its write-ahead log Postgres ends, and is started again when there is one."""

    def __init__(self, _tmp_path):
        self.cluster = PostgresCluster(wal_recycle="off", max_wal_size="64MB", min_wal_size="32MB")
        log = os.path.join(self.cluster.data, "pg_wal")
        shutil.move(log, log + ".before")
        self.disk = Disk(log, 160)
        subprocess.run(["cp", "-a", log + ".before/.", log], check=True)
        subprocess.run(["chown", "--reference", log + ".before", log], check=True)
        os.chmod(log, 0o700)
        self.cluster.start()
        self.url = self.cluster.url(new_database(self.cluster))

    def begin(self):
        self.disk.fill()
        eventually(self._is_over, 60, what="the end of Postgres")

    def _is_over(self):
        try:
            self.cluster.sql("SELECT pg_switch_wal()")  # It goes on in the files that it has, so leave them.
        except AssertionError:
            pass
        return not self.cluster.is_running()

    def end(self):
        self.disk.free()
        self.cluster.start()

    def remove(self):
        self.cluster.stop(signal.SIGQUIT)
        self.disk.remove()
        super().remove()


@pytest.fixture(params=[Stopped, Hanging, OutOfConnections, FullDataDisk, FullLogDisk])
def sickness(request, tmp_path):
    sickness = request.param(tmp_path)
    try:
        yield sickness
    finally:
        sickness.remove()


def sessions(cluster):
    return int(cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'signalboxd-%'")[0][0])


@pytest.fixture
def tell(request, capsys):
    """Prints figures of a test that was asked to take its time; `tell.seconds` is how long."""
    def tell(**figures):
        if tell.seconds:
            with capsys.disabled():
                print(json.dumps(figures))

    tell.seconds = request.config.getoption("--sick-seconds")
    return tell


def test_a_sick_postgres_under_load(sickness, start_server, tell):
    server = start_server("--database-url", sickness.url)
    client = server.connect()
    run, quiet_run = client.create_run(), client.create_run()
    stream = client.subscribe(quiet_run)
    stream.synced()
    load = Load(server.address, run)
    try:
        load.wait_for_more(grpc.StatusCode.OK, 50)
        lines = server.log().count("\n")
        began = time.monotonic()
        sickness.begin()
        load.wait_for_more(grpc.StatusCode.UNAVAILABLE, sickness.REFUSALS, timeout=120)
        if not isinstance(sickness, FullDataDisk):
            stream.wait(lambda: stream.progress()[-1].stale, 15, "a stale progress")
        eventually(lambda: time.monotonic() - began >= tell.seconds, tell.seconds + 10, what="the time")
        sickness.end()
        healed = time.monotonic()
        load.wait_for_more(grpc.StatusCode.OK, 1, names=("publish",))
        back = time.monotonic() - healed
        load.wait_for_more(grpc.StatusCode.OK, 49)
        eventually(lambda: server.health() == SERVING, 10, what="health SERVING")
        assert sessions(sickness.cluster) <= SESSIONS
        stream.wait(lambda: not stream.progress()[-1].stale, 15, "a progress that is not stale")
        logged = server.log().splitlines()[lines:]
    finally:
        load.stop()
    slowest = max(took for _, _, took in load.calls)
    tell(sickness=type(sickness).__name__, seconds=round(healed - began), slowest_call_seconds=round(slowest, 2),
         refused=load.count(grpc.StatusCode.UNAVAILABLE), back_seconds=round(back, 2), log_lines=len(logged))
    assert {code for _, code, _ in load.calls} == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    slack = 0 if tell.seconds else SLACK
    assert slowest <= CALL_WITHIN + slack
    assert back <= BACK_WITHIN + slack
    assert stream.code is None
    assert len(logged) <= 10, logged
