"""Runs as the program that is the run sees them, and the functions that mean the current one."""

import warnings

import pytest

import signalbox as sb
import signalbox.functional as hl
from live_server import refusing_address

pytestmark = pytest.mark.usefixtures("default_client")


def wait_for(inbox, message):
    assert inbox.wait_newer(message.sequence - 1, 30)


def test_a_run_begins_and_ends(client):
    with sb.Run("tests/run", title="a title", labels={"a": "b"}) as run:
        assert sb.current_run() is run and hl.current_run() is run
        info = client.get_run(run)
        assert (info.id, info.rank, info.project) == (run.id, run.rank, run.project)
        assert info.state == "ACTIVE" and info.title == "a title" and info.labels == {"a": "b"}
        assert repr(run) == f"<signalbox.Run {run.id}, tests/run #{run.rank}>"
    assert sb.current_run() is None
    assert client.get_run(run).outcome == "COMPLETED"


@pytest.mark.parametrize("error, outcome", [
    (ValueError("bad"), "FAILED"), (KeyboardInterrupt(), "STOPPED"), (SystemExit(), "COMPLETED"),
    (SystemExit(0), "COMPLETED"), (SystemExit(3), "FAILED")])
def test_how_a_run_ends(client, error, outcome):
    with pytest.raises(type(error)) as raised:
        with sb.Run("tests/run") as run:
            raise error
    assert raised.value is error and client.get_run(run).outcome == outcome and sb.current_run() is None


def test_a_run_reads_its_messages(client):
    with sb.Run("tests/run") as run:
        assert run.get_message("rate") is None and run.get_all_messages() == []
        sent = sb.publish_message(run=run.id, key="rate", value=0.001)
        wait_for(run.inbox, sent)
        message = run.get_message("rate")
        assert message == sent and run.get_all_messages() == [sent]
        assert sb.get_message("rate") == sent and sb.get_message("rate", run_id=run.id) == sent
        message.ack("APPLIED")
        assert sb.get_message("rate") is None
    assert client.await_message(sent.id, 30).state == "APPLIED"


def test_a_run_dispatches(client):
    with sb.Run("tests/run") as run:
        @run.on("save")
        def save(message):
            return "saved"

        sb.on("stop", lambda message: "stopped")
        first, second = run.id, sb.publish_message(run.rank, "save", project=run.project)
        wait_for(run.inbox, second)
        assert run.dispatch(1) == 1
        third = sb.publish_message(first, "stop")
        wait_for(run.inbox, third)
        assert sb.dispatch(2) == 1
    assert client.await_message(second.id, 30).reply == "saved"
    assert client.await_message(third.id, 30).reply == "stopped"


def test_runs_are_nested():
    with sb.Run("tests/run") as outer:
        with sb.Run("tests/run") as inner:
            sent = sb.publish_message(None, "save")
            assert sent.run_id == inner.id
            sb.get_message("save")
            wait_for(inner.inbox, sent)
            assert sb.get_message("save") == sent
        assert sb.current_run() is outer and sb.get_message("save") is None


def test_ending_twice_and_reading_after_the_end(client):
    run = sb.Run("tests/run")
    run.end("STOPPED")
    run.end()
    assert client.get_run(run).outcome == "STOPPED"
    with pytest.raises(sb.FailedPreconditionError, match="over"):
        run.get_message("rate")
    with sb.Run("tests/run") as run:
        run.end("FAILED")
    assert client.get_run(run).outcome == "FAILED"


def test_attaches_to_a_run_that_exists(client, run, monkeypatch):
    with sb.attach(run.rank, run.project) as attached:
        assert attached.id == run.id and sb.current_run() is attached
        wait_for(attached.inbox, client.publish(run, "save").message)
        assert sb.get_message("save").run_id == run.id
    assert sb.current_run() is None and client.get_run(run).state == "ACTIVE"
    monkeypatch.setenv("SIGNALBOX_RUN", run.id)
    with sb.attach() as attached:
        assert attached.id == run.id
    with pytest.raises(sb.NotFoundError):
        sb.attach("no-such-run")


def test_a_server_that_is_away_at_the_end_is_a_warning(server):
    with pytest.warns(RuntimeWarning, match="could not be ended"):
        with sb.Run("tests/run") as run:
            run._client = sb.Client(refusing_address(), call_timeout=0.2)
    assert sb.current_run() is None


def test_the_run_of_the_environment(client, run, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_RUN", str(run.rank))
    monkeypatch.setenv("SIGNALBOX_PROJECT", run.project)
    assert sb.get_message("save") is None  # Opens the inbox.
    sent = client.publish(run, "save").message
    wait_for(hl._inboxes[None], sent)
    assert hl.get_message(key="save") == sent and hl.get_all_messages() == [sent]
    assert sb.Message.get("save") == sent and sb.Message.get_all() == [sent]
    assert sb.Message.publish(run=run.id, key="else", value=1).sequence == 2
    handled = []
    hl.on("save", handled.append)
    assert hl.dispatch(3) == 1 and handled == [sent]


def test_no_run_at_all(monkeypatch):
    monkeypatch.delenv("SIGNALBOX_RUN", raising=False)
    for read in (lambda: sb.get_message("a"), sb.get_all_messages, sb.dispatch, lambda: sb.on("a", print)):
        with pytest.raises(sb.FailedPreconditionError, match="SIGNALBOX_RUN"):
            read()


def test_inboxes_are_kept_by_run(client):
    runs = [client.create_run("tests/run") for _ in range(2)]
    for number, run in enumerate(runs):
        client.publish(run, "number", number)
        sb.get_message("number", run.id)
    inboxes = [hl._inboxes[run.id] for run in runs]
    for inbox in inboxes:
        assert inbox.wait_newer(0, 30)
    assert [sb.get_message("number", run_id=run.id).value for run in runs] == [0, 1]
    assert [hl._inboxes[run.id] for run in runs] == inboxes
    sb.configure()
    assert [inbox.state for inbox in inboxes] == ["CLOSED", "CLOSED"]


def test_reading_never_waits_for_a_server(black_hole, client, run):
    sb.configure(black_hole.address)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [sb.get_message("save", run.id) for _ in range(1000)] == [None] * 1000
    assert hl._inboxes[run.id].state in ("CONNECTING", "STALE")


def test_configure_refuses_bad_options_and_keeps_the_old_client(client, run):
    with pytest.raises(sb.InvalidArgumentError):
        sb.configure(call_timeout=-1)
    assert sb.publish_message(run.id, "save").sequence == 1
