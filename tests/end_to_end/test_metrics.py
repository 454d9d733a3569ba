"""The metrics, as Prometheus reads them."""

import pytest

from rig.client import INVALID, refused
from rig.metrics import read_metrics
from rig.postgres import free_port
from rig.server import run_signalboxd
from rig.waiting import Background, eventually


@pytest.fixture
def address():
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def measured(start_server, cluster, database, address):
    return start_server("--database-url", cluster.url(database), "--metrics-listen", address)


def has(address, **expected):
    """Waits for these values; gauges are read a few times in a second."""
    names = {f"signalbox_{name}": value for name, value in expected.items()}
    eventually(lambda: names.items() <= read_metrics(address).items(), 5, what=f"{names}")


def test_calls_are_counted_by_outcome(measured, address):
    client = measured.connect()
    run = client.create_run()
    messages = [client.publish(run) for _ in range(3)]
    with refused(INVALID):
        client.publish(run, key="")
    client.try_ack(messages, outcome=1)
    with refused(INVALID):
        client.try_ack([], outcome=1)
    metrics = read_metrics(address)
    assert metrics['signalbox_publishes_total{code="OK"}'] == 3
    assert metrics['signalbox_publishes_total{code="INVALID_ARGUMENT"}'] == 1
    assert metrics['signalbox_publishes_total{code="UNAVAILABLE"}'] == 0
    assert metrics['signalbox_acks_total{code="OK"}'] == 1
    assert metrics['signalbox_acks_total{code="INVALID_ARGUMENT"}'] == 1
    assert metrics["signalbox_commit_group_size_sum"] == 4
    assert metrics["signalbox_commit_seconds_count"] == metrics['signalbox_commit_group_size_bucket{le="+Inf"}']


def test_gauges_follow_what_is_open(measured, address):
    client = measured.connect()
    run = client.create_run()
    message = client.publish(run)
    has(address, database_up=1, notify_healthy=1, streams_open=0, awaits_open=0, writes_waiting=0)
    waiting = Background(lambda: client.await_message(message, timeout=20))
    with client.subscribe(run) as stream:
        stream.synced(1)
        has(address, streams_open=1, awaits_open=1)
    client.ack(message, outcome=1)
    assert waiting.result().id == message.id
    has(address, streams_open=0, awaits_open=0)
    assert read_metrics(address)["signalbox_database_connections"] >= 1


@pytest.mark.parametrize("bad, text", [("0.0.0.0:9464", "authentication"), ("unix:/tmp/x", "TCP"), ("nonsense", "port")])
def test_an_address_that_will_not_do_is_refused(cluster, database, bad, text):
    done = run_signalboxd("--metrics-listen", bad, "--database-url", cluster.url(database))
    assert done.returncode == 2
    assert "--metrics-listen" in done.stderr and text in done.stderr


def test_a_taken_port_is_refused(measured, address, cluster, database):
    done = run_signalboxd("--listen", f"127.0.0.1:{free_port()}", "--metrics-listen", address,
                          "--database-url", cluster.url(database))
    assert done.returncode == 1
    assert address in done.stderr
