"""Servers behind a pooler, mostly in transaction mode: what they need of a session comes with each transaction."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.observed import Observed
from rig.pgbouncer import PgBouncer
from rig.postgres import run_sql
from rig.server import SERVING, new_database, run_signalboxd
from rig.waiting import eventually

# Far fewer than two servers have threads: no transaction can count on what another left behind.
_SESSIONS = 4


@pytest.fixture
def pooler(cluster, tmp_path):
    pooler = PgBouncer(tmp_path, cluster, sessions=_SESSIONS).start()
    yield pooler
    pooler.stop()


@pytest.fixture
def url(cluster, pooler):
    """Of a database whose schema two servers made at once."""
    url = pooler.url(cluster.create_database())
    with ThreadPoolExecutor(2) as servers:
        for done in servers.map(lambda _: run_signalboxd("migrate", "--database-url", url), range(2)):
            assert done.returncode == 0, done.stderr
    return url


@pytest.fixture
def replicas(url, start_server):
    return [Observed(start_server, "--database-url", url) for _ in range(2)]


def test_it_serves_and_says_what_is_missing(replicas):
    for replica in replicas:
        assert replica.server.health() == SERVING
        eventually(lambda: len(replica.logged("listen_lost")) == 1, 10, what="a line about NOTIFY")
        assert "pooler" in replica.logged("listen_lost")[0]["error"]
        assert replica.metric("notify_healthy") == 0
        assert replica.logged("listening") == [] and replica.logged("database_away") == []


def test_many_at_once_share_few_sessions(replicas):
    """Every kind of statement, from more threads than there are sessions, at both servers."""
    runs = [replicas[0].client.create_run() for _ in range(8)]

    def use(number):
        client, run = replicas[number % 2].client, runs[number]
        sent = [client.publish(run, key=f"key{place}") for place in range(10)]
        for message in sent[:5]:
            client.ack(message.id)
        left = client.get_all(run)
        client.end_run(run)
        return left == sent[5:]

    with ThreadPoolExecutor(8) as users:
        assert all(users.map(use, range(8)))


def test_the_sweep_delivers_between_replicas(replicas):
    publisher, reader = (replica.client for replica in replicas)
    run = publisher.create_run()
    with reader.subscribe(run) as stream:
        stream.synced()
        for _ in range(5):
            message = publisher.publish(run)
            began = time.monotonic()
            stream.message_with(message.id)
            assert time.monotonic() - began < 2.5
    eventually(lambda: replicas[1].metric("sweep_finds_total") > 0, 5, what="finds of the sweep")


def test_others_in_the_pool_find_sessions_as_they_were(replicas, pooler, url):
    replicas[0].client.publish(replicas[0].client.create_run())
    database = url.rsplit("/", 1)[1]
    for name, value in (("statement_timeout", "0"), ("enable_seqscan", "on"), ("plan_cache_mode", "auto")):
        for _ in range(2 * _SESSIONS):
            assert run_sql(pooler.port, f"SHOW {name}", database) == [[value]], name
    assert run_sql(pooler.port, "SELECT count(*) FROM pg_prepared_statements", database) == [["0"]]


def test_in_session_mode_hints_arrive(cluster, start_server, tmp_path):
    pooler = PgBouncer(tmp_path, cluster, mode="session", sessions=50).start()
    try:
        replica = Observed(start_server, "--database-url", pooler.url(new_database(cluster)))
        eventually(lambda: replica.metric("notify_healthy") == 1, 10, what="a healthy NOTIFY")
        assert replica.logged("listen_lost") == []
        run = replica.client.create_run()
        message = replica.client.publish(run)
        assert replica.client.get_all(run) == [message]
    finally:
        pooler.stop()
