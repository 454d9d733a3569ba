"""Of several things wrong with a request, the first of the contract's order is answered:

bad input, no such thing, what the request_id says, the run ended, accumulated limits.
"""

import pytest
from signalbox.v1 import message_pb2, run_pb2

from rig.client import (EXHAUSTED, EXISTS, INVALID, NOT_FOUND, PRECONDITION,
                        refused)
from rig.waiting import at_once


@pytest.fixture(scope="module")
def full_run(client, new_run):
    """A run with 1,000 pending messages, one of them with request_id "first"."""
    run = new_run()
    client.publish(run, value=0, request_id="first")
    at_once([lambda: [client.publish(run) for _ in range(111)] for _ in range(9)])
    assert client.get_run(run).pending_count == 1000
    return run


def test_bad_input_comes_before_an_unknown_run(client):
    with refused(INVALID, "key"):
        client.publish("no-such-run", key="")
    with refused(INVALID, "page_size"):
        client.get_page("no-such-run", page_size=-1)
    with refused(INVALID, "outcome"):
        client.end_run("no-such-run", 0)
    with refused(INVALID):
        client.declare("no-such-run", [run_pb2.KeyDeclaration(key=" ")])


def test_bad_input_comes_before_an_unknown_message(client):
    with refused(INVALID, "consumer"):
        client.try_ack(["nonsense"], "")
    with refused(INVALID, "outcome"):
        client.try_ack(["nonsense"], step=3)
    with refused(INVALID, "reason"):
        client.cancel(message_pb2.Message(id="nonsense"), "x" * 1025)
    with refused(INVALID, "timeout"):
        client.await_message(message_pb2.Message(id="nonsense"), timeout=-1)


def test_bad_input_comes_before_a_known_request_id(client, new_run):
    run = new_run()
    client.publish(run, value=1, request_id="r")
    with refused(INVALID, "value"):
        client.publish(run, value=float("nan"), request_id="r")


def test_bad_input_comes_before_an_ended_run(client, new_run):
    run = new_run()
    client.end_run(run)
    with refused(INVALID, "value"):
        client.publish(run, value=float("nan"))
    with refused(INVALID, "key"):
        client.declare(run, [run_pb2.KeyDeclaration(key="")])


def test_bad_input_comes_before_a_full_run(client, full_run):
    with refused(INVALID, "reason"):
        client.publish(full_run, reason="x" * 1025)


def test_a_known_request_id_comes_before_an_ended_run(client, new_run):
    run = new_run()
    first = client.publish(run, value=1, request_id="r")
    client.end_run(run)
    assert client.publish(run, value=1, request_id="r").id == first.id
    with refused(EXISTS, "request_id"):
        client.publish(run, value=2, request_id="r")


def test_a_known_request_id_comes_before_a_full_run(client, full_run):
    assert client.publish(full_run, value=0, request_id="first").sequence == 1
    with refused(EXISTS):
        client.publish(full_run, value=1, request_id="first")


def test_an_ended_run_comes_before_its_limits(client, new_run):
    run = new_run()
    client.declare(run, [f"k{i}" for i in range(256)])
    client.end_run(run)
    with refused(PRECONDITION):
        client.declare(run, ["one-more"])


def test_the_limit_is_answered_when_nothing_else_is_wrong(client, full_run):
    with refused(EXHAUSTED, "pending", ("1000", "1,000")):
        client.publish(full_run)


def test_an_unknown_project_with_a_bad_message_is_bad_input(client):
    with refused(INVALID, "key"):
        client.publish(("no/such", 1), key="x" * 129)
    with refused(NOT_FOUND):
        client.publish(("no/such", 1))
