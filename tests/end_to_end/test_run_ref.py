"""How a run may be named, the same for every RPC that takes a RunRef."""

import grpc
import pytest
from signalbox.v1 import message_service_pb2 as messages
from signalbox.v1 import run_pb2
from signalbox.v1 import run_service_pb2 as runs

from rig.client import INVALID, NOT_FOUND, refused
from rig.values import to_value

CALLS = {
    "Publish": lambda ref: messages.PublishRequest(run=ref, key="k", value=to_value(1)),
    "Get": lambda ref: messages.GetRequest(run=ref, key="k"),
    "GetAll": lambda ref: messages.GetAllRequest(run=ref),
    "ListMessages": lambda ref: messages.ListMessagesRequest(run=ref),
    "GetRun": lambda ref: runs.GetRunRequest(run=ref),
    "EndRun": lambda ref: runs.EndRunRequest(run=ref, outcome=run_pb2.RUN_OUTCOME_STOPPED),
    "DeclareKeys": lambda ref: runs.DeclareKeysRequest(run=ref, keys=[run_pb2.KeyDeclaration(key="k")]),
}


@pytest.fixture(params=[*CALLS, "Subscribe"])
def call(request, client):
    """Calls one RPC with a RunRef; raises what it raises."""
    if request.param != "Subscribe":
        return lambda ref: getattr(client, request.param)(CALLS[request.param](ref))

    def subscribe(ref):
        with client.subscribe(ref) as stream:
            stream.wait(lambda: stream.events or stream.code is not None)
            if stream.code not in (None, grpc.StatusCode.OK):
                raise _Ended(stream.code, stream.details)
    return subscribe


class _Ended(grpc.RpcError):
    def __init__(self, code, details):
        super().__init__()
        self.code, self.details = lambda: code, lambda: details


def test_both_ways_name_the_same_run(client, new_run):
    run = new_run(project="lab/ref")
    by_id, by_rank = client.get_run(run.id), client.get_run(("lab/ref", run.rank))
    assert by_id == by_rank == run
    message = client.publish(("lab/ref", run.rank))
    assert message.run_id == run.id
    assert client.get_all(run.id) == client.get_all(("lab/ref", run.rank)) == [message]


def test_every_call_takes_project_and_rank(call, new_run):
    run = new_run(project="lab/ref")
    call(run_pb2.RunRef(project="lab/ref", rank=run.rank))


@pytest.mark.parametrize("ref, missing", [
    (run_pb2.RunRef(rank=438), ("438", "project")),
    (run_pb2.RunRef(project="lab/ref"), ("rank",)),
    (run_pb2.RunRef(), ("run",)),
    (run_pb2.RunRef(id="run-1", project="lab/ref"), ()),
    (run_pb2.RunRef(id="run-1", rank=1), ()),
    (run_pb2.RunRef(id="run-1", project="lab/ref", rank=1), ()),
    (run_pb2.RunRef(project="lab/ref", rank=-1), ("rank",)),
], ids=["rank-alone", "project-alone", "empty", "id-project", "id-rank", "all", "negative"])
def test_anything_else_is_invalid_and_the_text_says_what_is_missing(call, ref, missing):
    with refused(INVALID, *missing):
        call(ref)


@pytest.mark.parametrize("rpc", CALLS)
def test_a_run_is_required(client, rpc):
    request = CALLS[rpc](run_pb2.RunRef())
    request.ClearField("run")
    with refused(INVALID, "run"):
        getattr(client, rpc)(request)


@pytest.mark.parametrize("ref", [
    run_pb2.RunRef(id="no-such-run"),
    run_pb2.RunRef(id="NOT A RUN ID"),
    run_pb2.RunRef(id="12345"),
    run_pb2.RunRef(id="x" * 65),
    run_pb2.RunRef(id="a/b"),
    run_pb2.RunRef(id="a\0b"),
    run_pb2.RunRef(id="x" * 5000),
    run_pb2.RunRef(project="lab/ref", rank=2**62),
    run_pb2.RunRef(project="no/such-project", rank=1),
], ids=["unknown", "malformed", "digits", "long", "slash", "nul", "very-long", "rank", "project"])
def test_what_names_no_run_is_not_found(call, new_run, ref):
    new_run(project="lab/ref")
    with refused(NOT_FOUND):
        call(ref)


def test_the_answer_tells_which_run_was_not_found(client):
    with refused(NOT_FOUND, "no-such-run"):
        client.get_run("no-such-run")
