"""Every call of the client, and every error that it raises."""

import datetime
import threading

import pytest

import signalbox as sb
from live_server import refusing_address


def test_publishes_and_tells_all_of_the_message(client, run):
    before = datetime.datetime.now(datetime.timezone.utc)
    message, superseded = client.publish(run, "learning-rate", 0.001, kind="SETTING", ttl=60, reason="plateau")
    assert superseded == []
    assert (message.run_id, message.sequence, message.key, message.value) == (run.id, 1, "learning-rate", 0.001)
    assert message.kind is sb.Kind.SETTING and message.kind == "SETTING"
    assert message.state is sb.MessageState.PENDING and str(message.state) == "PENDING"
    assert message.reason == "plateau" and message.publisher == "" and message.consumer == ""
    assert message.ack_time is None and message.finish_time is None
    assert message.reply is None and message.error == "" and message.step == 0
    minute = datetime.timedelta(minutes=1)
    assert message.expire_time - message.create_time == minute
    assert before - minute < message.create_time < before + minute
    assert message.create_time.tzinfo is datetime.timezone.utc


def test_a_message_reads_well_and_is_known_by_its_id(client, run):
    first = client.publish(run, "save", {"to": "disk"}).message
    assert repr(first) == f"<signalbox.Message save = {{'to': 'disk'}}, 1 of run {run.id}, PENDING>"
    same = client.get(run, "save")
    other = client.publish(run, "save").message
    assert first == same and hash(first) == hash(same) and first is not same
    assert first != other and first != first.id and len({first, same, other}) == 2
    with pytest.raises(AttributeError):
        first.key = "else"


def test_a_setting_takes_the_place_of_older_ones(client, run):
    old = client.publish(run, "rate", 1, kind=sb.Kind.SETTING).message
    result = client.publish(run, "rate", 2, kind=sb.Kind.SETTING)
    assert result.superseded_ids == [old.id]
    assert [message.value for message in client.get_all(run)] == [2]


def test_a_request_id_makes_a_repeat_harmless(client, run):
    first = client.publish(run, "save", request_id="once").message
    assert client.publish(run, "save", request_id="once").message == first
    with pytest.raises(sb.AlreadyExistsError):
        client.publish(run, "else", request_id="once")


def test_publishes_many_each_with_its_own_outcome(client, run):
    many = [sb.PublishRequest(run.id, "k", number) for number in range(3)]
    many[1:1] = [sb.PublishRequest("nowhere", "k"), sb.PublishRequest(run.id, "k", object()),
                 sb.PublishRequest(run.id, ""), sb.PublishRequest(438, "k")]
    results = client.publish_many(iter(many))
    assert [type(result).__name__ for result in results] == [
        "PublishResult", "NotFoundError", "InvalidArgumentError", "InvalidArgumentError", "InvalidArgumentError",
        "PublishResult", "PublishResult"]
    assert "value" in str(results[2]) and "key" in str(results[3]) and "project" in str(results[4])
    assert [message.value for message in client.get_all(run)] == [0, 1, 2]
    assert results[0].message.sequence == 1
    assert client.publish_many([]) == []


def test_a_repeat_among_many_is_harmless(client, run):
    request = sb.PublishRequest(run.id, "rate", 0.1, kind="SETTING", request_id="r", ttl=60, reason="why")
    first, = client.publish_many([request])
    again, other = client.publish_many([request, request._replace(value=0.2, request_id="s")])
    assert again.message == first.message and again.message.reason == "why"
    assert other.superseded_ids == [first.message.id]


def test_gets_what_is_pending(client, run):
    assert client.get(run, "a") is None
    for key in ("a", "b", "a"):
        client.publish(run, key)
    assert client.get(run, "a").sequence == 1
    assert [message.sequence for message in client.get_all(run)] == [1, 2, 3]
    assert [message.sequence for message in client.get_all(run, keys=["b"])] == [2]


def test_acks_are_claims(client, run):
    message = client.publish(run, "save").message
    claimed, = client.ack([message.id], "me")
    assert claimed.claimed and claimed.message_id == message.id
    assert claimed.message.state == "ACKED" and claimed.message.consumer == "me"
    lost, = client.ack([message.id], "you")
    assert not lost.claimed and lost.message.consumer == "me"
    done, = client.ack([message.id], "me", "APPLIED", reply={"path": "/tmp/x"}, step=7)
    assert (done.message.state, done.message.reply, done.message.step) == ("APPLIED", {"path": "/tmp/x"}, 7)
    assert done.message.ack_time <= done.message.finish_time


def test_an_ack_can_say_that_it_failed(client, run):
    message = client.publish(run, "save").message
    done, = client.ack([message.id], "me", sb.AckOutcome.FAILED, error="disk full")
    assert done.message.state == "FAILED" and done.message.error == "disk full"


def test_no_reply_and_a_null_reply_are_both_none(client, run):
    ids = [client.publish(run, "save").message.id for _ in range(2)]
    without, = client.ack(ids[:1], "me", "APPLIED")
    null, = client.ack(ids[1:], "me", "APPLIED", reply=None)
    assert without.message.reply is None and null.message.reply is None


def test_awaits_a_message(client, run):
    message = client.publish(run, "save").message
    assert client.await_message(message.id, timeout=0).state == "PENDING"
    results = []
    waiting = threading.Thread(target=lambda: results.append(client.await_message(message.id, 60)))
    waiting.start()
    client.ack([message.id], "me")
    assert client.await_message(message.id, datetime.timedelta(minutes=1), "ACKED").state == "ACKED"
    client.ack([message.id], "me", "APPLIED")
    waiting.join(60)
    assert results[0].state == "APPLIED"


def test_a_long_wait_is_made_of_slices(client, run, monkeypatch):
    monkeypatch.setattr(sb.client, "_AWAIT_SLICE", 0.05)
    message = client.publish(run, "save").message
    assert client.await_message(message.id, 0.3).state == "PENDING"
    client.ack([message.id], "me")
    assert client.await_message(message.id, 0.3).state == "ACKED"
    assert client.await_message(message.id, until="ACKED").state == "ACKED"
    threading.Timer(0.3, client.ack, ([message.id], "me", "APPLIED")).start()
    assert client.await_message(message.id).state == "APPLIED"


def test_a_wait_outlasts_a_server_that_is_away(server, client, run, monkeypatch):
    monkeypatch.setattr(sb.client, "_AWAIT_SLICE", 0.05)
    impatient = sb.Client(server.address, call_timeout=0.2)
    message = client.publish(run, "save").message
    states = []
    waiting = threading.Thread(target=lambda: states.append(impatient.await_message(message.id, 120).state))
    waiting.start()
    server.stop()
    with pytest.raises(sb.UnavailableError):
        impatient.await_message(message.id, 0.1)
    server.start()
    client.ack([message.id], "me", "APPLIED")
    waiting.join(60)
    assert states == ["APPLIED"]


def test_cancels_a_message(client, run):
    message = client.publish(run, "save").message
    assert client.cancel(message.id, "changed my mind").error == "changed my mind"
    done = client.publish(run, "save").message
    client.ack([done.id], "me", "APPLIED")
    with pytest.raises(sb.FailedPreconditionError):
        client.cancel(done.id)


def test_lists_the_history(client, run):
    for number in range(5):
        client.publish(run, "even" if number % 2 == 0 else "odd", number)
    client.cancel(client.get(run, "odd").id)
    assert [message.value for message in client.list_messages(run)] == [4, 3, 2, 1, 0]
    assert [message.value for message in client.list_messages(run, limit=2)] == [4, 3]
    assert [message.value for message in client.list_messages(run, limit=0, keys=["odd"])] == [3, 1]
    assert [message.value for message in client.list_messages(run, states=["CANCELLED"])] == [1]


def test_runs_from_creation_to_end(client):
    made = client.create_run("tests/life", title="a title", labels={"team": "vision"})
    assert made.state is sb.RunState.ACTIVE and made.outcome is None and made.end_time is None
    assert (made.project, made.title, made.labels) == ("tests/life", "a title", {"team": "vision"})
    again = client.create_run("tests/life", made.id, "a title", {"team": "vision"})
    assert again.id == made.id and again.rank == made.rank
    client.publish(made, "save")
    assert (client.get_run(made).head_sequence, client.get_run(made.id).pending_count) == (1, 1)
    ended = client.end_run(made, "STOPPED")
    assert ended.state == "ENDED" and ended.outcome is sb.RunOutcome.STOPPED and ended.end_time is not None
    assert client.end_run(made, "COMPLETED").outcome == "STOPPED"
    other = client.create_run("tests/life")
    assert [run.id for run in client.list_runs("tests/life")] == [other.id, made.id]
    assert [run.id for run in client.list_runs("tests/life", state="ACTIVE")] == [other.id]
    assert [run.id for run in client.list_runs("tests/life", labels={"team": "vision"})] == [made.id]
    assert repr(made) == f"<signalbox.RunInfo {made.id}, tests/life #{made.rank}, ACTIVE>"


def test_declares_keys(client, run):
    told = client.declare_keys(run, ["save", sb.KeyDeclaration("rate", kind="SETTING", description="Adam's")])
    assert [(key.key, key.kind, key.description) for key in told.keys] == [
        ("rate", "SETTING", "Adam's"), ("save", "COMMAND", "")]
    assert client.publish(run, "rate", 1).message.kind == "SETTING"


def test_a_run_is_named_in_many_ways(client, run, monkeypatch):
    project = run.project
    for name, options in ((run, {}), (run.id, {}), (run.rank, {"project": project}),
                          (str(run.rank), {"project": project})):
        assert client.get_run(name, **options).id == run.id
    monkeypatch.setenv("SIGNALBOX_PROJECT", project)
    assert client.get_run(run.rank).id == run.id
    monkeypatch.setenv("SIGNALBOX_RUN", run.id)
    assert client.get_run().id == run.id


@pytest.mark.parametrize("name, text", [
    (438, "rank 438 needs a project"), ("438", "rank 438 needs a project"), (0, "0 is not a rank"),
    (2**64, "is not a rank"), (True, "bool"), ("", "required")])
def test_a_run_that_is_named_badly(client, monkeypatch, name, text):
    monkeypatch.delenv("SIGNALBOX_PROJECT", raising=False)
    with pytest.raises(sb.InvalidArgumentError, match=text):
        client.publish(name, "save")


def test_no_run_at_all(client, monkeypatch):
    monkeypatch.delenv("SIGNALBOX_RUN", raising=False)
    with pytest.raises(sb.FailedPreconditionError, match="SIGNALBOX_RUN"):
        client.open_inbox()


def test_errors_say_what_is_wrong(client, run):
    with pytest.raises(sb.NotFoundError) as missing:
        client.publish("no-such-run", "save")
    assert missing.value.code == "NOT_FOUND" and "no-such-run" in str(missing.value)
    with pytest.raises(ValueError, match="key"):
        client.publish(run, "")
    with pytest.raises(sb.InvalidArgumentError, match="kind: 'BOTH' is none of COMMAND, SETTING"):
        client.publish(run, "save", kind="BOTH")
    with pytest.raises(sb.InvalidArgumentError, match="states"):
        client.list_messages(run, states=["DONE"])
    with pytest.raises(sb.InvalidArgumentError, match="keys"):
        client.get_all(run, keys="save")
    with pytest.raises(sb.InvalidArgumentError, match="outcome"):
        client.end_run(run, "WON")
    with pytest.raises(sb.InvalidArgumentError, match="ttl"):
        client.publish(run, "save", ttl=-1)
    with pytest.raises(sb.InvalidArgumentError, match="timeout"):
        client.publish(run, "save", timeout=float("nan"))
    client.end_run(run, "COMPLETED")
    with pytest.raises(sb.FailedPreconditionError):
        client.publish(run, "save")


def test_too_much_is_resource_exhausted(client, run):
    with pytest.raises(sb.ResourceExhaustedError):
        for first in range(0, 300, 100):
            client.declare_keys(run, [f"key-{number}" for number in range(first, first + 100)])


def test_a_server_that_is_not_there():
    away = sb.Client(refusing_address(), call_timeout=0.3)
    with pytest.raises(sb.UnavailableError) as error:
        away.list_runs()
    assert isinstance(error.value, ConnectionError) and error.value.code == "UNAVAILABLE"


def test_a_server_that_does_not_answer(black_hole):
    away = sb.Client(black_hole.address)
    with pytest.raises((sb.UnavailableError, sb.DeadlineExceededError)) as error:
        away.list_runs(timeout=0.3)
    assert isinstance(error.value, (ConnectionError, TimeoutError))


def test_bad_options_are_named(monkeypatch):
    with pytest.raises(sb.InvalidArgumentError, match="call_timeout"):
        sb.Client(call_timeout=0)
    with pytest.raises(sb.InvalidArgumentError, match="token"):
        sb.Client("example.org:50051", token="secret")
    monkeypatch.setenv("SIGNALBOX_TOKEN_FILE", "/from/the/environment")
    sb.Client(token="secret")  # Takes the place of the environment's file.


def test_threads_share_a_client(client, run):
    def publish(number):
        for _ in range(10):
            client.publish(run, "save", number)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(message.sequence for message in client.get_all(run)) == list(range(1, 81))
