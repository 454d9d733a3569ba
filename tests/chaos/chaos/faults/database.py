"""Postgres that crashes, hangs, is away or behind a pooler, and hints that do not arrive."""

import os
import signal
from contextlib import contextmanager

from chaos.databases import OnLossyDisk, Pooled
from chaos.disk import has_loop_devices
from chaos.faults.fault import Fault, not_root
from chaos.first_publish import FirstPublish
from rig.waiting import eventually

_SERVING_AGAIN_WITHIN = 2  # Seconds after Postgres accepts: every replica.
_FOUND_BY_THE_SWEEP_WITHIN = 1200  # Milliseconds, 99 of 100.
_BETWEEN_CUTS = 1000  # Publishes: of those at a time when the sweep is cut off, too, there may be 1 of 100.
# Little is done at any run, because a server that does something there finds the news of others too.
_QUIET_RUNS = {"rate": 10, "runs": 6, "stay": 90.0, "acked": 0.1}


def crash(scene, times):
    """Kills the postmaster or a backend, or shuts down without a checkpoint; all need recovery."""
    postgres = scene.cluster.postgres
    with FirstPublish(scene) as first:
        for _ in range(times):
            scene.go_on(20, 100)
            how = scene.rng.choice(("postmaster", "backend", "immediate"))
            if how == "backend":
                _kill_backend(postgres, scene.rng)
            else:
                postgres.stop(signal.SIGKILL if how == "postmaster" else signal.SIGQUIT)
                postgres.start()
            first.seconds()
    return {"crashes": times, **first.slowest(_SERVING_AGAIN_WITHIN)}


def _kill_backend(postgres, rng):
    """And waits until Postgres, which then ends all sessions and recovers, accepts new ones."""
    before = _sessions(postgres)
    postgres.kill_backend(rng)
    eventually(lambda: (sessions := _sessions(postgres)) is not None and before.isdisjoint(sessions), 30,
               what="the end of all sessions")


def _sessions(postgres):
    """Process ids of the sessions; None while Postgres does not accept any."""
    try:
        rows = postgres.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
    except AssertionError:
        return None
    return {pid for (pid,) in rows}


def lose_power(scene, times):
    """The machine of Postgres loses its power: what it had not written to its disk is gone."""
    with FirstPublish(scene) as first:
        for _ in range(times):
            scene.go_on(20, 100)
            scene.cluster.postgres.lose_power()
            first.seconds()
    return {"power cuts": times, **first.slowest(_SERVING_AGAIN_WITHIN)}


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


def no_hints(scene, times):
    """No server tells another of anything: what is published at one is found by the sweep of the others."""
    scene.load.go_on(times, 1200)
    return {}


def pooler(scene, times):
    """So many publishes through a pooler, of which all sessions are cut now and then."""
    cut = 0
    for done in range(0, times, _BETWEEN_CUTS):
        scene.load.go_on(min(_BETWEEN_CUTS, times - done), 600)
        cut += scene.cluster.postgres.cut_sessions(scene.cluster.database)
    scene.load.go_on(20)
    return {"sessions cut": cut}


def outage(scene, times):
    """Postgres is stopped, or hangs, for a while; the load gets errors meanwhile, and then goes on."""
    postgres = scene.cluster.postgres
    with FirstPublish(scene) as first:
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
            first.seconds()
    lines = max(len(replica.server.log().splitlines()) for replica in scene.cluster.replicas)
    return {"outages": times, **first.slowest(_SERVING_AGAIN_WITHIN), "log lines of a replica": lines}


def _sit_out(scene):
    """Until everybody has met errors for some time."""
    eventually(lambda: all(replica.server.health() is not None for replica in scene.cluster.replicas), 30,
               what="replicas answering without a database")
    scene.load.go_on(scene.rng.randrange(30, 100), 120, what="doubt")


FAULTS = [
    Fault("postgres-crash", "none lost, none doubled, no hole", crash, short=4, long=120),
    Fault("power-loss", "none lost, none doubled, no hole", lose_power, short=3, long=30, databases=OnLossyDisk,
          missing=lambda: not_root() or (None if has_loop_devices() else "loop devices")),
    Fault("lost-hints", "every stream comes to the head of its run, 99 of 100 messages within 1.2 s", lose_hints,
          short=5, long=400, load={"rate": 2, "runs": 6, "stay": 90.0},
          delivery_p99_ms=_FOUND_BY_THE_SWEEP_WITHIN),
    Fault("no-hints", "99 of 100 messages within 1.2 s by the sweep alone", no_hints, short=60, long=5000,
          flags=("--no-notify",), load=_QUIET_RUNS,
          delivery_p99_ms=_FOUND_BY_THE_SWEEP_WITHIN),
    Fault("pooler", "nothing lost behind a pooler in transaction mode, 99 of 100 messages within 1.2 s", pooler, short=60,
          long=3000, databases=Pooled, load=_QUIET_RUNS, delivery_p99_ms=_FOUND_BY_THE_SWEEP_WITHIN),
    Fault("postgres-outage", "errors in time, no crash, nothing lost", outage, short=2, long=20),
]
