"""Pruning: what is over goes by age; whoever is behind is told, and nobody else notices."""

import time
from contextlib import closing

import pytest
from signalbox.v1 import message_pb2, message_service_pb2

from rig.client import INVALID, NOT_FOUND, OUT_OF_RANGE, Client, refused, run_ref
from rig.server import Server, new_database, run_signalboxd
from rig.values import string_value_of_size
from rig.waiting import Background, eventually

APPLIED = message_service_pb2.ACK_OUTCOME_APPLIED
SHORT = ("--message-retention", "1s", "--run-retention", "1s")


@pytest.fixture(scope="module")
def server(cluster, database, tmp_path_factory):
    """Keeps what is over for a second."""
    server = Server(tmp_path_factory.mktemp("server"), "--database-url", cluster.url(database), *SHORT)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def run(client):
    return client.create_run()


def publish_and_finish(client, run, count):
    messages = [client.publish(run, value=i) for i in range(count)]
    client.try_ack(messages, outcome=APPLIED)
    return messages


def wait_until_pruned(client, run, sequence, timeout=20):
    """Until nothing up to `sequence` is in the history."""
    eventually(lambda: all(m.sequence > sequence for m in client.history(run)), timeout,
               what=f"pruning up to {sequence}")


def cursor_of(client, run):
    with client.subscribe(run) as stream:
        return stream.synced().cursor


def end_of(client, run, cursor):
    with client.subscribe(run, cursor=cursor) as stream:
        return stream.end(8), stream.kinds()


def test_finished_messages_of_an_active_run_go(client, run):
    finished = publish_and_finish(client, run, 5)
    pending = client.publish(run)
    behind = client.publish(run)
    client.ack(behind, outcome=APPLIED)
    wait_until_pruned(client, run, 5)
    assert [m.sequence for m in client.history(run)] == [7, 6], "what is pending keeps what comes after it"
    with refused(NOT_FOUND):
        client.message(finished[0])
    with refused(NOT_FOUND):
        client.ack(finished[0])
    client.ack(pending, outcome=APPLIED)
    wait_until_pruned(client, run, 7)
    assert client.get_run(run).head_sequence == 7
    assert client.publish(run).sequence == 8


def test_a_cursor_below_the_floor_is_out_of_range(client, run):
    seen = client.publish(run)
    cursors = [cursor_of(client, run), client.get_page(run).cursor]
    client.ack(seen, outcome=APPLIED)
    new = client.publish(run)
    wait_until_pruned(client, run, 1)
    for cursor in cursors:
        assert end_of(client, run, cursor) == (OUT_OF_RANGE, [])
    with client.subscribe(run) as stream:
        stream.synced(2)
        assert stream.messages() == [new]


def test_a_cursor_at_the_head_resumes_after_pruning(client, run):
    publish_and_finish(client, run, 3)
    cursor = cursor_of(client, run)
    wait_until_pruned(client, run, 3)
    new = client.publish(run)
    with client.subscribe(run, cursor=cursor) as stream:
        assert stream.message_with(new.id) == new


def test_an_open_stream_that_is_up_to_date_notices_nothing(client, run):
    with client.subscribe(run) as stream:
        stream.synced()
        for round_number in range(1, 4):
            messages = [client.publish(run) for _ in range(10)]
            stream.message_with(messages[-1].id)
            client.try_ack(messages, outcome=APPLIED)
            wait_until_pruned(client, run, 10 * round_number)
        last = client.publish(run)
        stream.message_with(last.id)
        assert stream.code is None
        assert stream.sequences() == list(range(1, 32))


def test_a_stalled_reader_is_told(server, client, run):
    """Its stream is open all the time, but at a place below the floor when it goes on reading."""
    request = message_service_pb2.SubscribeRequest(run=run_ref(run))
    # Its window stays as small as it is; on a slow machine it could grow until everything fits in.
    with closing(Client(server.address, [("grpc.http2.bdp_probe", 0)])) as reader:
        stalled = reader.Subscribe(request, timeout=60)
        assert next(stalled) is not None
        messages = [client.publish(run, value=string_value_of_size(60_000)) for _ in range(80)]
        client.try_ack(messages, outcome=APPLIED)
        publish_and_finish(client, run, 1)
        wait_until_pruned(client, run, 81)
        shown = set()
        with refused(OUT_OF_RANGE):
            for response in stalled:
                if response.WhichOneof("event") == "message":
                    shown.add(response.message.sequence)
                assert not response.HasField("progress") or not response.progress.synced
    assert shown == set(range(1, len(shown) + 1)) and len(shown) < 81


def test_pages_of_history_have_no_hole(client, run):
    publish_and_finish(client, run, 20)
    kept = [client.publish(run) for _ in range(10)]
    page = client.list_page(run, page_size=15)
    wait_until_pruned(client, run, 20)
    rest = client.list_page(run, page_size=15, page_token=page.next_page_token)
    assert [m.sequence for m in page.messages] == list(range(30, 15, -1))
    assert not rest.messages and not rest.next_page_token
    assert [m.sequence for m in client.history(run)] == [m.sequence for m in reversed(kept)]


def test_pages_of_what_is_pending_miss_nothing(client, run):
    first = [client.publish(run) for _ in range(20)]
    page = client.get_page(run, page_size=10)
    client.try_ack(first[:15], outcome=APPLIED)
    wait_until_pruned(client, run, 15)
    rest = client.get_page(run, page_size=10, page_token=page.next_page_token)
    assert list(rest.messages) == first[15:]
    assert rest.cursor == page.cursor
    assert end_of(client, run, rest.cursor) == (OUT_OF_RANGE, [])


def test_a_request_id_is_kept_as_long_as_its_message(client, run):
    first = client.publish(run, request_id="once")
    client.ack(first, outcome=APPLIED)
    assert client.publish(run, request_id="once").id == first.id
    wait_until_pruned(client, run, 1)
    second = client.publish(run, request_id="once")
    assert second.sequence == 2
    assert client.publish(run, request_id="once") == second


def test_an_ended_run_goes_with_everything(client):
    run = client.create_run(run_id="gone", project="lab/gone")
    client.declare(run, ["k"])
    pending, claimed = client.publish(run), client.publish(run)
    client.ack(claimed)
    cursor = cursor_of(client, run)
    token = client.list_page(run, page_size=1).next_page_token
    client.end_run(run)
    eventually(lambda: run not in client.list_runs(project="lab/gone").runs and
               not client.list_runs(project="lab/gone").runs, 20, what="the end of the run")
    for act in (lambda: client.get_run(run), lambda: client.publish(run), lambda: client.end_run(run),
                lambda: client.get_all(run), lambda: client.get(run), lambda: client.history(run),
                lambda: client.declare(run, ["k"]), lambda: client.message(pending), lambda: client.ack(claimed)):
        with refused(NOT_FOUND):
            act()
    assert end_of(client, run, cursor) == (NOT_FOUND, [])

    again = client.create_run(run_id="gone", project="lab/gone")
    assert again.rank == run.rank + 1, "ranks are never reused"
    assert client.publish(again).sequence == 1
    assert end_of(client, again, cursor) == (INVALID, []), "a cursor of the old run is none of the new one"
    with refused(INVALID, "page_token"):
        client.list_page(again, page_size=1, page_token=token)


def test_a_stream_of_a_run_ends_with_run_ended_before_it_goes(client, run):
    with client.subscribe(run) as stream:
        stream.synced()
        client.end_run(run)
        stream.end()
        assert stream.kinds()[-1] == "run_ended"


def test_an_await_of_a_pruned_message_ends(client, run):
    message = client.publish(run)
    waiting = Background(lambda: client.await_message(message, timeout=25))
    client.ack(message, outcome=APPLIED)
    assert waiting.result().state == message_pb2.MESSAGE_STATE_APPLIED
    wait_until_pruned(client, run, 1)
    with refused(NOT_FOUND):
        client.await_message(message, timeout=25)


def test_two_replicas_prune_while_both_publish(server, start_server, cluster, database):
    other = start_server("--database-url", cluster.url(database), *SHORT)
    clients = [server.connect(), other.connect()]
    run = clients[0].create_run()
    stop = time.monotonic() + 8
    with clients[1].subscribe(run) as stream:
        stream.synced()

        def work(client):
            mine = []
            while time.monotonic() < stop:
                message = stream.message_with(client.publish(run).id)
                mine.append(message.sequence)
                assert client.ack(message, outcome=APPLIED).claimed
            return mine

        workers = [Background(lambda client=client: work(client)) for client in clients]
        published = sorted(sequence for worker in workers for sequence in worker.result(60))
        assert published == list(range(1, len(published) + 1))
        assert stream.sequences() == published, "who keeps up misses nothing"
    wait_until_pruned(clients[0], run, len(published))
    for replica in (server, other):
        assert replica.process.poll() is None
        assert '"ERROR"' not in replica.log()


def test_nothing_goes_by_default_or_when_it_is_off(start_server, cluster):
    url = cluster.url(new_database(cluster))
    servers = [start_server("--database-url", url), start_server("--database-url", url, "--no-notify", env={
        "SIGNALBOXD_RUN_RETENTION": "inf", "SIGNALBOXD_MESSAGE_RETENTION": "inf"})]
    client = servers[0].connect()
    runs = [client.create_run(), client.create_run()]
    for run in runs:
        publish_and_finish(client, run, 3)
    client.end_run(runs[1])
    witness = start_server("--database-url", cluster.url(new_database(cluster)), *SHORT).connect()
    gone = witness.create_run()
    publish_and_finish(witness, gone, 3)
    wait_until_pruned(witness, gone, 3)
    for run in runs:
        assert len(client.history(run)) == 3


@pytest.mark.parametrize("value", ["0", "0s", "-1s", "10ms", "900000h", "soon", ""])
def test_a_retention_that_makes_no_sense_is_refused(value):
    done = run_signalboxd("--run-retention", value)
    assert done.returncode == 2
    assert "--run-retention" in done.stderr
