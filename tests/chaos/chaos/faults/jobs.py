"""Faults as a training job meets them, through the client library."""

import time
from contextlib import contextmanager

from chaos.faults.fault import Fault
from chaos.jobs import Job, Publisher

_SLOW_SHARE = 0.001  # Of calls, above 20 µs,
_FEW = 10  # and so many that are forgiven, because hardware and hypervisor interrupt too.
_LONGEST_SILENCE = 15


def hot_loop(scene, times):
    """The job reads its inbox all the time while everything below it breaks."""
    (replica,) = scene.cluster.replicas
    with Publisher(replica.server.address) as publisher, Job(replica.clients.address, publisher.run) as job:
        job.streams()
        job.phase("healthy")
        publisher.keep_on(0.2)
        job.wait_seen(5, 30)
        for _ in range(times):
            silent = scene.rng.choice((_one_byte_a_second, _black_hole))
            for breakage in (_killed, _refused, _without_postgres, silent):
                with breakage(scene.cluster, replica):
                    job.phase(breakage.__name__.strip("_"))
                    job.wait_state(("POLLING", "STALE"), 2 * _LONGEST_SILENCE)
                    time.sleep(1)  # For the calls of the job meanwhile.
                job.phase("recovery")
                job.streams(60)
        job.wait_handled(publisher.leave_off())
        return _hot_calls(job.stop())


@contextmanager
def _killed(cluster, replica):
    replica.kill()
    yield
    replica.start()


@contextmanager
def _refused(cluster, replica):
    replica.clients.set(refuse=True)
    replica.clients.end("reset")
    yield
    replica.clients.set(refuse=False)


@contextmanager
def _one_byte_a_second(cluster, replica):
    replica.clients.set(rate=1)
    yield
    replica.clients.set(rate=0)
    replica.clients.end("cut")


@contextmanager
def _black_hole(cluster, replica):
    replica.clients.set(freeze=["up", "down"])
    yield
    replica.clients.set(freeze=[])


@contextmanager
def _without_postgres(cluster, replica):
    cluster.postgres.stop()
    yield
    cluster.postgres.start()


def _hot_calls(phases):
    """What was measured in all phases of one name, the worst of each, and what broke the promise."""
    worst = {}
    for phase in phases:
        name = phase.pop("name")
        known = worst.setdefault(name, phase)
        for what, value in phase.items():
            known[what] = max(known[what], value)
    broken = [f"{name}: {phase}" for name, phase in worst.items()
              if phase["slow_calls"] > phase["calls"] * _SLOW_SHARE + _FEW or phase["system_calls"]]
    return {"phases": worst, **({"broken": broken} if broken else {})}


FAULTS = [
    Fault("hot-loop", "reading never waits, and everything is handled once and in order", hot_loop, short=1, long=30,
          load=None, replicas=1),
]
