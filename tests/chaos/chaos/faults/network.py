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


FAULTS = [
    Fault("lost-replies", "one message an id, one winner a message", lose_replies, short=12, long=400),
    Fault("broken-clients", "no gap, no double within a stream", break_clients, short=25, long=1000),
]
