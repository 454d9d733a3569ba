"""What FROM_HECTIQ.md and the README of the package show works as shown."""

import pathlib
import re

import pytest

import signalbox as sb
import signalbox.functional as hl

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "client/python"


def snippets(document):
    return re.findall(r"^```python\n(.*?)^```$", (PACKAGE / document).read_text(), re.MULTILINE | re.DOTALL)


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


@pytest.mark.parametrize("code", [code for code in snippets("FROM_HECTIQ.md") if "publish" in code])
def test_publishes(client, named_run, code):
    execute(code, named_run.rank)
    assert [(m.key, m.value) for m in client.get_all(named_run)] == [("learning-rate", 0.001)] * 2


@pytest.mark.parametrize("code", [code for code in snippets("FROM_HECTIQ.md") if "get" in code])
def test_retrieves(client, named_run, code, capsys):
    execute(code, named_run.rank)  # As in a loop: the first time there is nothing yet.
    assert capsys.readouterr().out == ""
    sent = client.publish(named_run, "learning-rate", 0.001).message
    assert hl._inboxes[None].wait_newer(sent.sequence - 1, 30)
    execute(code, named_run.rank)
    assert capsys.readouterr().out in ("0.001\n", "learning-rate 0.001\n")
    assert hl.get_message(key="learning-rate") is None
    assert client.await_message(sent.id, 30, "ACKED").state == "ACKED"


def test_every_snippet_was_run():
    assert len(snippets("FROM_HECTIQ.md")) == 6


def test_the_readme(client, named_run):
    job, publish = snippets("README.md")[:2]  # Those after them need a framework.
    execute(publish.replace("org/name", named_run.project), named_run.rank)
    assert client.get(named_run, "learning-rate").value == 0.001
    execute(job, named_run.rank)
    assert client.list_runs("org/name")[0].outcome == "COMPLETED"
    assert sb.current_run() is None
