"""The primary is lost and its synchronous standby promoted: nothing acknowledged is lost, and nobody reads on in
the old history."""

import grpc
import pytest

from rig.client import OUT_OF_RANGE
from rig.publishers import Publishers
from rig.server import NOT_SERVING, SERVING, new_database
from rig.waiting import Background, eventually


@pytest.fixture
def server_of_pair(start_server, pair_of_clusters):
    """Its URL names the standby too and says nothing of which is which."""
    return start_server("--database-url", pair_of_clusters.url(new_database(pair_of_clusters.primary)))


def promote(pair):
    pair.primary.kill()
    pair.standby.promote()


def test_acknowledged_messages_survive_the_loss_of_the_primary(server_of_pair, pair_of_clusters):
    client = server_of_pair.connect()
    run = client.create_run()
    publishers = Publishers(server_of_pair.address, run)
    publishers.wait_for(100)
    pair_of_clusters.primary.kill()
    eventually(lambda: server_of_pair.health() == NOT_SERVING, 10, what="health NOT_SERVING")
    before = len(publishers.acknowledged)
    pair_of_clusters.standby.promote()
    publishers.wait_for(before + 20)
    publishers.finish()
    eventually(lambda: server_of_pair.health() == SERVING, 10, what="health SERVING")
    publishers.check(client)


def test_streams_and_cursors_of_the_lost_primary_end_with_out_of_range(server_of_pair, pair_of_clusters):
    client = server_of_pair.connect()
    run = client.create_run()
    message = client.publish(run)
    stream = client.subscribe(run)
    cursor = stream.synced(1).cursor
    pair_of_clusters.primary.kill()
    stream.wait(lambda: any(p.stale for p in stream.progress()), 12, "a stale progress")
    assert stream.code is None, "the stream must stay open while there is no primary"
    pair_of_clusters.standby.promote()
    assert stream.end(10) == OUT_OF_RANGE
    with client.subscribe(run, cursor=cursor) as resumed:
        assert resumed.end(10) == OUT_OF_RANGE
        assert resumed.kinds() == []
    with client.subscribe(run) as fresh:
        fresh.synced(1)
        assert fresh.messages() == [message]


def test_a_primary_that_comes_back_is_not_used(server_of_pair, pair_of_clusters):
    """It still accepts writes and comes first in the URL, but its history ended with the promotion."""
    client = server_of_pair.connect()
    run = client.create_run()
    first = client.publish(run)
    promote(pair_of_clusters)
    second = eventually(lambda: published(client, run, "second"), 15)
    pair_of_clusters.primary.start()
    assert pair_of_clusters.primary.sql("SELECT pg_is_in_recovery()") == [["f"]]
    pair_of_clusters.standby.cut_sessions(database_of(server_of_pair))
    for _ in range(5):
        assert unless_unavailable(lambda: client.get_all(run)) in (None, [first, second])
    pair_of_clusters.primary.stop()
    third = eventually(lambda: published(client, run, "third"), 15)
    assert eventually(lambda: unless_unavailable(lambda: client.get_all(run)), 10) == [first, second, third]


def unless_unavailable(call):
    """What the call returns, or None when it is UNAVAILABLE; no other error will do."""
    try:
        return call()
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None


def published(client, run, request_id):
    return unless_unavailable(lambda: client.publish(run, request_id=request_id))


def database_of(server):
    return server.arguments[server.arguments.index("--database-url") + 1].rsplit("/", 1)[1]


def test_a_commit_that_did_not_wait_for_the_standby_is_in_doubt(server_of_pair, pair_of_clusters):
    """Postgres calls it a success with a warning when somebody cancels the wait; a failover would lose it."""
    client = server_of_pair.connect()
    run = client.create_run()
    pair_of_clusters.standby.stop()
    publishing = Background(lambda: published(client, run, "r"))
    cancel = ("SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
              "WHERE wait_event = 'SyncRep' AND application_name = 'signalboxd-writer'")
    eventually(lambda: pair_of_clusters.primary.sql(cancel), 10, what="a commit that waits for the standby")
    assert publishing.result() is None
    assert pair_of_clusters.primary.sql("SELECT count(*) FROM signalbox.messages", database_of(server_of_pair)) == [["1"]]
    pair_of_clusters.standby.start()
    assert eventually(lambda: published(client, run, "r"), 10).sequence == 1
