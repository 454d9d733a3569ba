"""What FROM_HECTIQ.md and the README of the package show works as shown."""

import pathlib
import re
import subprocess
import sys

import pytest

import signalbox as sb
import signalbox.functional as hl
from live_server import environment

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "client/python"

# What pyhectiqlab's documentation of messages shows, without imports, comments and repetitions.
ORIGINAL = """\
hectiq-lab Message.publish --run "9sk7x6" --key "learning-rate" --value 0.001
hectiq-lab Message.publish --run 438 --project hectiq-ai/demo --key "learning-rate" --value 0.001
hl.publish_message(run="9sk7x6", key="learning-rate", value=0.001)
hl.publish_message(run=438, key="learning-rate", value=0.001, project="hectiq-ai/demo")
message = Message.publish(run="9sk7x6", key="learning-rate", value=0.001)
message = Message.publish(run=438, project="hectiq-ai/demo", key="learning-rate", value=0.001)
message: Message.view = hl.get_message(key="learning-rate")
if message:
    message.ack() # Prevents the message from being retrieved again.
    print(message.value)
message: Message.view = Message.get(key="learning-rate")
messages: List[Message.view] = hl.get_all_messages()
for message in messages:
    message.ack()
    print(message.key, message.value)
messages: List[Message.view] = Message.get_all()
hectiq-lab Message.get_all --run "9sk7x6"
"""


def snippets(document, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", (PACKAGE / document).read_text(), re.MULTILINE | re.DOTALL)


def side(diff, sign):
    """The code before ("-") or after ("+") the change that a diff shows."""
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in f" {sign}")


DIFFS = snippets("FROM_HECTIQ.md", "diff")
PUBLISHING, RETRIEVING, COMMANDS = (
    [side(diff, "+") for diff in DIFFS if re.search(pattern, diff)]
    for pattern in (r"import(.*\n)+.*publish", r"import(.*\n)+.*get", "hectiq-lab"))


@pytest.fixture(scope="module")
def named_run(client):
    """The run of the documents: its id is 9sk7x6, its rank 438 stands for the one it has."""
    return client.create_run("hectiq-ai/demo", "9sk7x6")


@pytest.fixture(autouse=True)
def job(default_client, monkeypatch, client, named_run):
    """The environment of the job, whose run has nothing pending."""
    monkeypatch.setenv("SIGNALBOX_RUN", named_run.id)
    for message in client.get_all(named_run):
        client.cancel(message.id)


def execute(code, rank):
    exec(compile(code.replace("438", str(rank)), "snippet", "exec"), {})


def test_every_call_of_the_original_is_there_and_only_imports_change():
    shown = "".join(side(diff, "-") for diff in DIFFS).splitlines()
    assert set(ORIGINAL.splitlines()) <= set(shown)
    assert len(PUBLISHING) == 2 and len(RETRIEVING) == 4 and len(COMMANDS) == 2 and len(DIFFS) == 8
    changed = {line for diff in DIFFS if "hectiq-lab" not in diff for line in diff.splitlines() if line[:1] in ("-", "+")}
    assert {line.split()[0][1:] for line in changed} == {"import", "from"}


@pytest.mark.parametrize("code", PUBLISHING)
def test_publishes(client, named_run, code):
    execute(code, named_run.rank)
    assert [(m.key, m.value) for m in client.get_all(named_run)] == [("learning-rate", 0.001)] * 2


@pytest.mark.parametrize("code", RETRIEVING)
def test_retrieves(client, named_run, code, capsys):
    execute(code, named_run.rank)  # As in a loop: the first time there is nothing yet.
    assert capsys.readouterr().out == ""
    sent = client.publish(named_run, "learning-rate", 0.001).message
    assert hl._inboxes[None].wait_newer(sent.sequence - 1, 30)
    execute(code, named_run.rank)
    assert capsys.readouterr().out in ("0.001\n", "learning-rate 0.001\n")
    assert hl.get_message(key="learning-rate") is None
    assert client.await_message(sent.id, 30, "ACKED").state == "ACKED"


def test_commands(client, named_run, server):
    """One after the other: what the first ones publish, the last one lists."""
    path = f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"
    code = "".join(COMMANDS).replace("438", str(named_run.rank))
    done = subprocess.run(["bash", "-ec", code], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env=environment(SIGNALBOX_ADDRESS=server.address, PATH=path))
    assert done.returncode == 0, done.stderr
    assert [(m.key, m.value) for m in client.get_all(named_run)] == [("learning-rate", 0.001)] * 2
    listed = done.stdout.split(COMMANDS[-1])[-1]
    assert all(message.id in listed for message in client.get_all(named_run))


def test_the_readme(client, named_run):
    job, publish = snippets("README.md", "python")[:2]  # Those after them need a framework.
    execute(publish.replace("org/name", named_run.project), named_run.rank)
    assert client.get(named_run, "learning-rate").value == 0.001
    execute(job, named_run.rank)
    assert client.list_runs("org/name")[0].outcome == "COMPLETED"
    assert sb.current_run() is None
