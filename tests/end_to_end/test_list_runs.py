"""ListRuns: newest first, filtered, in pages."""

import pytest
from signalbox.v1 import run_pb2

from rig.client import INVALID, refused

ACTIVE, ENDED = run_pb2.RUN_STATE_ACTIVE, run_pb2.RUN_STATE_ENDED


@pytest.fixture(scope="module")
def runs(client):
    """Ranks 1-6 of list/a; odd ones are red, the first three big, 2 and 4 ended. And one of list/b."""
    made = []
    for i in range(1, 7):
        labels = {"colour": "red" if i % 2 else "blue", "size": "big" if i <= 3 else "small"}
        made.append(client.create_run("list/a", title=f"run {i}", labels=labels))
    client.create_run("list/b", labels={"colour": "red"})
    for i in (1, 3):
        client.end_run(made[i])
    return made


def ranks(response):
    return [run.rank for run in response.runs]


def test_newest_first(client, runs):
    response = client.list_runs(project="list/a")
    assert ranks(response) == [6, 5, 4, 3, 2, 1]
    assert list(response.runs) == [client.get_run(run) for run in reversed(runs)]


def test_the_project_is_optional(client, runs):
    projects = [run.project for run in client.list_runs(page_size=1000).runs]
    assert projects == ["list/b"] + ["list/a"] * 6


def test_by_state(client, runs):
    assert ranks(client.list_runs(project="list/a", state=ACTIVE)) == [6, 5, 3, 1]
    assert ranks(client.list_runs(project="list/a", state=ENDED)) == [4, 2]


def test_all_labels_must_match(client, runs):
    assert ranks(client.list_runs(project="list/a", labels={"colour": "red"})) == [5, 3, 1]
    assert ranks(client.list_runs(project="list/a", labels={"colour": "red", "size": "big"})) == [3, 1]
    assert ranks(client.list_runs(project="list/a", labels={"colour": "green"})) == []
    assert ranks(client.list_runs(project="list/a", labels={"colour": ""})) == []
    assert len(client.list_runs(labels={"colour": "red"}).runs) == 4


def test_all_filters_together(client, runs):
    assert ranks(client.list_runs(project="list/a", state=ENDED, labels={"size": "big"})) == [2]


@pytest.mark.parametrize("page_size", [1, 2, 4, 6, 50])
def test_pages(client, runs, page_size):
    seen, token = [], ""
    while True:
        page = client.list_runs(project="list/a", page_size=page_size, page_token=token)
        assert len(page.runs) <= page_size
        seen += ranks(page)
        token = page.next_page_token
        if not token:
            break
    assert seen == [6, 5, 4, 3, 2, 1]


def test_filtered_pages(client, runs):
    query = {"project": "list/a", "labels": {"colour": "red"}, "page_size": 2}
    first = client.list_runs(**query)
    second = client.list_runs(**query, page_token=first.next_page_token)
    assert ranks(first) + ranks(second) == [5, 3, 1]
    assert second.next_page_token == ""


def test_runs_created_meanwhile_do_not_disturb_the_pages(client):
    for _ in range(4):
        client.create_run("list/c")
    first = client.list_runs(project="list/c", page_size=2)
    client.create_run("list/c")
    second = client.list_runs(project="list/c", page_size=2, page_token=first.next_page_token)
    assert ranks(first) + ranks(second) == [4, 3, 2, 1]


def test_a_page_is_at_most_1_mib(client):
    labels = {f"{i:02}".ljust(63, "n"): "v" * 63 for i in range(32)}
    for _ in range(6):
        run = client.create_run("list/big", title="t" * 256, labels=labels)
        client.declare(run, [run_pb2.KeyDeclaration(key=f"{i}".ljust(128, "k"), description="d" * 1024)
                             for i in range(256)])
    seen, token = [], ""
    while True:
        page = client.list_runs(project="list/big", page_size=1000, page_token=token)
        assert page.ByteSize() <= 1 << 20
        seen += ranks(page)
        token = page.next_page_token
        if not token:
            break
    assert seen == [6, 5, 4, 3, 2, 1]


def test_a_negative_page_size_is_refused(client):
    with refused(INVALID, "page_size"):
        client.list_runs(page_size=-1)


def test_an_unknown_state_is_refused(client):
    with refused(INVALID, "state"):
        client.list_runs(state=9)


@pytest.mark.parametrize("token", ["garbage", "AAAA", "x" * 5000, "a\0b", "3"],
                         ids=["word", "base64", "long", "nul", "number"])
def test_a_garbage_token_is_refused(client, token):
    with refused(INVALID, "page_token"):
        client.list_runs(page_token=token)


def test_a_token_of_another_query_is_refused(client, runs):
    token = client.list_runs(project="list/a", page_size=1).next_page_token
    for other in ({"project": "list/b"}, {}, {"project": "list/a", "state": ACTIVE},
                  {"project": "list/a", "labels": {"colour": "red"}}):
        with refused(INVALID, "page_token"):
            client.list_runs(page_token=token, **other)
    with refused(INVALID, "page_token"):
        client.list_page(runs[0], page_token=token)
