"""Connections that break, and bytes that do not arrive."""

import time

from chaos.faults.fault import Fault

_DELIVERIES = 10  # At least, for each injection.
_HALF_LOST = {"lost": 0.5, "race": 0.3}  # Of the answers, of the requests.
# As much as a machine of two processors bears.
_MUCH = {"rate": 4000, "runs": 8, "run_length": 500, "acked": 0.2, "batches": 0.3, "most_of_batch": 100,
         "stay": 8.0, "longest_stop": 60.0}


def lose_replies(scene, times):
    """Requests arrive, replies do not: half of the answers to publishes and acks are thrown away by those who made
    them, and of one replica after the other the network loses all."""
    edges = [replica.clients for replica in scene.cluster.replicas]
    for _ in range(times):
        edge = scene.rng.choice(edges)
        edge.set(drop_replies=True)
        scene.load.go_on(scene.rng.randrange(10, 40), what="doubt")
        edge.set(drop_replies=False)
        scene.go_on(10, 40)
    return {"edges silenced": times, "request ids": scene.load.count("ids")}


def break_clients(scene, times):
    """Every 0.2-3 s connections of clients are cut, reset or half-closed, or are slow for as long."""
    broken = 0
    began = scene.load.count("deliveries")
    for number in range(1, times + 1):
        edge = scene.rng.choice(scene.cluster.replicas).clients
        how = scene.rng.choice(("cut", "reset", "half_close", "delay", "throttle"))
        if how == "delay":
            edge.set(delay=scene.rng.choice((5, 50, 200)))
        elif how == "throttle":
            edge.set(rate=scene.rng.choice((20_000, 100_000)))
        else:
            broken += edge.end(how, share=scene.rng.choice((0.3, 1.0)), seed=_seed(scene))
        time.sleep(scene.rng.uniform(0.2, 3))
        edge.heal()
        scene.load.reach(began + number * _DELIVERIES * scene.scale, 600, "deliveries")
    return {"connections broken": broken, "deliveries": scene.load.count("deliveries")}


def _seed(scene):
    """Of the choice of connections."""
    return scene.rng.randrange(1 << 31)


def freeze_clients(scene, times):
    """The network between clients and servers is gone without a word, in one direction or both, and comes back."""
    for _ in range(times):
        edges = scene.rng.sample([replica.clients for replica in scene.cluster.replicas], scene.rng.choice((1, 2, 3)))
        for edge in edges:
            edge.set(freeze=scene.rng.choice((["up"], ["down"], ["up", "down"])))
        scene.load.go_on(scene.rng.randrange(20, 60), 120, what="doubt")
        for edge in edges:
            edge.set(freeze=[])
        scene.load.go_on(30)
    return {"freezes": times}


def freeze_database(scene, times):
    """The network between one server and Postgres is gone without a word."""
    for _ in range(times):
        replica = scene.cluster.any_replica()
        replica.database.set(freeze=scene.rng.choice((["up"], ["down"], ["up", "down"])))
        scene.load.go_on(scene.rng.randrange(10, 30), 120, what="doubt")
        replica.database.set(freeze=[])
        scene.load.go_on(30)
    return {"freezes": times}


def break_database(scene, times):
    """Cuts, resets and half-closes the connections between servers and Postgres, or slows them down."""
    broken = 0
    for _ in range(times):
        edge = scene.cluster.any_replica().database
        edge.set(delay=scene.rng.choice((0, 0, 20)))
        broken += edge.end(scene.rng.choice(("cut", "reset", "half_close")), share=scene.rng.choice((0.3, 1.0)),
                           seed=_seed(scene))
        scene.load.go_on(scene.rng.randrange(5, 40))
    return {"connections broken": broken}


FAULTS = [
    Fault("lost-replies", "one message an id, one winner a message", lose_replies, short=6, long=200, load=_HALF_LOST,
          long_form={"scale": 40, "load": {**_MUCH, **_HALF_LOST}}),
    Fault("broken-clients", "no gap, no double within a stream", break_clients, short=5, long=500,
          long_form={"scale": 210, "load": _MUCH}),
    Fault("frozen-clients", "nothing lost, and everybody goes on", freeze_clients, short=1, long=100,
          long_form={"load": {"longest_stop": 60.0}}),
    Fault("frozen-database", "nothing lost, and everybody goes on", freeze_database, short=1, long=60),
    Fault("broken-database", "nothing lost, nothing doubled", break_database, short=10, long=500),
]
