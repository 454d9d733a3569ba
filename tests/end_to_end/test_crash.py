"""kill -9 of the server and of its embedded Postgres: what was acknowledged is there afterwards."""

import os
import random
import signal

import grpc
import pytest

from rig.publishers import Publishers
from rig.server import is_running, postmaster_pid, run_signalboxd
from rig.waiting import eventually


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
