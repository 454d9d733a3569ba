"""A job that was away while what its cursor stands for was pruned."""

import pytest

import signalbox as sb
from live_server import LiveServer
from rig.waiting import eventually

SHORT = ("--message-retention", "1s", "--run-retention", "1s")


@pytest.fixture
def server(tmp_path):
    server = LiveServer(tmp_path, *SHORT)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def meanwhile(server, tmp_path):
    """Calls a function with a client of the same database, while nobody is at the server's address."""

    def meanwhile(act):
        server.stop()
        elsewhere = LiveServer(tmp_path, *SHORT).start()
        try:
            act(sb.Client(elsewhere.address, call_timeout=30))
        finally:
            elsewhere.stop()
        server.start()

    return meanwhile


def test_an_inbox_begins_afresh_by_itself(server, meanwhile):
    client = sb.Client(server.address, call_timeout=30)
    run = client.create_run("tests/python")
    with client.open_inbox(run, refresh_interval=3600) as inbox:
        gone = client.publish(run, "gone", 1).message
        assert inbox.wait_newer(0, 30) and inbox.get_all() == [gone]
        new = []

        def go_on(other):
            with other.open_inbox(run) as reader:
                assert reader.wait_synced(30)
                reader.get("gone").ack_now(30, "APPLIED")
            eventually(lambda: not other.list_messages(run), 20, what="pruning")
            new.append(other.publish(run, "new", 2).message)

        meanwhile(go_on)
        # Nothing tells that the first one was withdrawn: it only goes when the inbox starts afresh.
        eventually(lambda: inbox.get_all() == new, 40, what="the new message alone")
        eventually(lambda: inbox.state == "STREAMING", 40, what="the stream")
        assert inbox.get("new").ack_now(30) is True
