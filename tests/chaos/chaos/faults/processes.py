"""Servers that are killed, at any moment and at the worst ones."""

import subprocess
import time

from chaos.faults.fault import Fault
from rig.waiting import eventually

# Names of the statements that write, or read for a stream, as they pass between server and Postgres.
_WRITES = ("append_messages", "ack_messages", "cancel_message", "end_run")
_READS = ("read_changes",)


def nothing(scene, times):
    """A healthy cluster under the same load."""
    scene.load.go_on(times, 300)
    return {}


def kill_replicas(scene, times):
    for _ in range(times):
        replica = scene.cluster.any_replica()
        scene.load.go_on(scene.rng.randrange(5, 60))
        replica.kill()
        scene.load.go_on(scene.rng.randrange(20))
        replica.start()
        if scene.rng.random() < 0.7:
            replica.server.wait_serving()
    return {"kills": times}


def restart_in_turn(scene, times):
    """SIGTERM and a new start, one replica after the other, as a deployment does it."""
    slowest = 0.0
    for _ in range(times):
        for replica in scene.cluster.replicas:
            began = time.monotonic()
            status = replica.server.terminate(timeout=15)
            slowest = max(slowest, time.monotonic() - began)
            assert status == 0, f"{replica.name} ended with {status}"
            replica.start()
            replica.server.wait_serving()
            scene.load.go_on(20)
    return {"restarts": times * len(scene.cluster.replicas), "slowest exit, s": round(slowest, 1)}


def kill_at_points(scene, times):
    """Kills a server when a statement leaves it, or its reply comes back."""
    sprung = {}
    for number in range(times):
        replica = scene.cluster.any_replica()
        eventually(lambda: replica.server.health() is not None, 30, what=f"{replica.name} answering")
        text, at, after = _point(scene.rng)
        replica.database.trap(text, replica.pid, at, after)
        if _sprung(replica):
            point = f"{at} of {text}, {'before it is passed on' if after is None else 'after'}"
            sprung[point] = sprung.get(point, 0) + 1
        else:
            replica.kill()
        replica.server.process.wait(10)
        replica.start()
    return {"kills": times, "at points": sum(sprung.values()), "points": sprung}


def _point(rng):
    """Before the commit, between the commit and the reply, or between a stream's read and what it writes."""
    text = rng.choice(_WRITES[:2] * 3 + _WRITES + _READS * 4)
    if text in _READS:
        return text, "reply", rng.choice((0.0, 0.0, 0.0005))
    return text, rng.choice(("request", "reply")), rng.choice((None, 0.0, 0.0005, 0.002))


def _sprung(replica, within=3):
    """Whether the trap sprang in time; rare statements may not pass."""
    try:
        replica.server.process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


FAULTS = [
    Fault("none", "a healthy system breaks no promise", nothing, short=800, long=20000),
    Fault("ended-runs", "a repeat is answered as the first time, also after the end", nothing, short=500, long=20000,
          load={"run_length": 25}),
    Fault("rolling-restart", "exit within 10 s, and nothing lost", restart_in_turn, short=2, long=50),
    Fault("kill-replica", "none lost, none doubled, no hole", kill_replicas, short=8, long=200),
    Fault("kill-point", "none lost, none doubled, no hole", kill_at_points, short=10, long=200),
]
