"""Two servers on one database: news cross over, with NOTIFY, without it, and when the listener is cut."""

import time

import grpc
import pytest
from signalbox.v1 import message_pb2, message_service_pb2, run_pb2

from rig.server import new_database
from rig.waiting import Background, eventually


class Pair:
    """Two replicas and a run; the publisher talks to one, the reader to the other."""

    def __init__(self, one, other):
        self.publisher, self.reader = one.connect(), other.connect()
        self.run = self.publisher.create_run()


@pytest.fixture
def pair(server, replica):
    return Pair(server, replica)


@pytest.fixture
def silent_pair(start_server, cluster):
    """Without NOTIFY in either of them."""
    url = cluster.url(new_database(cluster))
    return Pair(start_server("--database-url", url, "--no-notify"), start_server("--database-url", url, "--no-notify"))


def seconds_to_deliver(pair, stream):
    message = pair.publisher.publish(pair.run)
    began = time.monotonic()
    assert stream.message_with(message.id) == message
    return time.monotonic() - began


def test_a_message_arrives_at_the_other_replica_within_milliseconds(pair):
    with pair.reader.subscribe(pair.run) as stream:
        stream.synced()
        took = sorted(seconds_to_deliver(pair, stream) for _ in range(30))
        assert took[-1] < 1, took
        assert took[len(took) // 2] < 0.2, took


def test_without_notify_it_arrives_within_2_s(silent_pair):
    with silent_pair.reader.subscribe(silent_pair.run) as stream:
        stream.synced()
        took = [seconds_to_deliver(silent_pair, stream) for _ in range(4)]
        assert max(took) < 2, took


def test_without_notify_withdrawals_and_the_end_arrive_within_2_s(silent_pair):
    publisher, run = silent_pair.publisher, silent_pair.run
    message = publisher.publish(run)
    with silent_pair.reader.subscribe(run) as stream:
        stream.message_with(message.id)
        publisher.ack(message, "elsewhere")
        assert stream.withdrawal_of(message.id, timeout=2.5).consumer == "elsewhere"
        publisher.end_run(run, run_pb2.RUN_OUTCOME_STOPPED)
        assert stream.end(2.5) == grpc.StatusCode.OK
        assert stream.kinds()[-1] == "run_ended"


def test_withdrawals_cross_over(pair):
    messages = [pair.publisher.publish(pair.run) for _ in range(3)]
    with pair.reader.subscribe(pair.run) as stream:
        stream.synced()
        pair.publisher.ack(messages[0], "elsewhere")
        assert stream.withdrawal_of(messages[0].id, timeout=1).consumer == "elsewhere"
        pair.publisher.cancel(messages[1])
        assert stream.withdrawal_of(messages[1].id, timeout=1).state == message_pb2.MESSAGE_STATE_CANCELLED


def test_the_end_of_a_run_crosses_over(pair):
    with pair.reader.subscribe(pair.run) as stream:
        stream.synced()
        pair.publisher.end_run(pair.run, run_pb2.RUN_OUTCOME_STOPPED)
        assert stream.end(2) == grpc.StatusCode.OK
        assert stream.events[-1][1].run_ended.outcome == run_pb2.RUN_OUTCOME_STOPPED


@pytest.mark.parametrize("which", ["pair", "silent_pair"])
@pytest.mark.parametrize("until", [message_service_pb2.AWAIT_UNTIL_ACKED, message_service_pb2.AWAIT_UNTIL_FINISHED])
def test_an_await_sees_what_happens_at_the_other_replica(request, which, until):
    pair = request.getfixturevalue(which)
    message = pair.publisher.publish(pair.run)
    waiting = Background(lambda: pair.reader.await_message(message, until, timeout=15))
    assert pair.reader.await_message(message, until, timeout=0.2) == message  # Surely waiting by now.
    began = time.monotonic()
    pair.publisher.ack(message, "elsewhere", outcome=1, step=3)
    assert waiting.result().step == 3
    assert time.monotonic() - began < (1 if which == "pair" else 2.5)


def test_an_await_sees_the_end_of_the_run_at_the_other_replica(pair):
    message = pair.publisher.publish(pair.run)
    waiting = Background(lambda: pair.reader.await_message(message, timeout=15))
    pair.publisher.end_run(pair.run)
    assert waiting.result(5).state == message_pb2.MESSAGE_STATE_UNDELIVERED


def test_every_read_that_begins_later_sees_it_on_the_other_replica(pair):
    for i in range(30):
        message = pair.publisher.publish(pair.run, "k", i)
        assert message in pair.reader.get_all(pair.run)
        pair.publisher.ack(message)
        assert pair.reader.get_all(pair.run) == []
    run = pair.publisher.create_run()
    assert pair.reader.get_run(run) == run


def publish_in_any_case(client, run, request_id):
    """Publishes through a cut connection: UNAVAILABLE means try again with the same request id."""
    def attempt():
        try:
            return client.publish(run, request_id=request_id)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return None

    return eventually(attempt, 10, what="a publish")


def test_cut_database_sessions_lose_nothing(pair, cluster, database):
    """The listener's session among them: what is told meanwhile must be found all the same."""
    with pair.reader.subscribe(pair.run) as stream:
        stream.synced()
        for round_number in range(3):
            assert cluster.cut_sessions(database) >= 2
            message = publish_in_any_case(pair.publisher, pair.run, f"r{round_number}")
            assert stream.message_with(message.id, timeout=4).sequence == round_number + 1
        eventually(lambda: seconds_to_deliver(pair, stream) < 0.5, 10, what="fast delivery again")
        assert stream.sequences() == list(range(1, len(stream.sequences()) + 1))


def test_a_stream_moves_to_the_other_replica_when_its_own_dies(server, start_server, cluster, database):
    dying = start_server("--database-url", cluster.url(database))
    client, run = server.connect(), server.connect().create_run()
    first = client.publish(run)
    stream = dying.connect().subscribe(run)
    cursor = stream.synced(1).cursor
    dying.kill()
    assert stream.end(10) == grpc.StatusCode.UNAVAILABLE
    client.ack(first)
    second = client.publish(run)
    with client.subscribe(run, cursor=cursor) as resumed:
        resumed.synced(2)
        assert [w.message_id for w in resumed.withdrawn()] == [first.id]
        assert resumed.messages() == [second]
