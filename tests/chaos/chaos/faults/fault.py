"""What a fault is."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chaos.databases import Single


@dataclass(frozen=True)
class Fault:
    """`inject(scene, times)` breaks things so many times, and returns what it measured, by name.

    `short` and `long` are the number of times in the two forms; `promise` is what must hold.
    """

    name: str
    promise: str
    inject: Callable
    short: int
    long: int
    load: dict | None = field(default_factory=dict)  # Of `Load`; None: the fault brings its own traffic and verdict.
    flags: tuple = ()  # Of the servers.
    replicas: int = 3
    databases: type = Single
    missing: Callable = lambda: None  # What it needs and this machine has not, in words.
    delivery_p99_ms: float | None = None  # At most; see `Scene.limit()`.
    scale: int = 1  # Of the traffic between two injections.
    long_form: dict = field(default_factory=dict)  # Fields that have other values in the long form.

    def form(self, long):
        return replace(self, **self.long_form) if long else self


def not_root():
    """For `Fault.missing`."""
    return None if os.geteuid() == 0 else "root"


@dataclass
class Scene:
    """What a fault works on, and where it says which promises were broken."""

    rng: object
    scale: int = 1
    is_long: bool = False  # The form.
    cluster: object = None
    load: object = None  # None when the fault has none.
    broken: list = field(default_factory=list)

    def go_on(self, least, most):
        """Waits for a random number of publishes, in the long form for a multiple."""
        self.load.go_on(self.rng.randrange(least * self.scale, most * self.scale), 600)

    def limit(self, name, value, at_most, slack=0.0):
        """A target. `name` may end in a unit, as in "exit, s". In the short form, which runs on busy machines, `slack`
        is allowed besides."""
        if value > at_most + (0 if self.is_long else slack):
            what, _, unit = name.partition(", ")
            unit = f" {unit}" if unit else ""
            self.broken.append(f"{what}: {round(value, 2)}{unit}, at most {at_most}{unit}")
