"""Servers that are killed, at any moment and at the worst ones."""

import subprocess
import time

from chaos.faults.fault import Fault
from chaos.library_user import LibraryUser
from rig.waiting import eventually

# Names of the statements that write, or read for a stream, as they pass between server and Postgres.
_WRITES = ("append_message", "ack_message", "cancel_message", "end_run")
_READS = ("read_changes",)
# Seconds with a sound stream after which a client forgets its failures. Where one deployment follows the other at once,
# it waits longer each time, and what calls bring meanwhile takes up to 1.2 s.
_SOUND_AFTER = 10
_EXIT_WITHIN = 10  # Seconds.
_GAP = 1000  # Milliseconds, 99 of 100.
_SLACK = 4  # Seconds that a busy machine may take besides: an exit is waited for no longer than that.


def nothing(scene, times):
    """A healthy cluster under the same load."""
    scene.load.go_on(times, 300)
    return {}


def kill_replicas(scene, times):
    for _ in range(times):
        replica = scene.cluster.any_replica()
        scene.go_on(5, 60)
        replica.kill()
        scene.go_on(0, 20)
        replica.start()
        if scene.rng.random() < 0.7:
            replica.server.wait_serving()
    return {"kills": times}


def restart_in_turn(scene, times):
    """SIGTERM and a new start, one replica after the other, as a deployment does it; beside the load, a job and its
    publisher use the library, and must not notice."""
    slowest = 0.0
    with LibraryUser(scene.cluster.balanced) as user:
        for number in range(times):
            if number:
                user.has_streamed_for(_SOUND_AFTER)
            user.counts = True
            for replica in scene.cluster.replicas:
                began = time.monotonic()
                status = replica.server.terminate(timeout=15)
                slowest = max(slowest, time.monotonic() - began)
                assert status == 0, f"{replica.name} ended with {status}"
                replica.clients.set(refuse=True)  # As a port that nobody listens to, for HAProxy to go elsewhere.
                replica.start()
                replica.server.wait_serving()
                replica.clients.set(refuse=False)
                scene.load.go_on(20)
            user.counts = False
        gaps = user.finish()
    scene.limit("slowest exit, s", slowest, _EXIT_WITHIN, _SLACK)
    scene.limit("delivery p99 to a user of the library, ms", gaps["p99"], _GAP, 1000 * _SLACK)
    return {"restarts": times * len(scene.cluster.replicas), "slowest exit, s": round(slowest, 1),
            "delivery to a user of the library, ms": gaps}


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
    Fault("rolling-restart", "exit within 10 s, no error for who uses the library, and nothing lost", restart_in_turn,
          short=2, long=50),
    Fault("kill-replica", "none lost, none doubled, no hole", kill_replicas, short=6, long=200,
          long_form={"scale": 125, "load": {"rate": 4000, "runs": 8, "run_length": 500, "acked": 0.2,
                                              "batches": 0.3, "most_of_batch": 100}}),
    Fault("kill-point", "none lost, none doubled, no hole", kill_at_points, short=10, long=200),
]
