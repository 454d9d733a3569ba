"""kill -9 of the server and of its embedded Postgres: what was acknowledged is there afterwards."""

import os
import random
import signal
import threading

import grpc
import pytest

from rig.client import Client
from rig.server import is_running, postmaster_pid, run_signalboxd
from rig.values import from_value
from rig.waiting import eventually


class Publishers:
    """Threads that publish until they are stopped, and remember what was acknowledged and what is in doubt."""

    IN_DOUBT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
                grpc.StatusCode.UNKNOWN)

    def __init__(self, address, run, count=4):
        self._run, self._lock, self._stop = run, threading.Lock(), threading.Event()
        self.acknowledged, self.in_doubt, self.definite_errors = {}, {}, []
        self._clients = [Client(address) for _ in range(count)]
        self._threads = [threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self, worker):
        for i in range(100_000):
            if self._stop.is_set():
                return
            key = f"{worker}.{i}"
            try:
                message = self._clients[worker].publish(self._run, value=key, request_id=key, timeout=5)
                with self._lock:
                    self.acknowledged[key] = message
            except grpc.RpcError as error:
                with self._lock:
                    if error.code() in self.IN_DOUBT:
                        self.in_doubt[key] = error
                    else:
                        self.definite_errors.append(error)

    def wait_for(self, count):
        eventually(lambda: len(self.acknowledged) >= count, 30, what=f"{count} acknowledged messages")

    def finish(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for client in self._clients:
            client.close()
        assert self.definite_errors == []

    def check(self, client):
        """Everything acknowledged is stored as it was answered, once; and the sequences are dense."""
        history = client.history(self._run)
        stored = {from_value(m.value): m for m in history}
        assert len(stored) == len(history), "a request id was stored twice"
        lost = {key for key, m in self.acknowledged.items() if stored.get(key) != m}
        assert not lost, f"{len(lost)} acknowledged messages are lost or changed"
        assert set(stored) <= self.acknowledged.keys() | self.in_doubt.keys()
        assert sorted(m.sequence for m in history) == list(range(1, len(history) + 1))
        for key in list(self.in_doubt)[:20]:  # A repeat settles what was in doubt.
            message = client.publish(self._run, value=key, request_id=key)
            assert key not in stored or stored[key] == message


def kill_server(server):
    server.kill()


def kill_postmaster(server):
    pid = postmaster_pid(server.data_dir)
    assert pid and is_running(pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_running(pid), 10)


def kill_both(server):
    kill_postmaster(server)
    kill_server(server)


@pytest.mark.parametrize("kill", [kill_server, kill_postmaster, kill_both])
def test_nothing_acknowledged_is_lost(embedded, kill):
    run = embedded.connect().create_run()
    for _ in range(2):
        publishers = Publishers(embedded.address, run)
        publishers.wait_for(random.randrange(20, 60))
        kill(embedded)
        publishers.finish()
        embedded.close()
        embedded.start()
        client = embedded.connect()
        publishers.check(client)
        client.try_ack(client.get_all(run), outcome=1)
        run = client.create_run()


def test_a_killed_embedded_postgres_comes_back_or_the_server_says_so(embedded):
    """Without Postgres the server must not claim to serve: it recovers by itself, or it ends."""
    client = embedded.connect()
    run = client.create_run()
    client.publish(run)
    kill_postmaster(embedded)

    def settled():
        if embedded.process.poll() is not None:
            return True
        try:
            return client.publish(run, timeout=2).sequence >= 2
        except grpc.RpcError as error:
            assert error.code() in Publishers.IN_DOUBT, error
            return False

    eventually(settled, 20, what="recovery or the server's end")


def test_the_data_directory_works_where_only_root_can_look(embedded, tmp_path):
    """The test's directory is closed to everybody else, while Postgres refuses to run as root."""
    assert os.stat(tmp_path).st_mode & 0o077 == 0 or os.stat(tmp_path.parent).st_mode & 0o077 == 0
    client = embedded.connect()
    assert client.publish(client.create_run()).sequence == 1
    pid = postmaster_pid(embedded.data_dir)
    with open(f"/proc/{pid}/status") as status:
        uid = next(line for line in status if line.startswith("Uid:")).split()[1]
    assert uid != "0"


def test_the_embedded_postgres_listens_on_no_network(embedded):
    pid = postmaster_pid(embedded.data_dir)
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}")[8:-1] for fd in os.listdir(f"/proc/{pid}/fd")
              if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as lines:
            listening = {line.split()[9] for line in lines if line.split()[3] == "0A"}
        assert not inodes & listening


def test_a_second_server_on_the_same_data_directory_is_refused(embedded, start_server):
    second = start_server("--data-dir", str(embedded.data_dir), wait=False)
    assert second.process.wait(20) != 0
    assert str(embedded.data_dir) in second.log()
    client = embedded.connect()
    assert client.publish(client.create_run()).sequence == 1, "the first must not notice"


def test_a_stop_ends_postgres_too_and_a_start_finds_everything(embedded):
    client = embedded.connect()
    run = client.create_run()
    message = client.publish(run, value={"a": "\0"})
    cursor = client.get_page(run).cursor
    pid = postmaster_pid(embedded.data_dir)
    assert embedded.terminate() == 0
    assert not is_running(pid)
    embedded.start()
    client = embedded.connect()
    assert client.get_all(run) == [message]
    with client.subscribe(run, cursor=cursor) as stream:
        assert stream.synced(1).head_sequence == 1 and stream.messages() == []


def test_a_stop_during_publishes_loses_nothing(embedded):
    run = embedded.connect().create_run()
    publishers = Publishers(embedded.address, run)
    publishers.wait_for(40)
    assert embedded.terminate() == 0
    publishers.finish()
    embedded.start()
    publishers.check(embedded.connect())


def test_migrate_works_on_a_data_directory(tmp_path):
    data_dir = tmp_path / "fresh"
    for _ in range(2):
        done = run_signalboxd("migrate", "--data-dir", str(data_dir), timeout=60)
        assert done.returncode == 0, done.stderr
    pid = postmaster_pid(data_dir)
    assert pid is None or not is_running(pid)
