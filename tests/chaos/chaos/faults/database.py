"""Postgres that crashes, hangs or is away, and hints that do not arrive."""

import os
import signal
import time
from contextlib import contextmanager

from chaos.databases import OnLossyDisk, Replicated
from chaos.disk import has_loop_devices
from chaos.faults.fault import Fault, not_root
from chaos.history import Writer, now
from rig.waiting import eventually

_WRITES_AGAIN_WITHIN = 3  # Seconds after a promotion.
_FOUND_BY_THE_SWEEP_WITHIN = 1200  # Milliseconds, 99 of 100.
_SLACK = 10  # Seconds that a busy machine may take besides.


def crash(scene, times):
    """Kills the postmaster or a backend, or shuts down without a checkpoint; all need recovery."""
    postgres, slowest = scene.cluster.postgres, 0.0
    for _ in range(times):
        scene.go_on(20, 100)
        how = scene.rng.choice(("postmaster", "backend", "immediate"))
        if how == "backend":
            postgres.kill_backend(scene.rng)
        else:
            postgres.stop(signal.SIGKILL if how == "postmaster" else signal.SIGQUIT)
            postgres.start()
        slowest = max(slowest, _seconds_to_first_publish(scene))
    return {"crashes": times, "slowest first publish, s": round(slowest, 1)}


def lose_power(scene, times):
    """The machine of Postgres loses its power: what it had not written to its disk is gone."""
    slowest = 0.0
    for _ in range(times):
        scene.go_on(20, 100)
        scene.cluster.postgres.lose_power()
        slowest = max(slowest, _seconds_to_first_publish(scene))
    return {"power cuts": times, "slowest first publish, s": round(slowest, 1)}


def fail_over(scene, times):
    """The primary is lost, and its synchronous standby promoted; then that gets a standby of its own."""
    slowest, history = 0.0, Writer(os.path.join(scene.load.directory, "failovers.jsonl"))
    for _ in range(times):
        scene.go_on(20, 100)
        scene.cluster.postgres.kill()
        began = now()
        scene.cluster.databases.standby.promote()
        history.write("failed_over", t0=began, t1=now())
        slowest = max(slowest, _seconds_to_first_publish(scene))
        scene.load.go_on(scene.rng.randrange(30))
        scene.cluster.replace_lost_primary()
    history.close()
    broken = [f"it took {slowest:.1f} s"] if slowest > _WRITES_AGAIN_WITHIN + _SLACK else []
    return {"failovers": times, "slowest first publish after a promotion, s": round(slowest, 1),
            **({"broken": broken} if broken else {})}


def _seconds_to_first_publish(scene):
    began = time.monotonic()
    scene.load.go_on(1)
    return time.monotonic() - began


def lose_hints(scene, times):
    """Cuts the sessions that listen, or lets them hang, whenever all do, while little is published: what a hint told
    of stays untold."""
    postgres, database = scene.cluster.postgres, scene.cluster.database
    replicas, cut, hung = len(scene.cluster.replicas), 0, 0
    for number in range(times):  # Those that only send are opened when there is something to send.
        eventually(lambda: len(postgres.listeners(database)) >= replicas, 60, what="listeners of all replicas")
        if number % 4:
            cut += postgres.cut_listeners(database)
        else:
            with _hanging(postgres.listeners(database)) as pids:
                hung += len(pids)
                eventually(lambda: len(set(postgres.listeners(database)) - set(pids)) >= replicas, 60,
                           what="other listeners of all replicas")
    return {"listeners cut": cut, "listeners hung": hung}


@contextmanager
def _hanging(pids):
    """The processes are stopped, and their connections live."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def outage(scene, times):
    """Postgres is stopped, or hangs, for a while; the load gets errors meanwhile, and then goes on."""
    postgres, slowest = scene.cluster.postgres, 0.0
    for _ in range(times):
        scene.load.go_on(50)
        if scene.rng.random() < 0.5:
            postgres.stop(signal.SIGINT)
            _sit_out(scene)
            postgres.start()
        else:
            postgres.pause()
            _sit_out(scene)
            postgres.resume()
        slowest = max(slowest, _seconds_to_first_publish(scene))
    lines = max(len(replica.server.log().splitlines()) for replica in scene.cluster.replicas)
    return {"outages": times, "slowest first publish, s": round(slowest, 1), "log lines of a replica": lines}


def _sit_out(scene):
    """Until everybody has met errors for some time."""
    eventually(lambda: all(replica.server.health() is not None for replica in scene.cluster.replicas), 30,
               what="replicas answering without a database")
    scene.load.go_on(scene.rng.randrange(30, 100), 120, what="doubt")


FAULTS = [
    Fault("postgres-crash", "none lost, none doubled, no hole", crash, short=4, long=120),
    Fault("power-loss", "none lost, none doubled, no hole", lose_power, short=4, long=30, databases=OnLossyDisk,
          missing=lambda: not_root() or (None if has_loop_devices() else "loop devices")),
    Fault("failover", "none lost, and nobody reads on in a history that is over", fail_over, short=2, long=50,
          databases=Replicated),
    Fault("lost-hints", "every stream comes to the head of its run, 99 of 100 messages within 1.2 s", lose_hints,
          short=6, long=400, load={"rate": 2, "runs": 6, "stay": 90.0},
          delivery_p99_ms=_FOUND_BY_THE_SWEEP_WITHIN),
    Fault("postgres-outage", "errors in time, no crash, nothing lost", outage, short=2, long=20),
]
