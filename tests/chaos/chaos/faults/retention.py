"""Pruning under faults: who comes back with an old cursor is told that it is too old, or misses nothing."""

import math

from chaos.faults.fault import Fault
from chaos.pruned_run import INTERRUPTED, RETENTION, TOO_OLD, PrunedRun
from rig.client import Client
from rig.waiting import eventually

_GONE_WITHIN = 20
_STREAMS_BETWEEN = 10  # That end, between one thing that happens to a server and the next.


def prune(scene, times):
    """Servers are killed while what is over is pruned, and subscribers come back with cursors of any age."""
    clients = [Client(replica.server.address) for replica in scene.cluster.replicas]
    with PrunedRun(clients, scene.rng.random()) as one, PrunedRun(clients, scene.rng.random()) as other:
        runs, ended = (one, other), []
        for _ in range(times):
            ended.append(one.begin_and_end_another())
            replica = scene.rng.choice(scene.cluster.replicas)
            replica.kill()
            _more_streams(runs)
            replica.start()
            replica.server.wait_serving()
            _more_streams(runs)
        pruned = sum(run.finish() for run in runs)
        eventually(lambda: all(one.is_gone(*run) for run in ended), _GONE_WITHIN, what="the end of what had ended")
    for client in clients:
        client.close()
    return {"kills": times, "messages pruned": pruned, "runs pruned": len(ended), **_verdict(scene, runs)}


def _more_streams(runs):
    def count():
        for run in runs:
            run.check()
        return sum(len(run.streams) for run in runs)

    goal = count() + _STREAMS_BETWEEN
    eventually(lambda: count() >= goal, 60, what=f"{_STREAMS_BETWEEN} more streams")


def _verdict(scene, runs):
    streams = [(run, stream) for run in runs for stream in run.streams]
    for run, stream in streams:
        run.broken += [f"a stream that began at {stream.place.head} {text}" for text in _judge(run.truth, stream)]
    scene.broken += [f"{run.run.id}: {text}" for run in runs for text in run.broken[:5]]
    refused = sum(stream.code == TOO_OLD for _, stream in streams)
    resumed = sum(bool(stream.place.cursor and stream.events) for _, stream in streams)
    if not refused or not resumed:
        scene.broken.append("nothing is proved")
    return {"streams": len(streams), "resumed": resumed, "too old": refused}


def _judge(truth, stream):
    """What is wrong with a stream, in words."""
    place, last, view, is_first = stream.place, stream.place.head, set(stream.place.view), True
    if stream.code == TOO_OLD:
        if not stream.events and stream.ended - place.known_since < RETENTION:
            yield "was refused although nothing behind its cursor can have been pruned yet"
    elif stream.code not in INTERRUPTED:
        yield f"ended with {stream.code}"
    elif place.head and stream.events and truth.floor_before(stream.opened) > place.head:
        yield f"goes on although everything up to {truth.floor_before(stream.opened)} was gone"
    for instant, kind, number in stream.events:
        if kind == "withdrawn":
            if number not in view or truth.left_after.get(number, math.inf) > instant:
                yield f"withdrew {number}, which {'was pending' if number in view else 'it did not show'}"
            view.discard(number)
            continue
        if number < last or (kind == "message" and number == last):
            yield f"came to {number} after {last}"
        if missing := truth.pending(last, number - (kind == "message"), instant):
            yield f"left out {missing[:5]}, which were pending"
        last = number
        if kind == "message":
            view.add(number)
        elif is_first:
            is_first = False
            if untold := [n for n in view if truth.left_by.get(n, math.inf) < stream.opened]:
                yield f"did not tell that {untold[:5]} had left"


FAULTS = [
    Fault("pruning", "an old cursor is refused, or goes on without a gap; what is not over stays", prune, short=3,
          long=200, load=None, flags=("--message-retention", f"{RETENTION}s", "--run-retention", f"{RETENTION}s")),
]
