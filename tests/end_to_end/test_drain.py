"""SIGTERM with clients of all kinds: those that call, those that only listen, those that do not read at all."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from rig.parting import ended_with_parent
from rig.postgres import binary
from rig.publishers import Publishers
from rig.server import SERVING, environment
from rig.waiting import Background, eventually


@pytest.fixture
def draining(start_server, cluster, database):
    """Its drain timeout is longer than any test of a quick end takes."""
    return start_server("--database-url", cluster.url(database), "--drain-timeout", "9s")


@contextmanager
def many_streams(server, run, count):
    """A process that holds them open."""
    script = os.path.join(os.path.dirname(__file__), "rig", "many_streams.py")
    process = subprocess.Popen(
        ended_with_parent("KILL", [sys.executable, script, server.address, run.id, str(count)]),
        stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        env=environment(PYTHONPATH=os.path.dirname(__file__) + ":" + os.environ["PYTHONPATH"]))
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.wait(10)


def seconds_to_end(server):
    began = time.monotonic()
    assert server.terminate(timeout=20) == 0, server.log()
    return time.monotonic() - began


def test_clients_that_do_not_read_hold_nobody_up(draining):
    """A stopped client never acknowledges that its connection ends; gRPC once waited for it until the timeout."""
    run = draining.connect().create_run()
    with many_streams(draining, run, 20) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        assert seconds_to_end(draining) < 6


def test_it_ends_within_10_s_with_1000_streams_some_of_them_stopped(draining):
    run = draining.connect().create_run()
    with many_streams(draining, run, 900) as reading, many_streams(draining, run, 100) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        assert seconds_to_end(draining) < 10
        assert reading.stdout.readline() == "{'UNAVAILABLE': 900}\n"


@contextmanager
def locked_runs(cluster, database):
    """An open transaction locks every run until the block ends."""
    session = subprocess.Popen(ended_with_parent("TERM", [binary("psql"), "-X", "-q", cluster.url(database)]),
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        session.stdin.write("BEGIN; SELECT 1 FROM signalbox.runs FOR UPDATE;\n")
        session.stdin.flush()
        eventually(lambda: sessions(cluster, database, "state = 'idle in transaction' AND query LIKE '%FOR UPDATE%'"),
                   what="the lock")
        yield
    finally:
        session.stdin.close()
        session.wait(10)


def sessions(cluster, database, condition):
    return cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND {condition}")


def test_calls_under_way_are_answered(draining, cluster, database):
    """A publish that waits for a lock is answered after the drain began."""
    client = draining.connect()
    run = client.create_run()
    with locked_runs(cluster, database):
        publishing = Background(lambda: client.publish(run))
        eventually(lambda: sessions(cluster, database, "wait_event_type = 'Lock'"), what="a publish that waits")
        ending = Background(lambda: seconds_to_end(draining))
        eventually(lambda: draining.health() != SERVING, what="the beginning of the drain")
        assert not publishing.done()
    assert publishing.result().sequence == 1
    ending.result()


def test_what_is_published_during_the_drain_is_answered_or_in_doubt(draining):
    """gRPC itself answers CANCELLED to what comes after the last accepted call, before the client knows of the end."""
    run = draining.connect().create_run()
    publishers = Publishers(draining.address, run, count=8)
    publishers.wait_for(200)
    seconds_to_end(draining)
    publishers.finish()
    draining.start()
    publishers.check(draining.connect())
