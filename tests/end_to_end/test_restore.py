"""A database that was set back to an older state: cursors of the lost future must not be honoured.

Set back in two ways: another database takes the place of the lost one, or the files of the whole cluster do.
"""

import grpc
import pytest
from signalbox.v1 import message_service_pb2

from rig.client import OUT_OF_RANGE, run_ref
from rig.postgres import PostgresCluster
from rig.server import Server, new_database
from rig.values import to_value
from rig.waiting import eventually


def swap_database(cluster, name):
    """Returns (back up, restore) for one database."""
    def restore():
        cluster.drop_database(name)
        cluster.copy_database(name + "_copy", name)

    return lambda: cluster.copy_database(name, name + "_copy"), restore


def swap_files(cluster, name):
    """Returns (back up, restore) for all files of the cluster."""
    def while_stopped(act):
        cluster.stop()
        act()
        cluster.start()

    return lambda: while_stopped(cluster.back_up_files), lambda: while_stopped(cluster.restore_files)


def read_to_the_end(client, run, **fields):
    with client.subscribe(run, **fields) as stream:
        stream.synced()
    return stream


class Story:
    """What was kept, what was lost, and the cursors from the time before the loss."""

    def __init__(self, client):
        self.client = client
        self.untouched, self.shorter, self.rewritten, self.longer, self.claimed = runs = [
            client.create_run() for _ in range(5)]
        self.kept = {run.id: client.publish(run, value="kept") for run in runs}
        self.lost, self.cursors = {}, {}

    def go_on(self):
        """Happens after the copy was made, and will be lost."""
        for run in (self.shorter, self.rewritten, self.longer):
            self.lost[run.id] = [self.client.publish(run, value="lost") for _ in range(3)]
        self.client.ack(self.kept[self.claimed.id])
        for run in (self.untouched, self.shorter, self.rewritten, self.longer, self.claimed):
            self.cursors[run.id] = read_to_the_end(self.client, run).progress()[-1].cursor

    def go_on_differently(self):
        """Happens after the database was set back."""
        self.new = {run.id: [self.client.publish(run, value="new") for _ in range(count)]
                    for run, count in ((self.rewritten, 3), (self.longer, 5))}

    def assert_out_of_range(self, run):
        with self.client.subscribe(run, cursor=self.cursors[run.id]) as stream:
            assert stream.end(8) == OUT_OF_RANGE, stream.details
            assert stream.kinds() == []
        fresh = read_to_the_end(self.client, run)
        assert fresh.messages() == self.client.get_all(run)


@pytest.fixture(scope="module", params=[swap_database, swap_files])
def restored(request, tmp_path_factory):
    cluster = PostgresCluster()
    server = None
    try:
        cluster.start()
        name = new_database(cluster)
        back_up, restore = request.param(cluster, name)
        server = Server(tmp_path_factory.mktemp("restored"), "--database-url", cluster.url(name)).start()
        story = Story(server.connect())
        for act, happens in ((back_up, story.go_on), (restore, story.go_on_differently)):
            server.terminate()
            act()
            server.start()
            happens()
        yield story
    finally:
        if server is not None:
            server.close()
        cluster.remove()


def test_what_was_there_at_the_copy_is_there_again(restored):
    for run in (restored.untouched, restored.shorter, restored.claimed):
        assert restored.client.get_all(run) == [restored.kept[run.id]]


def test_ids_of_lost_messages_are_not_used_again(restored):
    for run in (restored.rewritten, restored.longer):
        new, lost = restored.new[run.id], restored.lost[run.id]
        assert [m.sequence for m in new[:3]] == [m.sequence for m in lost]
        assert not {m.id for m in new} & {m.id for m in lost}


def test_a_cursor_beyond_the_head_is_out_of_range(restored):
    restored.assert_out_of_range(restored.shorter)


@pytest.mark.parametrize("run", ["rewritten", "longer"])
def test_a_cursor_that_knows_other_messages_is_out_of_range(restored, run):
    """The lost sequences belong to other messages now; a client that resumed would miss them."""
    restored.assert_out_of_range(getattr(restored, run))


def test_a_cursor_that_knows_of_a_lost_claim_is_out_of_range(restored):
    """The message is pending again; a client that resumed would never hear of it."""
    restored.assert_out_of_range(restored.claimed)


def publish_two(client, run):
    """The sequences of two messages that are published in one call."""
    one = message_service_pb2.PublishRequest(run=run_ref(run), key="k", value=to_value(1))
    results = client.PublishMany(message_service_pb2.PublishManyRequest(requests=[one, one])).results
    return [result.response.message.sequence for result in results if result.HasField("response")]


def soon(call):
    """What `call` returns when the sessions of before are gone and the database is back."""
    def unless_away():
        try:
            return call()
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return None
    return eventually(unless_away, 20)


def test_a_server_that_lives_on_goes_on_from_what_is_there(start_server, private_cluster):
    """It remembers how far its runs were, and they are not as far any more."""
    name = new_database(private_cluster)
    back_up, restore = swap_files(private_cluster, name)
    client = start_server("--database-url", private_cluster.url(name)).connect()
    run = client.create_run()
    assert publish_two(client, run) == [1, 2]
    back_up()
    assert soon(lambda: publish_two(client, run)) == [3, 4]
    assert publish_two(client, run) == [5, 6]
    restore()
    assert soon(lambda: publish_two(client, run)) == [3, 4]
    assert [m.sequence for m in soon(lambda: client.get_all(run))] == [1, 2, 3, 4]
    assert soon(lambda: client.get_run(run)).pending_count == 4
