"""Get: the oldest pending message of one key."""

import pytest

from rig.client import INVALID, refused


def test_nothing_pending_is_ok(client, new_run):
    answer = client.get(new_run(), "save")
    assert not answer.HasField("message")
    assert answer.pending_count == 0


def test_returns_the_oldest_of_the_key_and_how_many_there_are(client, new_run):
    run = new_run()
    client.publish(run, "other", 0)
    oldest = client.publish(run, "save", 1)
    client.publish(run, "save", 2)
    client.publish(run, "other", 3)
    answer = client.get(run, "save")
    assert answer.message == oldest
    assert answer.pending_count == 2


def test_has_no_side_effect(client, new_run):
    run = new_run()
    message = client.publish(run)
    assert client.get(run) == client.get(run)
    assert client.message(message) == message
    assert client.get_run(run).pending_count == 1


@pytest.mark.parametrize("leave", [
    lambda client, message: client.ack(message),
    lambda client, message: client.ack(message, outcome=1),
    lambda client, message: client.cancel(message),
], ids=["acked", "applied", "cancelled"])
def test_goes_on_to_the_next_when_the_oldest_leaves(client, new_run, leave):
    run = new_run()
    oldest, following = client.publish(run), client.publish(run)
    leave(client, oldest)
    answer = client.get(run)
    assert (answer.message, answer.pending_count) == (following, 1)
    leave(client, following)
    answer = client.get(run)
    assert not answer.HasField("message") and answer.pending_count == 0


def test_of_settings_only_the_newest_is_there(client, new_run):
    run = new_run()
    client.setting(run, "rate", 1)
    newest = client.setting(run, "rate", 2).message
    answer = client.get(run, "rate")
    assert (answer.message, answer.pending_count) == (newest, 1)


def test_an_ended_run_has_nothing_pending(client, new_run):
    run = new_run()
    client.publish(run)
    client.end_run(run)
    answer = client.get(run)
    assert not answer.HasField("message") and answer.pending_count == 0


def test_other_runs_do_not_matter(client, new_run):
    one, other = new_run(), new_run()
    client.publish(one)
    assert client.get(other).pending_count == 0


@pytest.mark.parametrize("key", ["", "x" * 129])
def test_a_bad_key_is_refused(client, new_run, key):
    with refused(INVALID, "key"):
        client.get(new_run(), key)
