"""Settings of Postgres with which an answered publish might be lost."""

import grpc
import pytest

from rig.postgres import PostgresCluster
from rig.server import new_database, run_signalboxd
from rig.waiting import eventually


@pytest.fixture
def cluster_with():
    """Makes a running cluster with such settings."""
    clusters = []

    def make(**settings):
        clusters.append(PostgresCluster(**settings))
        return clusters[-1].start()

    yield make
    for cluster in clusters:
        cluster.remove()


def pending_if_there(client, run):
    """What is pending, or None while the database is away."""
    try:
        return client.get_all(run)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_database_that_may_lose_what_it_wrote_is_refused(cluster_with, setting):
    cluster = cluster_with()
    url = cluster.url(new_database(cluster))
    cluster.sql(f"ALTER SYSTEM SET {setting} = off")
    cluster.sql("SELECT pg_reload_conf()")
    done = run_signalboxd("--database-url", url, "--listen", "127.0.0.1:0")
    assert done.returncode != 0
    assert setting in done.stderr and "durable" in done.stderr, done.stderr


def test_commits_are_flushed_although_the_database_would_not(cluster_with, start_server):
    """synchronous_commit is off, and nobody writes the log meanwhile: what survives was flushed by the commit."""
    cluster = cluster_with(synchronous_commit="off", wal_writer_delay="10s")
    server = start_server("--database-url", cluster.url(new_database(cluster)))
    client = server.connect()
    run = client.create_run()
    stored = [client.publish(run) for _ in range(20)]
    cluster.kill()
    cluster.start()
    assert eventually(lambda: pending_if_there(client, run), what="an answer after the crash") == stored
