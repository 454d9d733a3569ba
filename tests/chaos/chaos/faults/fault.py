"""What a fault is."""

from collections.abc import Callable
from dataclasses import dataclass, field


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
    needs_root: bool = False


@dataclass
class Scene:
    """What a fault works on."""

    cluster: object
    load: object  # None when the fault has none.
    rng: object
