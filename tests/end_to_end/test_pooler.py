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
    # At the same time, so that each is answered by another session.
    look = ("SELECT pg_sleep(1), pg_backend_pid(), current_setting('statement_timeout'), "
            "current_setting('enable_seqscan'), current_setting('plan_cache_mode'), count(*) FROM pg_prepared_statements")
    with ThreadPoolExecutor(_SESSIONS) as others:
        found = [rows[0][1:] for rows in others.map(lambda _: run_sql(pooler.port, look, database), range(_SESSIONS))]
    assert len({backend for backend, *_ in found}) > 1
    assert {tuple(rest) for _, *rest in found} == {("0", "on", "auto", "0")}


def test_in_session_mode_hints_arrive(cluster, start_server, tmp_path):
    """Also soon after the listening session was lost."""
    pooler = PgBouncer(tmp_path, cluster, mode="session", sessions=50).start()
    try:
        url = pooler.url(new_database(cluster))
        publisher, reader = (Observed(start_server, "--database-url", url) for _ in range(2))
        for replica in (publisher, reader):
            eventually(lambda: replica.metric("notify_healthy") == 1, 10, what="a healthy NOTIFY")
        run = publisher.client.create_run()
        with reader.client.subscribe(run) as stream:
            stream.synced()
            stream.message_with(publisher.client.publish(run).id)
            assert reader.metric("sweep_finds_total") == 0 and reader.logged("listen_lost") == []
            cluster.cut_listeners(url.rsplit("/", 1)[1])
            eventually(lambda: len(reader.logged("listening")) == 2, 8, what="another listening session")
    finally:
        pooler.stop()
