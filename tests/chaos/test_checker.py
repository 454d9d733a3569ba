"""The checker, without a server: a small history that keeps every promise passes, and one thing that is wrong with it
is found as what it is."""

import json
import pathlib
import re
import signal

import pytest

from chaos.checker import check
from chaos.cluster import WatchedServer
from chaos.history import content, digest

HERE = pathlib.Path(__file__).resolve().parent
START, WALL = 10**12, 10**18  # The beginning of the history, by both clocks.
KEYS = {1: "save", 2: "learning-rate", 3: "learning-rate", 4: "dump", 5: "evaluate", 6: "dump", 7: "dump"}
OK = {"out": "ok", "code": "OK"}


def at(milliseconds):
    return START + milliseconds * 1_000_000


def wall(milliseconds):
    return WALL + milliseconds * 1_000_000


def call(op, began, ended, run="r", **fields):
    return {"op": op, "t0": at(began), "t1": at(ended), "at": "replica1", "run": run, **{**OK, **fields}}


def publish(sequence, began, ended, run="r", token=None, key=None, superseded=(), **fields):
    """Of the message that has the sequence; `token` and `key` of another one when they are given."""
    token, key = token or f"{run}:{sequence}", key or KEYS[sequence]
    draft = {"token": token, "request_id": token, "key": key, "setting": key == "learning-rate",
             "value": content(token, 0)}
    stored = {"id": f"{run}{sequence}", "sequence": sequence, "superseded": list(superseded), "state": "PENDING"}
    answer = stored if fields.get("out", "ok") == "ok" else {}
    return call("publish", began, ended, run, **{**draft, **answer, **fields})


def refused(code):
    return {"out": "fail", "code": code}


def doubtful(**fields):
    return {"out": "info", "code": "UNAVAILABLE", **fields}


def ack(sequence, consumer, began, ended, claimed, winner, state):
    return call("ack", began, ended, ids=[f"r{sequence}"], consumer=consumer, outcome="APPLIED",
                results=[[f"r{sequence}", claimed, winner, state]])


def shown(sequence, run="r"):
    token = f"{run}:{sequence}"
    return [f"{run}{sequence}", sequence, token, digest(content(token, 0)), KEYS[sequence]]


def stored(sequence, state, consumer="", expires=0, run="r"):
    return [*shown(sequence, run), state, consumer, wall(expires) if expires else 0]


def opened(instant, stream, run="r", keys=(), resumed=True, where="replica1"):
    return {"op": "open", "t": at(instant), "at": where, "run": run, "subscriber": stream.split("/")[0],
            "stream": stream, "keys": list(keys), "slow": False, "resumed": resumed}


def event(op, instant, stream, **fields):
    return {"op": op, "t": at(instant), "stream": stream, **fields}


def message(instant, stream, sequence, run="r"):
    return event("message", instant, stream, seen=shown(sequence, run))


def withdrawn(instant, stream, sequence, state, consumer=""):
    return event("withdrawn", instant, stream, id=f"r{sequence}", state=state, consumer=consumer)


def progress(instant, stream, head, synced=True):
    return event("progress", instant, stream, head=head, synced=synced, stale=False, moved=True,
                 server=wall(instant))


def final(replica, run, *messages):
    return {"op": "final", "t": at(20_000), "at": replica, "run": run, "seen": list(messages)}


def writes():
    return {
        "publish 1": publish(1, 100, 110),
        "publish 2": publish(2, 120, 130),
        "ack": ack(1, "a", 200, 210, True, "a", "APPLIED"),
        "late ack": ack(1, "b", 220, 230, False, "a", "APPLIED"),
        "publish 3": publish(3, 300, 310, superseded=["r2"]),
        "publish 4 in doubt": publish(4, 400, 405, **doubtful()),
        "publish 4": publish(4, 410, 420),
        "taken request id": publish(7, 430, 440, token="r:taken", request_id="r:1", **refused("ALREADY_EXISTS")),
        "publish 5": publish(5, 450, 460),
        "cancel": call("cancel", 500, 510, id="r5", state="CANCELLED"),
        "publish 6, expires": publish(6, 540, 545, **doubtful()),
        "publish of e": publish(1, 600, 605, run="e"),
        "end": call("end", 610, 615, run="e"),
        "repeat after the end": publish(1, 620, 625, run="e"),
        "publish after the end": publish(2, 630, 635, run="e", **refused("FAILED_PRECONDITION")),
    }


def reads():
    return {
        "get_all": call("get_all", 150, 155, seen=[shown(1), shown(2)], whole=True),
        "get": call("get", 160, 165, key="save", seen=shown(1)),
        "get_all after the ack": call("get_all", 250, 255, seen=[shown(2)], whole=True),
        "get of the setting": call("get", 350, 355, key="learning-rate", seen=shown(3)),
        "await": call("await", 180, 211, id="r1", state="APPLIED"),
        "await of what stays": call("await", 430, 480, id="r4", state="PENDING"),
    }


def streams():
    """Of a subscriber of everything, one of a key, and one of a run that ends."""
    return {
        "open 1": opened(50, "s/1", resumed=False), "at 0": progress(60, "s/1", 0),
        "message 1": message(112, "s/1", 1), "message 2": message(132, "s/1", 2),
        "withdrawn 1": withdrawn(212, "s/1", 1, "APPLIED", "a"), "at 2": progress(240, "s/1", 2),
        "close 1": event("closed", 250, "s/1", code="LEFT"),
        "open 2": opened(260, "s/2"), "at 2 again": progress(270, "s/2", 2),
        "withdrawn 2": withdrawn(311, "s/2", 2, "SUPERSEDED"), "message 3": message(312, "s/2", 3),
        "message 4": message(421, "s/2", 4), "message 5": message(461, "s/2", 5), "at 5": progress(480, "s/2", 5),
        "withdrawn 5": withdrawn(511, "s/2", 5, "CANCELLED"), "at 6": progress(700, "s/2", 6),
        "close 2": event("closed", 710, "s/2", code="LEFT"),
        "open 3": opened(800, "s/3"), "at 6 again": progress(810, "s/3", 6),
        "close 3": event("closed", 815, "s/3", code="LEFT"),
        "settled": {"op": "settled", "t": at(820), "subscriber": "s"},

        "open k": opened(51, "k/1", keys=["learning-rate"], resumed=False), "k at 0": progress(61, "k/1", 0),
        "k message 2": message(133, "k/1", 2), "k withdrawn 2": withdrawn(312, "k/1", 2, "SUPERSEDED"),
        "k message 3": message(313, "k/1", 3), "k heartbeat 1": progress(4_500, "k/1", 6),
        "k heartbeat 2": progress(9_000, "k/1", 6), "k heartbeat 3": progress(13_500, "k/1", 6),
        "close k": event("closed", 14_000, "k/1", code="LEFT"),
        "k settled": {"op": "settled", "t": at(14_010), "subscriber": "k"},

        "open e": opened(590, "e/1", run="e", resumed=False), "e at 0": progress(595, "e/1", 0),
        "e message": message(606, "e/1", 1, run="e"), "e ended": event("run_ended", 616, "e/1"),
        "close e": event("closed", 617, "e/1", code="OK"),
        "e settled": {"op": "settled", "t": at(618), "subscriber": "e"},
    }


def healthy():
    """What happened, by a name for each event, and the end state as two replicas list it."""
    events = {
        "clock": {"op": "clock", "t": START, "wall": WALL},
        "failover": {"op": "failed_over", "t0": at(20), "t1": at(30)},
        **writes(), **reads(), **streams(),
    }
    for replica in ("replica1", "replica2"):
        events[f"final r at {replica}"] = final(
            replica, "r", stored(1, "APPLIED", "a"), stored(2, "SUPERSEDED"), stored(3, "PENDING"),
            stored(4, "PENDING"), stored(5, "CANCELLED"), stored(6, "EXPIRED", expires=560))
        events[f"final e at {replica}"] = final(replica, "e", stored(1, "UNDELIVERED", run="e"))
    return events


def verdict(tmp_path, events):
    """The invariants that the checker finds broken."""
    in_order = sorted(events.values(), key=lambda event: event.get("t1", event.get("t")))
    with open(tmp_path / "history.jsonl", "w") as file:
        file.writelines(json.dumps(event) + "\n" for event in in_order)
    return set(check(tmp_path).summary()["violations"])


# What can be wrong, by the invariant that it breaks.

BREAKS = []


def breaks(invariant):
    def note(change):
        BREAKS.append(pytest.param(invariant, change, id=f"{invariant}: {change.__name__}"))
        return change
    return note


def list_too(events, message):
    """Both replicas list one more message in the end, which nobody was shown because it expired."""
    for replica in ("replica1", "replica2"):
        events[f"final r at {replica}"]["seen"].append(message)


def expired(sequence, token):
    return [f"r{sequence}", sequence, token, digest(content(token, 0)), KEYS[sequence], "EXPIRED", "", wall(450)]


def listed(events, sequence):
    """The fields of a message in both lists of the end state."""
    return [events[f"final r at {replica}"]["seen"][sequence - 1] for replica in ("replica1", "replica2")]


@breaks("durable")
def answered_and_not_there(events):
    events["more"] = publish(7, 550, 560)


@breaks("durable")
def known_and_not_found(events):
    events["more"] = call("ack", 550, 560, ids=["r1"], consumer="a", outcome="APPLIED", **refused("NOT_FOUND"))


@breaks("nothing un-happens")
def shown_with_other_content(events):
    events["get_all"]["seen"][0][3] += 1


@breaks("no double")
def stored_twice(events):
    list_too(events, expired(7, "r:6"))


@breaks("no double")
def two_contents_of_one_request_id(events):
    events["taken request id"].update(doubtful())
    list_too(events, expired(7, "r:taken"))


@breaks("one answer")
def repeat_that_replaced_something_else(events):
    events["repeat"] = publish(3, 550, 560)


@breaks("no ghost")
def refused_and_stored(events):
    events["taken request id"]["request_id"] = "r:free"
    list_too(events, expired(7, "r:taken"))


@breaks("no ghost")
def withdrawn_before_any_act(events):
    events["withdrawn 1"]["t"] = at(190)


@breaks("no stranger")
def stored_and_never_published(events):
    list_too(events, expired(7, "r:99"))


@breaks("as sent")
def stored_with_other_content(events):
    for fields in listed(events, 6):
        fields[3] += 1


@breaks("dense")
def hole_in_the_sequences(events):
    for fields in listed(events, 6):
        fields[1] = 7


@breaks("real-time order")
def answered_before_the_one_before_was_sent(events):
    for name, began in (("publish 4 in doubt", 270), ("publish 4", 280)):
        events[name].update(t0=at(began), t1=at(began + 5))


@breaks("order")
def listed_backwards(events):
    events["get_all"]["seen"].reverse()


@breaks("acts last")
def pending_after_the_end(events):
    for replica in ("replica1", "replica2"):
        events[f"final e at {replica}"]["seen"] = [stored(1, "PENDING", run="e")]


@breaks("ended")
def undelivered_without_an_end(events):
    for fields in listed(events, 4):
        fields[5] = "UNDELIVERED"


@breaks("ended")
def stored_after_the_end(events):
    events["publish after the end"] = publish(2, 630, 635, run="e")
    for replica in ("replica1", "replica2"):
        events[f"final e at {replica}"]["seen"].append(stored(2, "UNDELIVERED", run="e"))


@breaks("repeats succeed")
def repeat_refused_after_the_end(events):
    events["repeat after the end"] = publish(1, 620, 625, run="e", **refused("FAILED_PRECONDITION"))


@breaks("repeats succeed")
def repeat_taken_for_a_conflict(events):
    events["more"] = publish(1, 550, 560, **refused("ALREADY_EXISTS"))


@breaks("repeats succeed")
def repeat_of_an_unknown_run(events):
    events["more"] = publish(1, 550, 560, **refused("NOT_FOUND"))


@breaks("repeats succeed")
def repeat_found_malformed(events):
    events["more"] = publish(1, 550, 560, **refused("INVALID_ARGUMENT"))


@breaks("superseded")
def superseded_one_of_another_key(events):
    events["publish 3"]["superseded"].append("r1")


@breaks("one winner")
def second_winner(events):
    events["late ack"]["results"][0][1] = True


@breaks("final")
def told_another_state(events):
    events["ack"]["results"][0][3] = "FAILED"


@breaks("final")
def awaited_another_state(events):
    events["await"]["state"] = "FAILED"


@breaks("acts last")
def pending_after_it_had_left(events):
    for fields in listed(events, 6):
        fields[5] = "PENDING"


@breaks("read your writes")
def read_leaves_out(events):
    del events["get_all"]["seen"][0]


@breaks("read your writes")
def get_of_what_is_second(events):
    events["get"].update(t0=at(470), t1=at(475), key="dump", seen=None)


@breaks("read your writes")
def new_stream_behind(events):
    events["at 2 again"]["head"] = 1


@breaks("acts are seen")
def read_shows_what_was_acked(events):
    events["get_all after the ack"]["seen"].insert(0, shown(1))


@breaks("acts are seen")
def await_does_not_see_the_ack(events):
    events["await"].update(t0=at(240), t1=at(245), state="PENDING")


@breaks("stream order")
def page_sent_again(events):
    events["more"] = message(245, "s/1", 1)


@breaks("stream order")
def progress_goes_back(events):
    events["more"] = progress(705, "s/2", 5)


@breaks("stream complete")
def stream_leaves_out(events):
    del events["message 5"], events["withdrawn 5"]


@breaks("keys")
def another_key_shown(events):
    events["more"] = message(425, "k/1", 4)


@breaks("withdrawn once")
def withdrawn_again(events):
    events["more"] = withdrawn(215, "s/1", 1, "APPLIED", "a")


@breaks("withdrawn once")
def withdrawn_without_being_shown(events):
    events["more"] = withdrawn(512, "k/1", 5, "CANCELLED")


@breaks("resumption")
def covered_by_the_cursor_and_shown(events):
    events["more"] = message(280, "s/2", 2)


@breaks("old history")
def old_cursor_goes_on(events):
    events["failover"].update(t0=at(252), t1=at(258))


@breaks("catches up")
def stream_stuck(events):
    events["more"] = event("stuck", 705, "s/2", head=7)


@breaks("fresh")
def stream_stays_behind(events):
    for number in (1, 2, 3):
        events[f"k heartbeat {number}"]["head"] = 3


@breaks("converges")
def withdrawal_never_told(events):
    del events["withdrawn 5"]


@breaks("converges")
def never_settled(events):
    del events["settled"]


@breaks("converges")
def end_never_told(events):
    del events["e ended"]


@breaks("replicas agree")
def two_histories(events):
    events["final r at replica2"]["seen"][0][6] = "b"


@breaks("heartbeat")
def silent_stream(events):
    del events["k heartbeat 1"], events["k heartbeat 2"]


@breaks("heartbeat")
def silent_until_given_up(events):
    del events["k heartbeat 2"], events["k heartbeat 3"]
    events["close k"]["t"] = at(15_000)
    events["k settled"]["t"] = at(15_010)


@breaks("defect")
def internal_error(events):
    events["get"].update(out="info", code="INTERNAL", details="database: something (SQLSTATE 42601)")


@breaks("defect")
def unknown_end_of_a_stream(events):
    events["close 1"].update(code="UNKNOWN", details="Exception in handler")


@breaks("end state")
def run_not_listed(events):
    events["more"] = publish(1, 550, 560, run="lost", **doubtful())


def documented():
    """The invariants in the documentation's table."""
    table = (HERE / "README.md").read_text().split("| invariant |")[1].split("\n\n")[0]
    return {name.strip() for row in table.splitlines()[2:] for name in row.split("|")[1].split(",")}


def test_what_is_healthy_passes(tmp_path):
    assert verdict(tmp_path, healthy()) == set()


@pytest.mark.parametrize(("invariant", "change"), BREAKS)
def test_what_is_wrong_is_found_as_what_it_is(tmp_path, invariant, change):
    events = healthy()
    change(events)
    assert verdict(tmp_path, events) == {invariant}


def test_every_invariant_of_the_documentation_is_broken_here():
    assert documented() == {parameter.values[0] for parameter in BREAKS}


def test_every_invariant_of_the_checker_is_in_the_documentation():
    names = {name for path in (HERE / "chaos").glob("check*.py")
             for name in re.findall(r'"([a-z][a-z -]+)",\s+f"', path.read_text())}
    assert names == documented()


def test_a_frozen_network_may_be_silent(tmp_path):
    events = healthy()
    silent_stream(events)
    events["freeze"] = {"op": "edge", "t0": at(5_000), "t1": at(5_001), "edge": "replica1-clients", "freeze": ["down"]}
    events["thaw"] = {"op": "edge", "t0": at(9_000), "t1": at(9_001), "edge": "replica1-clients", "freeze": []}
    assert verdict(tmp_path, events) == set()
    for name in ("freeze", "thaw"):
        events[name]["edge"] = "replica2-clients"
    assert verdict(tmp_path, events) == {"heartbeat"}


def test_a_subscriber_that_dawdles_may_hear_late(tmp_path):
    events = healthy()
    silent_stream(events)
    events["open k"]["slow"] = True
    assert verdict(tmp_path, events) == set()


def test_a_lost_connection_is_no_defect(tmp_path):
    events = healthy()
    events["close 1"].update(code="UNKNOWN", details="Stream removed")
    assert verdict(tmp_path, events) == set()


@pytest.mark.parametrize(("end", "is_crash"), [("kill -SEGV $$", True), ("exit 3", True), ("exit 0", True),
                                                ("kill -KILL $$", False)])
def test_a_server_that_ends_by_itself_is_told_of(tmp_path, monkeypatch, end, is_crash):
    program = tmp_path / "server"
    program.write_text(f"#!/bin/sh\n{end}\n")
    program.chmod(0o755)
    monkeypatch.setenv("SIGNALBOXD", str(program))
    server = WatchedServer(tmp_path)
    server.start(wait=False).process.wait(10)
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    server.start(wait=False)
    assert server.terminate() == -signal.SIGTERM
    told = server.crashes()
    assert len(told) == is_crash + 1, told  # The second did not end as a server does that is told to.
