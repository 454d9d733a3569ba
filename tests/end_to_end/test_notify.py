"""NOTIFY that does not arrive: found soon, said once, shown as a metric, and made up for by the sweep."""

import os
import signal
import time

import pytest

from rig.observed import Observed
from rig.server import new_database
from rig.waiting import eventually


@pytest.fixture
def url(cluster):
    return cluster.url(new_database(cluster))


@pytest.fixture
def reader(start_server, url):
    reader = Observed(start_server, "--database-url", url)
    eventually(lambda: reader.metric("notify_healthy") == 1, what="a healthy NOTIFY")
    return reader


def listening_backend(cluster, url):
    """Process id of the session that listens; there must be one replica."""
    rows = cluster.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'signalboxd-notify' "
                       f"AND datname = '{url.rsplit('/', 1)[1]}' AND query ILIKE 'listen%'")
    assert len(rows) == 1, rows
    return int(rows[0][0])


def seconds_to_deliver(publisher, run, stream):
    message = publisher.publish(run)
    began = time.monotonic()
    stream.message_with(message.id)
    return time.monotonic() - began


def test_a_listener_that_answers_nothing_is_found(reader, start_server, url, cluster):
    """Half-open: its connection lives, and nothing comes. It once waited there for ever."""
    backend = listening_backend(cluster, url)
    publisher = start_server("--database-url", url).connect()
    run = publisher.create_run()
    with reader.client.subscribe(run) as stream:
        stream.synced()
        os.kill(backend, signal.SIGSTOP)
        try:
            assert seconds_to_deliver(publisher, run, stream) < 2.5, "the sweep delivers"
            eventually(lambda: len(reader.logged("listen_lost")) == 1, 10, what="one line about the loss")
            eventually(lambda: len(reader.logged("listening")) == 2, 10, what="one line about the return")
        finally:
            os.kill(backend, signal.SIGCONT)
        eventually(lambda: seconds_to_deliver(publisher, run, stream) < 0.5, 10, what="fast delivery again")
    assert len(reader.logged("listen_lost")) == 1


def test_a_loss_that_lasts_is_said_once(reader, cluster, url):
    """Every new listener is cut, too."""
    for _ in range(3):
        eventually(lambda: cut_notify_sessions(cluster, url), 10, what="a session to cut")
    eventually(lambda: reader.metric("notify_healthy") == 1, 10)
    assert len(reader.logged("listen_lost")) == len(reader.logged("listening")) - 1


def cut_notify_sessions(cluster, url):
    return cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                       f"'signalboxd-notify' AND datname = '{url.rsplit('/', 1)[1]}'")


def test_what_only_the_sweep_finds_raises_an_alarm(reader, start_server, url):
    """This replica's listener is sound, but the other one tells nobody."""
    publisher = start_server("--database-url", url, "--no-notify").connect()
    run = publisher.create_run()
    with reader.client.subscribe(run) as stream:
        stream.synced()
        took = [seconds_to_deliver(publisher, run, stream) for _ in range(4)]
        assert max(took) < 2.5, took
        eventually(lambda: reader.metric("sweep_finds_total") > 0, 5, what="finds of the sweep")
    assert reader.metric("notify_healthy") == 1
    assert len(reader.logged("hints_missing")) == 1


def test_what_notify_tells_raises_no_alarm(reader, start_server, url):
    publisher = start_server("--database-url", url).connect()
    run = publisher.create_run()
    with reader.client.subscribe(run) as stream:
        stream.synced()
        for client in (publisher, reader.client):
            for _ in range(300):
                client.publish(run)
        stream.synced(600)
    assert reader.metric("sweep_finds_total") == 0
    assert reader.logged("hints_missing") == []
