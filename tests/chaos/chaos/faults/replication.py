"""A primary that is lost, and a standby that does not confirm what it must."""

import os

from chaos.databases import Replicated
from chaos.faults.fault import Fault
from chaos.first_publish import FirstPublish
from chaos.history import Writer, now

_WRITES_AGAIN_WITHIN = 3  # Seconds after a promotion: every replica.
_GOES_ON_WITHIN = 2  # Seconds after the standby can confirm again,
_STANDBY_AGAIN_WITHIN = 5  # which is what it waits for before it connects again.
_SLACK = 10  # Seconds that a busy machine may take besides.
_DELAY_MS = 50
_SLOW_BYTES = 50_000  # A second, which is below what the traffic writes.


def fail_over(scene, times):
    """The primary is lost, and its synchronous standby promoted; then that gets a standby of its own."""
    history = Writer(os.path.join(scene.load.directory, "failovers.jsonl"))
    with FirstPublish(scene) as first:
        for _ in range(times):
            scene.go_on(20, 100)
            edges = _edges_to_primary(scene.cluster)
            for edge in edges:
                edge.set(refuse=True)  # As its port does, and libpq goes to the next host only then.
            scene.cluster.postgres.kill()
            began = now()
            scene.cluster.databases.standby.promote()
            history.write("failed_over", t0=began, t1=now())
            first.seconds()
            scene.load.go_on(scene.rng.randrange(30))
            scene.cluster.replace_lost_primary()
            for edge in edges:
                edge.set(refuse=False)
    history.close()
    return {"failovers": times, **first.slowest(_WRITES_AGAIN_WITHIN)}


def _edges_to_primary(cluster):
    place = cluster.databases.ports.index(cluster.postgres.port)
    return [replica.databases[place] for replica in cluster.replicas]


def break_replication(scene, times):
    """The edge by which the standby gets what it must confirm is frozen, cut, slow or narrow: no commit is done before
    the standby has it, and each goes on when it has."""
    edge, seconds = scene.cluster.databases.replication, {}
    with FirstPublish(scene) as first:
        for number in range(times):
            scene.load.go_on(30)
            how = _REPLICATION_BREAKS[number % len(_REPLICATION_BREAKS)]
            how(scene, edge, first)
            edge.heal()
            name = how.__name__.strip("_")
            seconds[name] = max(seconds.get(name, 0.0), first.seconds())
    for name, slowest in seconds.items():
        at_most = _GOES_ON_WITHIN + (_STANDBY_AGAIN_WITHIN if name == "cut" else 0)
        scene.limit(f"slowest first publish after it was {name}, s", slowest, at_most, _SLACK)
    return {"breaks": times, "slowest first publish after it was, s": {
        name: round(slowest, 2) for name, slowest in seconds.items()}}


def _frozen(scene, edge, _):
    edge.set(freeze=scene.rng.choice((["up"], ["down"], ["up", "down"])))
    scene.load.go_on(scene.rng.randrange(10, 30), 120, what="doubt")


def _cut(scene, edge, _):
    """And nobody listens for a while."""
    edge.set(refuse=True)
    assert edge.end(scene.rng.choice(("cut", "reset"))), "there was no standby"
    scene.load.go_on(scene.rng.randrange(10, 30), 120, what="doubt")


def _delayed(scene, edge, first):
    edge.set(delay=_DELAY_MS)
    scene.load.go_on(scene.rng.randrange(20, 60), 120)
    there_and_back = 2 * _DELAY_MS / 1e3
    assert first.seconds() >= there_and_back, "a commit did not wait for the standby"
    scene.load.go_on(10, 120)


def _throttled(scene, edge, _):
    edge.set(rate=_SLOW_BYTES)
    scene.load.go_on(scene.rng.randrange(20, 60), 120)


_REPLICATION_BREAKS = (_frozen, _delayed, _cut, _throttled)

FAULTS = [
    Fault("failover", "none lost, and nobody reads on in a history that is over", fail_over, short=2, long=50,
          databases=Replicated),
    Fault("broken-replication", "publishes wait, none is lost or doubled, and all go on", break_replication, short=3,
          long=80, databases=Replicated),
]
