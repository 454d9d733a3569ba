"""Postgres that crashes, hangs or is away, and hints that do not arrive."""

import signal
import time

from chaos.faults.fault import Fault
from rig.waiting import eventually


def crash(scene, times):
    """Kills the postmaster or a backend, or shuts down without a checkpoint; all need recovery."""
    postgres, slowest = scene.cluster.postgres, 0.0
    for _ in range(times):
        scene.load.go_on(scene.rng.randrange(20, 100))
        how = scene.rng.choice(("postmaster", "backend", "immediate"))
        if how == "backend":
            postgres.kill_backend(scene.rng)
        else:
            postgres.stop(signal.SIGKILL if how == "postmaster" else signal.SIGQUIT)
            postgres.start()
        began = time.monotonic()
        scene.load.go_on(1)
        slowest = max(slowest, time.monotonic() - began)
    return {"crashes": times, "slowest first publish, s": round(slowest, 1)}


def lose_hints(scene, times):
    """Cuts the sessions that listen whenever all do, while little is published: what a hint told of stays untold."""
    postgres, database = scene.cluster.postgres, scene.cluster.database
    cut, replicas = 0, len(scene.cluster.replicas)
    for _ in range(times):  # Those that only send are opened when there is something to send.
        eventually(lambda: postgres.count_listeners(database) >= replicas, 60, what="listeners of all replicas")
        cut += postgres.cut_listeners(database)
    return {"listeners cut": cut}


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
        began = time.monotonic()
        scene.load.go_on(1)
        slowest = max(slowest, time.monotonic() - began)
    lines = max(len(replica.server.log().splitlines()) for replica in scene.cluster.replicas)
    return {"outages": times, "slowest first publish, s": round(slowest, 1), "log lines of a replica": lines}


def _sit_out(scene):
    """Until everybody has met errors for some time."""
    eventually(lambda: all(replica.server.health() is not None for replica in scene.cluster.replicas), 30,
               what="replicas answering without a database")
    scene.load.go_on(scene.rng.randrange(30, 100), 120, what="doubt")


FAULTS = [
    Fault("postgres-crash", "none lost, none doubled, no hole", crash, short=4, long=120),
    Fault("lost-hints", "every stream comes to the head of its run", lose_hints, short=12, long=3000,
          load={"rate": 2, "runs": 6, "stay": 90.0}),
    Fault("postgres-outage", "errors in time, no crash, nothing lost", outage, short=2, long=20),
]
