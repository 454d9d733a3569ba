"""Connections that break, and bytes that do not arrive."""

from chaos.faults.fault import Fault


def lose_replies(scene, times):
    """Requests arrive, half of the replies do not."""
    edges = [replica.clients for replica in scene.cluster.replicas]
    for _ in range(times):
        edge = scene.rng.choice(edges)
        edge.set(drop_replies=True)
        scene.load.go_on(scene.rng.randrange(10, 40), what="doubt")
        edge.set(drop_replies=False)
        scene.load.go_on(scene.rng.randrange(10, 40))
    return {"edges silenced": times}


def break_clients(scene, times):
    """Cuts, resets and half-closes connections of clients all the time."""
    broken = 0
    for number in range(times):
        edge = scene.rng.choice(scene.cluster.replicas).clients
        how = scene.rng.choice(("cut", "reset", "half_close"))
        broken += edge.end(how, share=scene.rng.choice((0.3, 1.0)), seed=number)
        scene.load.go_on(scene.rng.randrange(5, 60))
    return {"connections broken": broken}


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
    for number in range(times):
        edge = scene.cluster.any_replica().database
        edge.set(delay=scene.rng.choice((0, 0, 20)))
        broken += edge.end(scene.rng.choice(("cut", "reset", "half_close")), share=scene.rng.choice((0.3, 1.0)),
                           seed=number)
        scene.load.go_on(scene.rng.randrange(5, 40))
    return {"connections broken": broken}


FAULTS = [
    Fault("lost-replies", "one message an id, one winner a message", lose_replies, short=8, long=400),
    Fault("broken-clients", "no gap, no double within a stream", break_clients, short=15, long=1000),
    Fault("frozen-clients", "nothing lost, and everybody goes on", freeze_clients, short=2, long=100),
    Fault("frozen-database", "nothing lost, and everybody goes on", freeze_database, short=2, long=60),
    Fault("broken-database", "nothing lost, nothing doubled", break_database, short=10, long=500),
]
