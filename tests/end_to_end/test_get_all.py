"""GetAll: everything pending, page by page, and the cursor to go on from."""

import grpc
import pytest
from signalbox.v1 import message_pb2

from rig.client import INVALID, NOT_FOUND, refused
from rig.values import string_value_of_size
from rig.waiting import at_once

MIB = 1 << 20


def pages_of(client, run, **fields):
    pages, token = [], ""
    while True:
        pages.append(client.get_page(run, page_token=token, **fields))
        token = pages[-1].next_page_token
        if not token:
            return pages


def test_an_empty_run_has_a_cursor_and_no_messages(client, new_run):
    page = client.get_page(new_run())
    assert list(page.messages) == []
    assert page.next_page_token == ""
    assert page.cursor


def test_messages_come_in_sequence_order_without_side_effect(client, new_run):
    run = new_run()
    messages = [client.publish(run, f"k{i % 3}", i) for i in range(10)]
    assert client.get_all(run) == messages
    assert client.get_all(run) == messages


def test_only_pending_messages_are_there(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(5)]
    client.ack(messages[0])
    client.ack(messages[2], outcome=2, error="no")
    client.cancel(messages[4])
    assert client.get_all(run) == [messages[1], messages[3]]


@pytest.mark.parametrize("call", ["Get", "GetAll", "Subscribe"])
def test_what_is_no_request_is_refused(client, call):
    """GetAll and Subscribe read their bytes themselves; nobody shall see a difference."""
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        client.channel.unary_unary(f"/signalbox.v1.MessageService/{call}")(b"\xff", timeout=10)


def test_keys_filter(client, new_run):
    run = new_run()
    a, b, c = (client.publish(run, key) for key in "abc")
    assert client.get_all(run, keys=["a"]) == [a]
    assert client.get_all(run, keys=["c", "b", "b"]) == [b, c]
    assert client.get_all(run, keys=["none"]) == []


@pytest.mark.parametrize("page_size", [1, 3, 7, 8])
def test_pages_by_count(client, new_run, page_size):
    run = new_run()
    messages = [client.publish(run, value=i) for i in range(7)]
    pages = pages_of(client, run, page_size=page_size)
    assert [m for page in pages for m in page.messages] == messages
    assert all(len(page.messages) <= page_size for page in pages)
    assert len(pages) == -(-7 // page_size)
    assert len({page.cursor for page in pages}) == 1


def test_3_mib_of_pending_messages_come_in_pages_of_at_most_1_mib(client, new_run):
    run = new_run()
    messages = [client.publish(run, value=string_value_of_size(60_000 + i), reason="r" * 1000) for i in range(52)]
    pages = pages_of(client, run)
    assert [m for page in pages for m in page.messages] == messages
    assert all(page.ByteSize() <= MIB for page in pages), [page.ByteSize() for page in pages]
    assert 4 <= len(pages) <= 7, "pages must be filled"
    assert len({page.cursor for page in pages}) == 1


def test_the_default_and_greatest_page_is_1000(client, new_run):
    run = new_run()
    at_once([lambda: [client.publish(run) for _ in range(100)] for _ in range(10)])
    for page_size in (0, 1000, 1001, 2**31 - 1):
        page = client.get_page(run, page_size=page_size)
        assert [m.sequence for m in page.messages] == list(range(1, 1001))
        assert page.next_page_token == ""
    assert len(client.get_page(run, page_size=999).messages) == 999


def test_a_negative_page_size_is_refused(client, new_run):
    with refused(INVALID, "page_size"):
        client.get_page(new_run(), page_size=-1)


@pytest.mark.parametrize("token", ["garbage", "AAAA", "x" * 5000, "a\0b", "1", "{}", "é"],
                         ids=["word", "base64", "long", "nul", "number", "braces", "utf-8"])
def test_a_garbage_token_is_refused(client, new_run, token):
    with refused(INVALID, "page_token"):
        client.get_page(new_run(), page_token=token)


def test_a_token_of_another_query_is_refused(client, new_run):
    run, other = new_run(), new_run()
    for target in (run, other):
        for _ in range(3):
            client.publish(target)
    token = client.get_page(run, page_size=1).next_page_token
    assert token
    with refused(INVALID, "page_token"):
        client.get_page(other, page_token=token)
    with refused(INVALID, "page_token"):
        client.get_page(run, keys=["k"], page_token=token)
    with refused(INVALID, "page_token"):
        client.list_page(run, page_token=token)
    with refused(INVALID, "page_token"):
        client.list_runs(page_token=token)
    keyed = client.get_page(run, keys=["k"], page_size=1).next_page_token
    with refused(INVALID, "page_token"):
        client.get_page(run, keys=["other"], page_token=keyed)


def test_the_page_size_may_change_between_pages(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(6)]
    first = client.get_page(run, page_size=1)
    rest = client.get_page(run, page_size=5, page_token=first.next_page_token)
    assert [*first.messages, *rest.messages] == messages


def test_a_token_may_be_used_twice(client, new_run):
    run = new_run()
    for _ in range(4):
        client.publish(run)
    token = client.get_page(run, page_size=2).next_page_token
    assert client.get_page(run, page_size=2, page_token=token) == client.get_page(run, page_size=2, page_token=token)


def test_subscribe_goes_on_from_the_cursor(client, new_run):
    run = new_run()
    messages = [client.publish(run) for _ in range(3)]
    cursor = client.get_page(run).cursor
    with client.subscribe(run, cursor=cursor) as stream:
        assert stream.synced().head_sequence == 3
        assert stream.kinds() == ["progress"]
        new = client.publish(run)
        assert stream.message_with(new.id) == new
        client.ack(messages[1])
        assert stream.withdrawal_of(messages[1].id).state == message_pb2.MESSAGE_STATE_ACKED


def test_changes_between_the_pages_are_told_from_the_cursor_on(client, new_run):
    run = new_run()
    old = [client.publish(run, value=i) for i in range(4)]
    first = client.get_page(run, page_size=2)
    client.ack(old[0])
    client.ack(old[3])
    new = client.publish(run)
    seen = [*first.messages, *pages_of_rest(client, run, first)]
    assert [m.id for m in seen if m.sequence <= 4][:3] == [m.id for m in old[:3]]
    with client.subscribe(run, cursor=first.cursor) as stream:
        stream.synced(5)
        assert [m.id for m in stream.messages()] == [new.id]
        assert sorted(w.message_id for w in stream.withdrawn()) == sorted([old[0].id, old[3].id])


def pages_of_rest(client, run, page):
    while page.next_page_token:
        page = client.get_page(run, page_size=2, page_token=page.next_page_token)
        yield from page.messages


def test_the_cursor_is_no_page_token(client, new_run):
    run = new_run()
    client.publish(run)
    with refused(INVALID, "page_token"):
        client.get_page(run, page_token=client.get_page(run).cursor)


def test_an_unknown_run_is_not_found_even_with_a_page_size(client):
    with refused(NOT_FOUND):
        client.get_page("no-such-run", page_size=5)
