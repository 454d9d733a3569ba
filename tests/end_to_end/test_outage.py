"""Postgres away and back again: errors are quick and say so, streams stay open, health tells."""

import signal
import time

import grpc
import pytest

from rig.server import NOT_SERVING, SERVING, new_database
from rig.waiting import Background, eventually


@pytest.fixture
def own_server(start_server, private_cluster):
    return start_server("--database-url", private_cluster.url(new_database(private_cluster)))


def test_an_outage_of_postgres_from_end_to_end(own_server, private_cluster):
    client = own_server.connect()
    run = client.create_run()
    first = client.publish(run)
    stream = client.subscribe(run)
    cursor = stream.synced(1).cursor

    private_cluster.stop(signal.SIGINT)
    eventually(lambda: own_server.health() == NOT_SERVING, 10, what="health NOT_SERVING")
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        client.publish(run, request_id="during")
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - began < 5
    stale = stream.wait(lambda: next((p for p in stream.progress() if p.stale), None), 12, "a stale progress")
    assert stale.cursor == cursor, "the position must stay where it was"
    assert stream.code is None, "the stream must stay open"

    private_cluster.start()
    eventually(lambda: own_server.health() == SERVING, 10, what="health SERVING again")
    second = eventually(lambda: _published(client, run), 5)
    assert stream.message_with(second.id, timeout=5) == second
    fresh = stream.synced(2)
    assert not fresh.stale
    client.ack(first)
    stream.withdrawal_of(first.id)
    assert stream.sequences() == [1, 2]
    stream.close()


def _published(client, run):
    try:
        return client.publish(run, request_id="during")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None


def test_every_call_is_unavailable_and_none_is_internal(own_server, private_cluster):
    client = own_server.connect()
    run = client.create_run()
    message = client.publish(run)
    private_cluster.stop(signal.SIGQUIT)
    calls = {
        "Publish": lambda: client.publish(run), "Get": lambda: client.get(run), "GetAll": lambda: client.get_page(run),
        "Ack": lambda: client.ack(message), "Await": lambda: client.await_message(message, timeout=0),
        "Cancel": lambda: client.cancel(message), "ListMessages": lambda: client.list_page(run),
        "CreateRun": client.create_run, "GetRun": lambda: client.get_run(run), "ListRuns": client.list_runs,
        "EndRun": lambda: client.end_run(run), "DeclareKeys": lambda: client.declare(run, ["k"]),
    }
    for name, call in calls.items():
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE, f"{name}: {caught.value.details()}"
        assert time.monotonic() - began < 5, name
    private_cluster.start()
    # Not health: on a slow machine it may not have noticed the outage yet.
    assert eventually(lambda: _pending(client, run), 10) == [message]


def _pending(client, run):
    try:
        return client.get_all(run)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None


def test_a_hanging_postgres_does_not_hang_the_callers(own_server, private_cluster):
    """Stopped, not ended: connections stay open and answer nothing."""
    client = own_server.connect()
    run = client.create_run()
    client.publish(run)
    private_cluster.pause()
    try:
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            client.publish(run, request_id="r", timeout=15)
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert time.monotonic() - began < 16
    finally:
        private_cluster.resume()
    published = eventually(lambda: _published_as(client, run, "r"), 15)
    assert published.sequence == 2


def test_a_stream_that_a_hanging_postgres_does_not_open_is_refused(own_server, private_cluster):
    """It once said nothing until the database was back."""
    client = own_server.connect()
    run = client.create_run()
    private_cluster.pause()
    try:
        with client.subscribe(run) as stream:
            eventually(lambda: stream.code is not None, 5, what="an answer")
            assert stream.code == grpc.StatusCode.UNAVAILABLE, stream.details
            assert "try again" in stream.details and stream.events == []
    finally:
        private_cluster.resume()
    eventually(lambda: own_server.health() == SERVING, 10)
    with client.subscribe(run) as stream:
        stream.synced()


def _published_as(client, run, request_id):
    try:
        return client.publish(run, request_id=request_id, timeout=3)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), error
        return None


def test_an_await_outlives_a_short_outage(own_server, private_cluster):
    """It may end UNAVAILABLE, never with a wrong answer; a repeat gets the right one."""
    client = own_server.connect()
    run = client.create_run()
    message = client.publish(run)
    waiting = Background(lambda: client.await_message(message, timeout=25))
    private_cluster.stop(signal.SIGQUIT)
    private_cluster.start()
    eventually(lambda: own_server.health() == SERVING, 10)
    done = eventually(lambda: _acked(client, message), 5)
    try:
        assert waiting.result() == done
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
    assert client.await_message(message, timeout=5) == done


def _acked(client, message):
    try:
        return client.ack(message, "reader", outcome=1).message
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None
