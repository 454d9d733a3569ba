"""The real grpcurl, without a .proto file: everything goes through the server's reflection."""

import json
import os
import re
import subprocess

import pytest

MESSAGES, RUNS = "signalbox.v1.MessageService", "signalbox.v1.RunService"


@pytest.fixture(scope="module")
def grpcurl(server):
    binary = os.environ.get("GRPCURL")
    assert binary and os.access(binary, os.X_OK), "GRPCURL must name the grpcurl binary"

    def run(*arguments, data=None, flags=()):
        command = [binary, "-plaintext", *flags, *(["-d", json.dumps(data)] if data is not None else []),
                   server.address, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    return run


@pytest.fixture(scope="module")
def call(grpcurl):
    """Calls a method that must succeed; returns its answer as JSON."""
    def run(method, data, flags=()):
        done = grpcurl(method, data=data, flags=flags)
        assert done.returncode == 0, done.stderr
        return snake_case(json.loads(done.stdout or "{}"))
    return run


def snake_case(document):
    """Field names as in the .proto; which of the two forms grpcurl prints depends on its descriptors."""
    if isinstance(document, list):
        return [snake_case(item) for item in document]
    if isinstance(document, dict):
        return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), name): snake_case(item)
                for name, item in document.items()}
    return document


def test_the_services_are_listed(grpcurl):
    listed = grpcurl("list").stdout.split()
    assert {MESSAGES, RUNS, "grpc.health.v1.Health"} <= set(listed)


def test_the_methods_are_listed_and_described(grpcurl):
    assert {f"{MESSAGES}.{name}" for name in ("Publish", "PublishMany", "Get", "GetAll", "Ack", "Subscribe", "Await",
                                              "Cancel", "ListMessages")} == set(grpcurl("list", MESSAGES).stdout.split())
    assert {f"{RUNS}.{name}" for name in ("CreateRun", "GetRun", "ListRuns", "EndRun", "DeclareKeys")
            } == set(grpcurl("list", RUNS).stdout.split())
    described = grpcurl("describe", "signalbox.v1.Message")
    assert described.returncode == 0 and "google.protobuf.Value value" in described.stdout


def test_publish_by_id(call, new_run):
    run = new_run()
    answer = call(f"{MESSAGES}/Publish", {"run": {"id": run.id}, "key": "learning-rate", "value": 0.001})
    message = answer["message"]
    assert (message["run_id"], message["sequence"], message["value"]) == (run.id, "1", 0.001)
    assert (message["kind"], message["state"]) == ("KIND_COMMAND", "MESSAGE_STATE_PENDING")


def test_publish_by_rank(call, new_run):
    run = new_run(project="lab/grpcurl")
    answer = call(f"{MESSAGES}/Publish", {"run": {"project": "lab/grpcurl", "rank": run.rank}, "key": "save",
                                          "value": {"path": ["a", None, True]}, "ttl": "60s"})
    assert answer["message"]["run_id"] == run.id
    assert answer["message"]["value"] == {"path": ["a", None, True]}


def test_get_all_and_ack(call, client, new_run):
    run = new_run()
    published = [client.publish(run, value=i) for i in range(2)]
    pending = call(f"{MESSAGES}/GetAll", {"run": {"id": run.id}})
    assert [m["id"] for m in pending["messages"]] == [m.id for m in published]
    assert pending["cursor"]
    acked = call(f"{MESSAGES}/Ack", {"messageIds": [published[0].id], "consumer": "grpcurl",
                                     "outcome": "ACK_OUTCOME_APPLIED", "step": 12, "reply": {"ok": True}})
    (result,) = acked["results"]
    assert result["claimed"] is True
    assert result["message"]["state"] == "MESSAGE_STATE_APPLIED"
    assert result["message"]["reply"] == {"ok": True}
    rest = call(f"{MESSAGES}/GetAll", {"run": {"id": run.id}})
    assert [m["id"] for m in rest["messages"]] == [published[1].id]


def test_subscribe_until_the_run_ends(grpcurl, client, new_run):
    run = new_run()
    message = client.publish(run, value="hello")
    done = grpcurl(f"{MESSAGES}/Subscribe", data={"run": {"id": run.id}}, flags=["-max-time", "2"])
    assert done.returncode != 0 and "DeadlineExceeded" in done.stderr
    events = list(documents(done.stdout))
    assert events[0]["message"]["id"] == message.id
    assert events[1]["progress"]["synced"] is True and events[1]["progress"]["head_sequence"] == "1"
    client.end_run(run)
    done = grpcurl(f"{MESSAGES}/Subscribe", data={"run": {"id": run.id}})
    assert done.returncode == 0, done.stderr
    assert list(documents(done.stdout)) == [{"run_ended": {"outcome": "RUN_OUTCOME_COMPLETED"}}]


def documents(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        yield snake_case(document)
        at += len(text[at:]) - len(text[at:].lstrip())


def test_a_run_is_created_and_ended(call):
    run = call(f"{RUNS}/CreateRun", {"project": "lab/curl", "title": "t", "labels": {"a": "b"}})["run"]
    assert (run["project"], run["rank"], run["labels"]) == ("lab/curl", "1", {"a": "b"})
    ended = call(f"{RUNS}/EndRun", {"run": {"project": "lab/curl", "rank": 1}, "outcome": "RUN_OUTCOME_STOPPED"})
    assert ended["run"]["state"] == "RUN_STATE_ENDED"


@pytest.mark.parametrize("data, code, text", [
    ({"run": {"rank": 438}, "key": "k", "value": 1}, "InvalidArgument", "438"),
    ({"run": {"id": "no-such-run"}, "key": "k", "value": 1}, "NotFound", "no-such-run"),
    ({"run": {"id": "no-such-run"}, "key": "", "value": 1}, "InvalidArgument", "key"),
], ids=["rank", "run", "key"])
def test_errors_are_readable(grpcurl, data, code, text):
    done = grpcurl(f"{MESSAGES}/Publish", data=data)
    assert done.returncode != 0
    assert code in done.stderr and text in done.stderr


def test_health(call):
    assert call("grpc.health.v1.Health/Check", {}) == {"status": "SERVING"}
