"""Settings: only the newest of a key matters; and the kinds that a run declares."""

import pytest
from signalbox.v1 import message_pb2, run_pb2

from rig.values import from_value
from rig.waiting import at_once, eventually

COMMAND, SETTING = message_pb2.KIND_COMMAND, message_pb2.KIND_SETTING
SUPERSEDED = message_pb2.MESSAGE_STATE_SUPERSEDED
PENDING = message_pb2.MESSAGE_STATE_PENDING


def declared(key, kind):
    return run_pb2.KeyDeclaration(key=key, kind=kind)


def test_a_newer_setting_supersedes_the_older(client, new_run):
    run = new_run()
    old = client.setting(run, "rate", 1)
    assert list(old.superseded_ids) == []
    new = client.setting(run, "rate", 2)
    assert list(new.superseded_ids) == [old.message.id]
    gone = client.message(old.message)
    assert gone.state == SUPERSEDED and gone.HasField("finish_time") and not gone.HasField("ack_time")
    assert client.get_all(run) == [new.message]
    assert client.get_run(run).pending_count == 1


def test_settings_of_other_keys_and_runs_stay(client, new_run):
    run, other = new_run(), new_run()
    kept = [client.setting(run, "a").message, client.setting(other, "b").message]
    assert list(client.setting(run, "b").superseded_ids) == []
    assert [client.message(m).state for m in kept] == [PENDING, PENDING]


def test_commands_of_the_key_stay(client, new_run):
    run = new_run()
    command = client.publish(run, "rate", 1, kind=COMMAND)
    assert list(client.setting(run, "rate", 2).superseded_ids) == []
    assert client.message(command).state == PENDING


def test_a_command_supersedes_nothing(client, new_run):
    run = new_run()
    setting = client.setting(run, "rate", 1).message
    assert list(client.try_publish(run, "rate", 2, kind=COMMAND).superseded_ids) == []
    assert client.message(setting).state == PENDING
    assert list(client.setting(run, "rate", 3).superseded_ids) == [setting.id]


def test_a_claimed_setting_is_not_superseded(client, new_run):
    run = new_run()
    claimed = client.setting(run, "rate", 1).message
    client.ack(claimed, "reader")
    assert list(client.setting(run, "rate", 2).superseded_ids) == []
    assert client.ack(claimed, "reader", outcome=1).message.state == message_pb2.MESSAGE_STATE_APPLIED


def test_an_expired_setting_is_not_superseded(client, new_run):
    run = new_run()
    old = client.setting(run, "rate", 1, ttl=0.05).message
    eventually(lambda: client.get(run, "rate").pending_count == 0, 5)
    assert list(client.setting(run, "rate", 2).superseded_ids) == []
    assert client.message(old).state == message_pb2.MESSAGE_STATE_EXPIRED


def test_the_declared_kind_is_the_default(client, new_run):
    run = new_run()
    client.declare(run, [declared("rate", SETTING), declared("save", COMMAND), declared("plain", 0)])
    kinds = {key: client.publish(run, key).kind for key in ("rate", "save", "plain", "unknown")}
    assert kinds == {"rate": SETTING, "save": COMMAND, "plain": COMMAND, "unknown": COMMAND}
    old = client.get(run, "rate").message
    assert list(client.try_publish(run, "rate").superseded_ids) == [old.id]


def test_a_given_kind_overrides_the_declared_one(client, new_run):
    run = new_run()
    client.declare(run, [declared("rate", SETTING), declared("save", COMMAND)])
    assert client.publish(run, "rate", kind=COMMAND).kind == COMMAND
    assert client.publish(run, "save", kind=SETTING).kind == SETTING


def test_a_new_declaration_holds_for_new_messages_only(client, new_run):
    run = new_run()
    command = client.publish(run, "rate", 1)
    client.declare(run, [declared("rate", SETTING)])
    assert list(client.try_publish(run, "rate", 2).superseded_ids) == []
    assert client.message(command) == command


@pytest.mark.parametrize("keys", [1, 3])
def test_of_concurrent_settings_the_newest_of_each_key_is_left(server, replica, client, new_run, keys):
    run = new_run()
    clients = [(server, replica)[i % 2].connect() for i in range(12)]

    def publish(connection, worker):
        return [connection.setting(run, f"k{i % keys}", worker * 100 + i) for i in range(10)]

    answers = [r for rs in at_once([lambda c=c, i=i: publish(c, i) for i, c in enumerate(clients)]) for r in rs]
    newest = {}
    for response in sorted(answers, key=lambda r: r.message.sequence):
        newest[response.message.key] = response.message
    assert sorted(r.message.sequence for r in answers) == list(range(1, 121))
    assert {m.key: m for m in client.get_all(run)} == newest
    superseded = [old for response in answers for old in response.superseded_ids]
    assert len(superseded) == len(set(superseded)) == 120 - keys
    states = {m.id: m.state for m in client.history(run)}
    assert {states[old] for old in superseded} == {SUPERSEDED}


def test_each_setting_names_the_one_just_before_it(client, new_run):
    run = new_run()
    responses = at_once([lambda i=i: client.setting(run, "rate", i) for i in range(20)])
    ordered = sorted(responses, key=lambda r: r.message.sequence)
    for before, after in zip(ordered, ordered[1:]):
        assert list(after.superseded_ids) == [before.message.id]
    assert from_value(client.get(run, "rate").message.value) == from_value(ordered[-1].message.value)
