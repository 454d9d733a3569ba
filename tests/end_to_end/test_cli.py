"""The real command line against the real server: every command, --json, and the exit statuses."""

import json
import signal

import pytest
from signalbox.v1 import message_pb2, message_service_pb2, run_pb2

from rig.cli import Cli
from rig.client import run_ref
from rig.front import BrokenFront
from rig.postgres import free_port
from rig.values import from_value, to_value
from rig.waiting import eventually

OK, USAGE, NOT_FOUND, REFUSED, EXISTS, LIMIT, UNAVAILABLE, NOT_APPLIED, STILL_WAITING, INTERRUPTED = (
    0, 2, 3, 4, 5, 6, 7, 9, 10, 130)


@pytest.fixture(scope="module")
def cli(server):
    return Cli(server.address)


def fails(done, status, *texts):
    """Errors go to standard error with their exit status; nothing is printed as a result."""
    assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert done.stdout == ""
    for text in texts:
        assert text in done.stderr, done.stderr


def test_help_everywhere(cli):
    commands = ["publish", "get", "get-all", "ack", "watch", "await", "cancel", "history", "run create", "run show",
                "run list", "run end", "keys"]
    top = cli.ok("--help")
    for command in commands:
        assert command.split()[0] in top
        text = cli.ok(*command.split(), "--help")
        assert "--" in text and len(text.splitlines()) > 3
    assert "exit status" in top.lower()


def test_a_run_from_its_creation_to_its_end(cli, client):
    run = cli.json("run", "create", "--project", "lab/cli", "--id", "cli-1", "--title", "First",
                   "--label", "a=b")["run"]
    assert (run["id"], run["project"], run["rank"], run["title"], run["labels"]) == (
        "cli-1", "lab/cli", 1, "First", {"a": "b"})
    assert (run["state"], run["outcome"]) == ("ACTIVE", None)
    assert cli.json("run", "show", "--run", "cli-1")["run"] == run
    assert cli.json("run", "show", "--run", 1, "--project", "lab/cli")["run"] == run
    assert cli.json("run", "list", "--project", "lab/cli")["runs"] == [run]
    assert cli.json("run", "list", "--project", "lab/cli", "--label", "a=c")["runs"] == []
    ended = cli.json("run", "end", "--run", "cli-1", "--outcome", "stopped")["run"]
    assert (ended["state"], ended["outcome"]) == ("ENDED", "STOPPED")
    assert cli.json("run", "list", "--project", "lab/cli", "--state", "ended")["runs"] == [ended]
    assert client.get_run("cli-1").outcome == run_pb2.RUN_OUTCOME_STOPPED


@pytest.mark.parametrize("argument, value", [
    ("0.001", 0.001), ("42", 42), ("-0.0", -0.0), ("true", True), ("null", None), ('"42"', "42"), ('"a b"', "a b"),
    ("hello world", "hello world"), ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}), ("[]", []), ("{", "{"),
    ("", ""), ("01", "01"), ("9007199254740992", 2.0**53), ("NaN", "NaN"), ("é", "é"), ('"\\u0000"', "\0"),
])
def test_a_value_is_json_when_it_parses_as_json_else_a_string(cli, client, new_run, argument, value):
    run = new_run()
    cli.ok("publish", "--run", run.id, "--key", "k", "--value", argument)
    stored = from_value(client.get(run).message.value)
    assert stored == value and isinstance(stored, bool) == isinstance(value, bool)
    shown = cli.json("get", "--run", run.id, "--key", "k")
    assert shown["message"]["value"] == value


@pytest.mark.parametrize("value", ["9007199254740993", "-9007199254740993", "[18446744073709551616]"])
def test_an_integer_that_a_number_cannot_hold_is_refused_with_advice(cli, new_run, value):
    done = cli.run("publish", "--run", new_run().id, "--key", "k", "--value=" + value)
    fails(done, USAGE, "string")


def test_publish_and_read_by_rank(cli, client, new_run):
    run = new_run(project="lab/rank")
    published = cli.json("publish", "--run", run.rank, "--project", "lab/rank", "--key", "rate", "--value", "0.5",
                         "--kind", "setting", "--ttl", "1h", "--reason", "why")
    message = published["message"]
    assert (message["run_id"], message["sequence"], message["value"], message["kind"], message["state"],
            message["reason"]) == (run.id, 1, 0.5, "SETTING", "PENDING", "why")
    again = cli.json("publish", "--run", run.id, "--key", "rate", "--value", "1", "--kind", "setting")
    assert again["superseded_ids"] == [message["id"]]
    everything = cli.json("get-all", "--run", run.rank, "--project", "lab/rank")["messages"]
    assert [m["id"] for m in everything] == [again["message"]["id"]]
    history = cli.json("history", "--run", run.id)["messages"]
    assert [(m["sequence"], m["state"]) for m in history] == [(2, "PENDING"), (1, "SUPERSEDED")]
    filtered = cli.json("history", "--run", run.id, "--state", "superseded", "--key", "rate")["messages"]
    assert [m["sequence"] for m in filtered] == [1]


def test_run_and_project_come_from_the_environment(cli, new_run):
    run = new_run(project="lab/env")
    for env in ({"SIGNALBOX_RUN": run.id}, {"SIGNALBOX_RUN": str(run.rank), "SIGNALBOX_PROJECT": "lab/env"}):
        assert cli.json("publish", "--key", "k", "--value", "1", env=env)["message"]["run_id"] == run.id


def test_a_request_id_makes_a_repeat_harmless(cli, new_run):
    arguments = ["publish", "--run", new_run().id, "--key", "k", "--request-id", "r1"]
    assert cli.json(*arguments, "--value", "1") == cli.json(*arguments, "--value", "1")
    fails(cli.run(*arguments, "--value", "2"), EXISTS, "request_id")


def test_an_empty_get(cli, new_run):
    done = cli.run("get", "--run", new_run().id, "--key", "k")
    assert (done.returncode, done.stdout) == (OK, "")


def test_ack(cli, client, new_run):
    run = new_run()
    a, b = client.publish(run), client.publish(run)
    results = cli.json("ack", a.id, b.id, "--consumer", "me", "--outcome", "applied", "--reply", '{"ok":true}',
                       "--step", "12")["results"]
    assert [(r["message_id"], r["claimed"], r["message"]["state"], r["message"]["reply"], r["message"]["step"])
            for r in results] == [(m.id, True, "APPLIED", {"ok": True}, 12) for m in (a, b)]
    other = cli.run("ack", a.id, "--consumer", "other")
    assert other.returncode == REFUSED and "me" in other.stdout
    fails(cli.run("ack", "nonsense", "--consumer", "me"), NOT_FOUND)


def test_cancel(cli, client, new_run):
    message = client.publish(new_run())
    cancelled = cli.json("cancel", message.id, "--reason", "wrong run")["message"]
    assert (cancelled["state"], cancelled["error"]) == ("CANCELLED", "wrong run")
    done = client.publish(message.run_id)
    client.ack(done)
    fails(cli.run("cancel", done.id), REFUSED)


def test_keys(cli, client, new_run):
    run = new_run()
    client.declare(run, [run_pb2.KeyDeclaration(key="rate", kind=message_pb2.KIND_SETTING, description="Step size")])
    assert cli.json("keys", "--run", run.id)["keys"] == [
        {"key": "rate", "kind": "SETTING", "description": "Step size"}]
    assert "Step size" in cli.ok("keys", "--run", run.id)


@pytest.mark.parametrize("outcome, status, state", [(1, OK, "APPLIED"), (2, NOT_APPLIED, "FAILED")])
def test_publish_wait_prints_the_receipt(cli, client, new_run, outcome, status, state):
    run = new_run()
    waiting = cli.start("publish", "--run", run.id, "--key", "k", "--value", "1", "--wait", "--json")
    message = eventually(lambda: client.get(run).message if client.get(run).pending_count else None)
    client.ack(message, "reader", outcome=outcome, step=7, reply="done")
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == status, err
    receipt = json.loads(out)["message"]
    assert (receipt["id"], receipt["state"], receipt["step"], receipt["consumer"], receipt["reply"]) == (
        message.id, state, 7, "reader", "done")


def test_a_wait_that_is_over(cli, client, new_run):
    run = new_run()
    done = cli.run("publish", "--run", run.id, "--key", "k", "--value", "1", "--wait", "--wait-timeout", "300ms")
    assert done.returncode == STILL_WAITING
    message = client.get(run).message
    assert cli.run("await", message.id, "--timeout", "0s").returncode == STILL_WAITING
    client.ack(message, "reader")
    assert cli.json("await", message.id, "--until", "acked")["message"]["state"] == "ACKED"
    client.ack(message, "reader", outcome=1)
    assert "APPLIED" in cli.ok("await", message.id)


def test_watch_until_the_run_ends(cli, client, new_run):
    run = new_run()
    first = client.publish(run, value="a")
    watching = cli.start("watch", "--run", run.id, "--json")
    try:
        lines = [json.loads(watching.stdout.readline()) for _ in range(2)]
        assert [line["event"] for line in lines] == ["message", "synced"]
        assert lines[0]["message"]["id"] == first.id
        client.ack(first, "reader")
        client.end_run(run, run_pb2.RUN_OUTCOME_FAILED)
        out, err = watching.communicate(timeout=15)
    finally:
        watching.kill()
    assert watching.returncode == OK, err
    events = [json.loads(line) for line in out.splitlines()]
    assert [e for e in events if e["event"] == "withdrawn"] == [
        {"event": "withdrawn", "message_id": first.id, "state": "ACKED", "consumer": "reader"}]
    assert events[-1] == {"event": "run_ended", "outcome": "FAILED"}


def test_watch_ends_with_an_interrupt(cli, new_run):
    watching = cli.start("watch", "--run", new_run().id, "--json")
    try:
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=15)
    finally:
        watching.kill()
    assert watching.returncode == INTERRUPTED


def test_a_connection_that_broke_is_made_again_while_the_command_waits(server, new_run):
    """As behind a balancer that has not noticed yet. Within less than the 2 s after which gRPC would look the address
    up again and start afresh."""
    with BrokenFront(server.address, broken=2) as front:
        Cli(front.address).ok("--timeout", "1900ms", "publish", "--run", new_run().id, "--key", "k", "--value", "1")
        assert front.connections > 2


def test_watch_says_at_once_that_the_server_is_away(cli):
    watching = cli.start("watch", "--run", "any", "--address", f"localhost:{free_port()}")
    try:
        assert "no contact" in watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=15)
    finally:
        watching.kill()
    assert watching.returncode == INTERRUPTED


def test_human_output_holds_what_matters(cli, client, new_run):
    run = new_run(title="Baseline")
    line = cli.ok("publish", "--run", run.id, "--key", "rate", "--value", "0.5")
    message = client.get(run, "rate").message
    assert message.id in line and "rate" in line and "0.5" in line
    for text in (cli.ok("get-all", "--run", run.id), cli.ok("history", "--run", run.id)):
        assert message.id in text and "rate" in text
    assert "Baseline" in cli.ok("run", "show", "--run", run.id)
    assert run.id in cli.ok("run", "list")


def test_control_characters_do_not_reach_the_terminal(cli, client, new_run):
    run = new_run()
    client.publish(run, "k", "\x1b[2J\r\nfake line", reason="\x1b]0;title\x07")
    for arguments in (["get", "--key", "k"], ["get-all"], ["history"], ["get-all", "--json"]):
        text = cli.ok(*arguments, "--run", run.id)
        assert "\x1b" not in text and "\r" not in text and "\x07" not in text


@pytest.mark.parametrize("arguments, status, text", [
    (["no-such-command"], USAGE, ""),
    (["publish", "--run", "run-1"], USAGE, "--key"),
    (["publish", "--run", "438", "--key", "k", "--value", "1"], USAGE, "project"),
    (["publish", "--key", "k", "--value", "1"], USAGE, "--run"),
    (["publish", "--run", "no-such-run", "--key", "k", "--value", "1"], NOT_FOUND, "no-such-run"),
    (["publish", "--run", "no-such-run", "--key", " k", "--value", "1"], USAGE, "key"),
    (["get-all", "--run", "no-such-run"], NOT_FOUND, "no-such-run"),
    (["await", "nonsense"], NOT_FOUND, ""),
    (["run", "create", "--project", "Not/Valid/Name"], USAGE, "project"),
    (["publish", "--run", "r", "--key", "k", "--value", "1", "--ttl", "soon"], USAGE, "ttl"),
])
def test_each_kind_of_error_has_its_exit_status(cli, arguments, status, text):
    fails(cli.run(*arguments), status, text)


def test_an_ended_run_is_refused(cli, client, new_run):
    run = new_run()
    client.end_run(run)
    fails(cli.run("publish", "--run", run.id, "--key", "k", "--value", "1"), REFUSED, "ENDED")


def test_a_full_run_is_a_limit(cli, client, new_run):
    run = new_run()
    request = message_service_pb2.PublishRequest(run=run_ref(run), key="k", value=to_value(1))
    for publish in [client.start("Publish", request) for _ in range(1000)]:
        publish.result()
    fails(cli.run("publish", "--run", run.id, "--key", "k", "--value", "1"), LIMIT, "pending")


def test_no_server():
    cli = Cli(f"127.0.0.1:{free_port()}")
    fails(cli.run("get-all", "--run", "x", "--timeout", "1s"), UNAVAILABLE)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shell_completion(cli, shell):
    assert "get-all" in cli.ok("completion", shell)
