"""Calls arrive, streams do not: what many networks make of them."""

import time
from contextlib import ExitStack
from statistics import median

from chaos.faults.fault import Fault
from chaos.gateway import Gateway
from chaos.jobs import Job, Publisher
from rig.waiting import eventually

_REFUSED_WITHIN, _SILENT_WITHIN = 6, 13
_SLACK = 10  # Seconds that a busy machine may take besides.
_PAUSE_MS = 20  # Of a job after each step: several share the machine.
_CALLS = 10_000  # Of each job in each phase at least, in 100 steps.
_SLOWER_BY = 1.2  # That a step may be, which is what busy processors make of its time; by the clock,
_WALL_SLACK = 1.0  # that others take the processor too.


class _Case:
    """One job, its run, its gateway, and how long messages took."""

    def __init__(self, scene, stack, name, within=_REFUSED_WITHIN, **gateway):
        (replica,) = scene.cluster.replicas
        self.name, self.within = name, within
        self.heals = not gateway  # HAProxy keeps its configuration.
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

    def measure(self, phase):
        """What the job measures from now on goes under that name."""
        self.job.phase(phase)
        self._phase = phase

    def wait_measured(self):
        eventually(lambda: self.job.calls_in(self._phase) >= _CALLS, 60, what=f"calls while {self._phase}")

    def slowest(self):
        """Longest time from when a message was published, and could be had, until the job saw it."""
        return max(self.job.wait_seen(sequence, 60) - max(published, self.reachable_since)
                   for sequence, published in enumerate(self._published, 1))


def silence_streams(scene, times):
    """Streams are refused, forbidden, never answered, and swallowed after a good while; calls get through. Then all is
    healed, and every job takes the same steps with a stream."""
    with ExitStack() as stack:
        cases = _broken_cases(scene, stack)
        for _ in range(times - 1):
            time.sleep(scene.rng.uniform(0.5, 2))
            for case in cases:
                case.publish()
        slowest = {case.name: case.slowest() for case in cases}
        healing = [case for case in cases if case.heals]
        for case in cases:
            case.wait_measured()
            case.gateway.streams.heal()
            case.job.wait_handled(times)
        for case in healing:
            case.job.streams()
            case.measure("healed")
        for case in healing:
            case.wait_measured()
        steps = {case.name: {phase["name"]: phase for phase in case.job.stop()} for case in cases}
    for case in cases:
        scene.limit(f"slowest delivery when {case.name}, s", slowest[case.name], case.within, _SLACK)
    _compare_steps(scene, steps)
    return {"slowest delivery, s": {name: round(seconds, 1) for name, seconds in slowest.items()},
            "processor time of a step, µs": {name: {phase: measured["step_processor_us"]
                                                    for phase, measured in phases.items()}
                                             for name, phases in steps.items()}}


def _broken_cases(scene, stack):
    """All jobs with their streams broken, and one message on its way to each."""
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
    swallowed.gateway.streams.set(freeze=["up", "down"])
    for case in cases:
        case.measure("broken")
        case.publish()
    closed.gateway.front.set(refuse=False)
    closed.reachable_since = time.monotonic()
    return cases


def _compare_steps(scene, steps):
    """A step takes as long with a broken stream as with a healed one, and makes no system call for its inbox."""
    for what, slack in (("step_processor_us", 0.0), ("step_us", _WALL_SLACK)):
        healed = median(phases["healed"][what] for phases in steps.values() if "healed" in phases)
        for name, phases in steps.items():
            scene.limit(f"{what} when {name}, times that with a stream", phases["broken"][what] / healed, _SLOWER_BY,
                        slack)
    for name, phases in steps.items():
        if calls := [number for phase in phases.values() for number in phase["system_calls"]]:
            scene.broken.append(f"system calls when {name}: {calls}")


FAULTS = [
    Fault("silent-streams", "what streams do not bring comes by calls", silence_streams, short=6, long=300, load=None,
          replicas=1),
]
