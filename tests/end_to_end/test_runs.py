"""Runs: creation and its repeats, ranks, names, the end of a run, and declared keys."""

import re
import time

import grpc
import pytest
from signalbox.v1 import message_pb2, run_pb2

from rig.client import (EXHAUSTED, EXISTS, INVALID, NOT_FOUND, PRECONDITION,
                        refused)
from rig.values import instant
from rig.waiting import at_once


def test_a_new_run_as_it_is_returned(client):
    before = time.time()
    run = client.create_run("lab/new", run_id="job-17", title="Baseline é", labels={"user": "ada", "gpu": ""})
    assert (run.id, run.project, run.rank, run.title) == ("job-17", "lab/new", 1, "Baseline é")
    assert dict(run.labels) == {"user": "ada", "gpu": ""}
    assert run.state == run_pb2.RUN_STATE_ACTIVE
    assert run.outcome == run_pb2.RUN_OUTCOME_UNSPECIFIED
    assert before - 1 <= instant(run.create_time) <= time.time() + 1
    assert not run.HasField("end_time")
    assert (run.head_sequence, run.pending_count, list(run.keys)) == (0, 0, [])
    assert client.get_run("job-17") == client.get_run(("lab/new", 1)) == run


def test_the_server_makes_an_id_of_10_base_32_characters(client):
    ids = {client.create_run("lab/ids").id for _ in range(50)}
    assert len(ids) == 50
    for run_id in ids:
        assert re.fullmatch(r"[a-z0-9]{10}", run_id) and re.search(r"[a-z]", run_id), run_id
    assert len(set("".join(ids))) <= 32


@pytest.mark.parametrize("run_id", ["a", "0a", "a.b_c-d", "x" * 64, "job-2024-01-01", "1e5", "a..b", "a-"])
def test_ids_that_are_taken(client, run_id):
    assert client.create_run("lab/names", run_id=run_id).id == run_id


@pytest.mark.parametrize("run_id", ["A", "a/b", "-a", ".a", "_a", "123", "4.5", "x" * 65, "a b", "a\n", "é", "a\0"],
                         ids=repr)
def test_ids_that_are_refused(client, run_id):
    with refused(INVALID, "run_id"):
        client.create_run("lab/names", run_id=run_id)


@pytest.mark.parametrize("project", ["a", "0", "lab/a", "a.b_c-d/0", "x" * 128, "x" * 63 + "/" + "y" * 64])
def test_projects_that_are_taken(client, project):
    run = client.create_run(project)
    assert (run.project, run.rank) == (project, 1)


@pytest.mark.parametrize("project", ["", "/", "a/", "/a", "a/b/c", "A", "-a", "a/-b", "a//b", "x" * 129, "a b",
                                     "a\n", "é"], ids=repr)
def test_projects_that_are_refused(client, project):
    with refused(INVALID, "project"):
        client.create_run(project)


def test_ranks_count_each_project_from_one(client):
    assert [client.create_run("lab/one").rank for _ in range(3)] == [1, 2, 3]
    assert client.create_run("lab/two").rank == 1
    assert client.create_run("lab/one").rank == 4


def test_ranks_are_dense_under_concurrency(server, replica):
    clients = [(server, replica)[i % 2].connect() for i in range(20)]
    runs = at_once([lambda c=c: [c.create_run("lab/rush") for _ in range(5)] for c in clients])
    runs = [run for some in runs for run in some]
    assert sorted(run.rank for run in runs) == list(range(1, 101))
    assert len({run.id for run in runs}) == 100


def test_a_run_id_repeated_with_the_same_content_is_the_same_run(client):
    content = {"project": "lab/again", "run_id": "again", "title": "t", "labels": {"a": "1", "b": "2"}}
    run = client.create_run(**content)
    assert client.create_run(**content) == run
    assert client.create_run(**{**content, "request_id": "new"}).id == run.id
    assert client.create_run("lab/again").rank == 2


@pytest.mark.parametrize("other", [{"title": "other"}, {"labels": {"a": "2"}}, {"labels": {}}, {"project": "lab/else"}],
                         ids=str)
def test_a_run_id_repeated_with_other_content_already_exists(client, new_run, other):
    run = new_run(title="t", labels={"a": "1"})
    content = {"project": run.project, "run_id": run.id, "title": "t", "labels": {"a": "1"}}
    with refused(EXISTS, run.id):
        client.create_run(**{**content, **other})
    assert client.get_run(run) == run


def test_refused_creations_burn_no_rank(client):
    first = client.create_run("lab/burn", run_id="burn-1")
    for _ in range(3):
        with refused(EXISTS):
            client.create_run("lab/burn", run_id="burn-1", title="other")
        with refused(INVALID):
            client.create_run("lab/burn", title="x" * 257)
    assert client.create_run("lab/burn").rank == first.rank + 1


def test_a_request_id_repeated_returns_the_first_run_and_burns_no_rank(client):
    run = client.create_run("lab/req", title="t", request_id="r1")
    for _ in range(3):
        assert client.create_run("lab/req", title="t", request_id="r1") == run
    assert client.create_run("lab/req", title="t", request_id="r2").rank == run.rank + 1
    assert client.create_run("lab/req2", title="t", request_id="r1").id != run.id


@pytest.mark.parametrize("other", [{"title": "other"}, {"labels": {"a": "1"}}, {"run_id": "some-other-id"}], ids=str)
def test_a_request_id_repeated_with_other_content_already_exists(client, other):
    client.create_run("lab/req3", title="t", request_id="r1")
    with refused(EXISTS, "request_id"):
        client.create_run("lab/req3", **{"title": "t", "request_id": "r1", **other})


def test_a_repeat_is_answered_after_the_run_ended(client):
    run = client.create_run("lab/req4", request_id="r1")
    ended = client.end_run(run)
    assert client.create_run("lab/req4", request_id="r1") == ended
    assert client.create_run("lab/req4").rank == 2


def test_24_concurrent_repeats_create_one_run(server, replica, client):
    clients = [(server, replica)[i % 2].connect() for i in range(24)]
    for fields in ({"request_id": "same"}, {"run_id": "same-id"}, {"run_id": "same-both", "request_id": "both"}):
        runs = at_once([lambda c=c: c.create_run("lab/same", title="t", **fields) for c in clients])
        assert len({run.id for run in runs}) == 1
    assert client.create_run("lab/same").rank == 4


def test_of_projects_racing_for_one_run_id_exactly_one_gets_it(server, replica, client):
    def create(connection, project):
        try:
            return connection.create_run(project, run_id="contested").project
        except grpc.RpcError as error:
            assert error.code() == EXISTS, error
            return None

    clients = [(server, replica)[i % 2].connect() for i in range(10)]
    winners = [p for p in at_once([lambda c=c, i=i: create(c, f"race/{i}") for i, c in enumerate(clients)]) if p]
    assert winners == [client.get_run("contested").project]
    for i in range(10):
        assert client.create_run(f"race/{i}").rank == (2 if f"race/{i}" in winners else 1)


@pytest.mark.parametrize("request_id", ["x" * 128, "a\0b", "é\n "], ids=["128", "nul", "blank"])
def test_any_string_is_a_request_id(client, request_id):
    first = client.create_run("lab/any", request_id=request_id)
    assert client.create_run("lab/any", request_id=request_id) == first


def test_a_run_counts_its_messages(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(4)]
    client.ack(messages[0])
    client.cancel(messages[1])
    now = client.get_run(run)
    assert (now.head_sequence, now.pending_count) == (4, 2)


def test_an_unknown_run_is_not_found(client):
    for call in (client.get_run, client.end_run, lambda ref: client.declare(ref, ["k"])):
        with refused(NOT_FOUND):
            call("no-such-run")


@pytest.mark.parametrize("outcome", [1, 2, 3])
def test_the_end_of_a_run(client, new_run, outcome):
    run = new_run()
    pending = [client.publish(run, ttl=None if i else 3600) for i in range(3)]
    acked = client.ack(client.publish(run)).message
    ended = client.end_run(run, outcome)
    assert (ended.state, ended.outcome, ended.pending_count) == (run_pb2.RUN_STATE_ENDED, outcome, 0)
    assert instant(ended.end_time) >= instant(ended.create_time)
    assert client.get_run(run) == ended
    for message in pending:
        now = client.message(message)
        assert now.state == message_pb2.MESSAGE_STATE_UNDELIVERED and now.HasField("finish_time")
    assert client.message(acked) == acked


def test_ended_again_the_first_outcome_stays(client, new_run):
    run = new_run()
    ended = client.end_run(run, run_pb2.RUN_OUTCOME_FAILED)
    assert client.end_run(run, run_pb2.RUN_OUTCOME_FAILED) == ended
    assert client.end_run(run, run_pb2.RUN_OUTCOME_COMPLETED) == ended


@pytest.mark.parametrize("outcome", [0, 9])
def test_an_outcome_is_required(client, new_run, outcome):
    run = new_run()
    with refused(INVALID, "outcome"):
        client.end_run(run, outcome)
    assert client.get_run(run).state == run_pb2.RUN_STATE_ACTIVE


def test_racing_ends_agree_on_one_outcome(server, replica, new_run):
    run = new_run()
    clients = [(server, replica)[i % 2].connect() for i in range(9)]
    ended = at_once([lambda c=c, i=i: c.end_run(run, i % 3 + 1) for i, c in enumerate(clients)])
    assert len({(e.outcome, e.end_time.ToNanoseconds()) for e in ended}) == 1


def test_publishes_racing_with_the_end_are_stored_or_refused(server, client, new_run):
    run = new_run()

    def publish(connection):
        stored = []
        for _ in range(200):
            try:
                stored.append(connection.publish(run).id)
            except grpc.RpcError as error:
                assert error.code() == PRECONDITION, error
                return stored
        return stored

    clients = [server.connect() for _ in range(4)]
    *stored, _ = at_once([lambda c=c: publish(c) for c in clients] + [lambda: client.end_run(run)])
    history = client.history(run)
    assert {m.id for m in history} == {i for ids in stored for i in ids}
    assert {m.state for m in history} <= {message_pb2.MESSAGE_STATE_UNDELIVERED}
    assert client.get_run(run).head_sequence == len(history)


def test_declared_keys_are_added_and_replaced_by_key(client, new_run):
    run = new_run()
    first = run_pb2.KeyDeclaration(key="b", kind=message_pb2.KIND_SETTING, description="é" * 512)
    client.declare(run, [first])
    second = run_pb2.KeyDeclaration(key="a", kind=message_pb2.KIND_COMMAND, description="first")
    assert list(client.declare(run, [second]).keys) == [second, first]
    replaced = run_pb2.KeyDeclaration(key="b", kind=message_pb2.KIND_COMMAND)
    plain = run_pb2.KeyDeclaration(key="c")
    got = client.declare(run, [replaced, plain])
    assert list(got.keys) == [second, replaced, run_pb2.KeyDeclaration(key="c", kind=message_pb2.KIND_COMMAND)]
    assert client.get_run(run) == got == client.declare(run, [replaced])


@pytest.mark.parametrize("declaration, text", [
    (run_pb2.KeyDeclaration(key=""), "key"),
    (run_pb2.KeyDeclaration(key="x" * 129), "128"),
    (run_pb2.KeyDeclaration(key=" k"), "key"),
    (run_pb2.KeyDeclaration(key="k", kind=9), "kind"),
    (run_pb2.KeyDeclaration(key="k", description="x" * 1025), "description"),
    (run_pb2.KeyDeclaration(key="k", description="a\0b"), "description"),
], ids=["empty", "129", "blank", "kind", "1025", "nul"])
def test_a_bad_declaration_is_refused_as_a_whole(client, new_run, declaration, text):
    run = new_run()
    with refused(INVALID, text):
        client.declare(run, ["good", declaration])
    assert list(client.get_run(run).keys) == []


def test_256_keys_can_be_declared(client, new_run):
    run = new_run()
    client.declare(run, [f"k{i}" for i in range(200)])
    assert len(client.declare(run, [f"k{i}" for i in range(150, 256)]).keys) == 256
    with refused(EXHAUSTED, "256"):
        client.declare(run, ["k0", "one-more"])
    assert len(client.declare(run, ["k0"]).keys) == 256


def test_nothing_and_too_much_to_declare_is_refused(client, new_run):
    run = new_run()
    with refused(INVALID, "keys"):
        client.declare(run, [])
    with refused(INVALID, "keys"):
        client.declare(run, ["same", "same"])
    with refused(INVALID, "keys", "256"):
        client.declare(run, [f"k{i}" for i in range(257)])


def test_an_ended_run_takes_no_declaration(client, new_run):
    run = new_run()
    client.end_run(run)
    with refused(PRECONDITION, "ended"):
        client.declare(run, ["k"])
