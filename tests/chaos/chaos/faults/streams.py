"""Calls arrive, streams do not: what many networks make of them."""

import time
from contextlib import ExitStack

from chaos.faults.fault import Fault
from chaos.gateway import Gateway
from chaos.jobs import Job, Publisher

_REFUSED_WITHIN, _SILENT_WITHIN = 6, 13
_SLACK = 10  # Seconds that a busy machine may take besides.
_PAUSE_MS = 20  # Of a job after each step: several share the machine.


class _Case:
    """One job, its run, its gateway, and how long messages took."""

    def __init__(self, scene, stack, name, within=_REFUSED_WITHIN, **gateway):
        (replica,) = scene.cluster.replicas
        self.name, self.within = name, within
        self.gateway = stack.enter_context(Gateway(scene.cluster, replica, name, **gateway))
        self.publisher = stack.enter_context(Publisher(replica.server.address))
        self._stack = stack
        self.reachable_since = 0.0
        self._published = []

    def start(self):
        self.job = self._stack.enter_context(Job(self.gateway.address, self.publisher.run, _PAUSE_MS))
        return self

    def publish(self):
        self._published.append(time.monotonic())
        self.publisher.publish()

    def slowest(self):
        """Longest time from when a message was published, and could be had, until the job saw it."""
        return max(self.job.wait_seen(sequence, 60) - max(published, self.reachable_since)
                   for sequence, published in enumerate(self._published, 1))


def silence_streams(scene, times):
    """Streams are refused, forbidden, never answered, and swallowed after a good while; calls get through."""
    with ExitStack() as stack:
        refused, forbidden, silent, swallowed, closed = cases = [
            _Case(scene, stack, "refused"), _Case(scene, stack, "forbidden", denies_streams=True),
            _Case(scene, stack, "silent"), _Case(scene, stack, "swallowed", within=_SILENT_WITHIN),
            _Case(scene, stack, "closed")]
        refused.gateway.streams.set(refuse=True)
        silent.gateway.streams.set(freeze=["up", "down"])
        closed.gateway.streams.set(refuse=True)
        closed.gateway.front.set(refuse=True)
        for case in cases:
            case.start()
        swallowed.job.streams()
        for case in (refused, forbidden, silent):
            case.job.wait_state(("POLLING",), 30)
        swallowed.job.phase("swallowed")
        swallowed.gateway.streams.set(freeze=["up", "down"])
        for case in cases:
            case.publish()
        closed.gateway.front.set(refuse=False)
        closed.reachable_since = time.monotonic()
        for _ in range(times - 1):
            time.sleep(scene.rng.uniform(0.5, 2))
            for case in cases:
                case.publish()
        slowest = {case.name: case.slowest() for case in cases}
        for case in cases:
            case.gateway.streams.heal()
            case.job.wait_handled(times)
        steps = {case.name: {phase["name"]: phase["step_processor_us"] for phase in case.job.stop()} for case in cases}
    broken = [f"{case.name}: {slowest[case.name]:.1f} s" for case in cases if slowest[case.name] > case.within + _SLACK]
    return {"slowest delivery, s": {name: round(seconds, 1) for name, seconds in slowest.items()},
            "processor time of a step, µs": steps, **({"broken": broken} if broken else {})}


FAULTS = [
    Fault("silent-streams", "what streams do not bring comes by calls", silence_streams, short=6, long=300, load=None,
          replicas=1),
]
