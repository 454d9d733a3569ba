"""`signalbox publish --from`: many messages from a file or a pipe, each stored or refused by itself."""

import json
import subprocess

import pytest

from rig.cli import Cli
from rig.postgres import free_port
from rig.values import from_value

OK, USAGE, NOT_FOUND, REFUSED, EXISTS, LIMIT, UNAVAILABLE = 0, 2, 3, 4, 5, 6, 7


@pytest.fixture(scope="module")
def cli(server):
    return Cli(server.address)


@pytest.fixture
def file_of(tmp_path):
    """Writes lines, given as text or as what JSON is to be made of; returns the path."""
    def write(*lines):
        path = tmp_path / "messages.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return path
    return write


def documents(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_becomes_a_message_in_their_order(cli, client, new_run, file_of):
    run = new_run()
    lines = [{"key": f"k{i % 3}", "value": i} for i in range(2500)]
    done = cli.run("publish", "--from", file_of(*lines), "--run", run.id, "--key", "unused", timeout=60)
    assert done.returncode == LIMIT, "a run takes 1,000 pending messages"
    stored = client.get_all(run)
    assert [from_value(message.value) for message in stored] == list(range(1000))
    assert len(done.stdout.splitlines()) == 1000
    complaints = done.stderr.splitlines()
    assert complaints[0].startswith("signalbox: line 1001: ") and len(complaints) == 1500


def test_more_than_one_call_takes_goes_to_many_runs(cli, client, new_run, file_of):
    """More lines and more bytes; a setting replaces the one before it."""
    run, other = new_run(), new_run(project="lab/many")
    path = file_of(*(
        {"key": "k", "value": [i, "x" * 2000], "run": run.id} if i % 2 else
        {"key": "s", "value": i, "run": other.rank, "project": "lab/many", "kind": "setting"} for i in range(1400)))
    done = cli.run("publish", "--from", path, "--json")
    assert done.returncode == OK, done.stderr
    assert [document["line"] for document in documents(done)] == list(range(1, 1401))
    stored = client.get_all(run)
    assert [from_value(message.value)[0] for message in stored] == list(range(1, 1400, 2))
    assert [document["message"]["id"] for document in documents(done)[1::2]] == [message.id for message in stored]
    assert documents(done)[2]["superseded_ids"] == [documents(done)[0]["message"]["id"]]
    assert [from_value(message.value) for message in client.get_all(other)] == [1398]


def test_fields_of_a_line_win_over_flags(cli, client, new_run, file_of):
    run, other = new_run(), new_run()
    path = file_of({"value": [1, {"a": None}], "reason": "its own"}, "", "   ",
                   {"run": other.id, "key": "lr", "value": 0.5, "kind": "SETTING", "ttl": "1h", "request_id": "r"})
    done = cli.run("publish", "--from", path, "--run", run.id, "--key", "k", "--reason", "of all", "--json")
    assert done.returncode == OK, done.stderr
    assert [document["line"] for document in documents(done)] == [1, 4]
    (here,), (there,) = client.get_all(run), client.get_all(other)
    assert (here.key, from_value(here.value), here.reason) == ("k", [1, {"a": None}], "its own")
    assert (there.key, from_value(there.value), there.reason) == ("lr", 0.5, "of all")
    assert there.HasField("expire_time") and there.kind == 2
    assert documents(done)[1]["message"]["id"] == there.id


def test_a_bad_line_is_named_and_stops_no_other(cli, client, new_run, file_of):
    run = new_run()
    path = file_of({"key": "k", "value": 1}, "{no json", '"text"', {"key": "k", "valve": 1}, {"key": "", "value": 1},
                   {"key": "k", "kind": "order"}, {"run": "no-such-run", "key": "k"}, "x" * (1 << 20) + "x",
                   {"key": "k", "value": 2})
    done = cli.run("publish", "--from", path, "--run", run.id)
    assert [from_value(message.value) for message in client.get_all(run)] == [1, 2]
    complaints = done.stderr.splitlines()
    assert [text.split(": ")[1] for text in complaints] == [f"line {number}" for number in range(2, 9)], complaints
    for text, reason in zip(complaints, ("JSON", "object", "valve", "key", "order", "no-such-run", "1 MiB")):
        assert reason in text, text
    assert done.returncode == USAGE, "that of the first"


def test_a_file_with_request_ids_may_be_sent_again(cli, client, new_run, file_of):
    run = new_run()
    path = file_of(*({"key": "k", "value": i, "request_id": f"r{i}"} for i in range(20)))
    first, again = (cli.ok("publish", "--from", path, "--run", run.id, "--json") for _ in range(2))
    assert len(client.get_all(run)) == 20
    ids = [[json.loads(line)["message"]["id"] for line in text.splitlines()] for text in (first, again)]
    assert ids[0] == ids[1]


def test_lines_of_a_pipe_are_sent_as_they_come(cli, client, new_run):
    run = new_run()
    publishing = cli.start("publish", "--from", "-", "--run", run.id, "--key", "k", "--json", stdin=subprocess.PIPE)
    try:
        for number in (1, 2):
            publishing.stdin.write(json.dumps({"value": number}) + "\n")
            publishing.stdin.flush()
            assert json.loads(publishing.stdout.readline())["message"]["sequence"] == number
        publishing.stdin.write('{"value": 3}')  # The end of the input ends the line, too.
        rest, complaints = publishing.communicate(timeout=20)
    finally:
        publishing.kill()
    assert publishing.returncode == OK, complaints
    assert json.loads(rest)["line"] == 3
    assert [from_value(message.value) for message in client.get_all(run)] == [1, 2, 3]


def test_a_server_that_is_away_ends_it(file_of):
    nobody = Cli(f"127.0.0.1:{free_port()}")
    done = nobody.run("--timeout", "500ms", "publish", "--from", file_of(*[{"key": "k"}] * 3000), "--run", "r")
    assert done.returncode == UNAVAILABLE
    assert done.stdout == "" and "what follows was not read" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", [
    ("--from", "no-such-file", "--run", "r"), ("--from", "-", "--request-id", "a"), ("--from", "-", "--wait"),
    ("--run", "r", "--key", "k"), ("--run", "r", "--value", "1"),
])
def test_flags_that_do_not_fit_are_refused(cli, arguments):
    done = cli.run("publish", *arguments)
    assert done.returncode == USAGE, done.stderr
    assert done.stdout == ""
