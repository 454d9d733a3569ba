"""The primary is lost and its synchronous standby promoted: nothing acknowledged is lost, and no client is left
with the old history."""

import pytest

from rig.client import OUT_OF_RANGE
from rig.publishers import Publishers
from rig.server import NOT_SERVING, SERVING, new_database
from rig.waiting import eventually


@pytest.fixture
def server_of_pair(start_server, pair_of_clusters):
    """Its URL names the standby too and says nothing of which is which."""
    return start_server("--database-url", pair_of_clusters.url(new_database(pair_of_clusters.primary)))


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
