"""Learning rates and weight decays of PyTorch's optimizers, and the schedules that move them.

Works on what optimizers and schedulers have in common, their groups and base rates, so that those of
other packages and wrapped ones do too. Imports nothing.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from ._control import Steering
from ._values import not_negative, positive, was_brought_back

#: The parameter groups of the optimizers.
Groups = List[Dict[str, Any]]

RATE = "learning-rate"
DECAY = "weight-decay"

#: What schedulers keep in the groups and in themselves that the rates follow from.
_IN_GROUPS = ("initial_lr", "max_lr", "min_lr", "swa_lr")
_LISTS = ("base_lrs", "max_lrs", "_last_lr")
_FLOORS = ("eta_min",)
#: What tells PyTorch's schedulers: those with base rates, those that hold others, and ReduceLROnPlateau.
_SIGNS = ("base_lrs", "_schedulers", "min_lrs")


def steer_optimizers(steering: Steering, optimizers: Sequence[Any], schedulers: Sequence[Any]) -> None:
    """Listens to `learning-rate`, and to `weight-decay` if any of the optimizers has one."""
    def groups() -> Groups:
        # Asked for each time: loading a checkpoint puts new ones in their place, and more may be added.
        return [group for optimizer in optimizers for group in optimizer.param_groups]

    if not groups():
        return
    rates = _Rates(groups, schedulers)
    steering.setting(RATE, write=rates.write, read=rates.read, judge=rates.judge,
                     description="Learning rate, a number above 0; the schedule goes on from it")
    if any("weight_decay" in group for group in groups()):
        decay = _Decay(groups)
        steering.setting(DECAY, write=decay.write, read=decay.read,
                         description="Weight decay, a number of at least 0; groups without one stay so")


class _Rates:
    """The rates of all groups. They keep their ratios, and the first that is not 0 speaks for them."""

    def __init__(self, groups: Callable[[], Groups], schedulers: Sequence[Any]) -> None:
        self._groups = groups
        self._schedulers = schedulers
        self._strangers: List[str] = []

    def read(self) -> float:
        return next((rate for rate in self._rates() if rate != 0), 0.0)

    def write(self, value: Any) -> float:
        """Scales every rate, and the schedules with it, so that the first rate is `value` now."""
        wanted, before = positive(RATE, value), self.read()
        schedules = list(_unwrapped(self._schedulers))
        if before == 0:
            if schedules:
                raise ValueError(f"{RATE}: the schedule holds it at 0 now, from where it cannot be scaled")
            for group in self._groups():
                _put(group, "lr", wanted)
            return before
        ratio = wanted / before
        if not all(math.isfinite(float(rate) * ratio) for rate in self._rates()):
            raise ValueError(f"{RATE}: {wanted} is too far from {before}")
        for group in self._groups():
            for name in ("lr", *_IN_GROUPS):
                if isinstance(group.get(name), (int, float)) or hasattr(group.get(name), "fill_"):
                    _put(group, name, float(group[name]) * ratio)
        self._strangers = [type(schedule).__name__ for schedule in schedules if not _scale(schedule, ratio)]
        return before

    def judge(self, before: float, wanted: float, now: float) -> Optional[str]:
        """A schedule that keeps rates of its own, or that was not told of, may have brought the old one back."""
        follows = self._schedulers and not self._strangers
        if follows or not was_brought_back(before, wanted, now):
            return None
        culprit = ", ".join(sorted(set(self._strangers))) or "something else"
        return f"did not hold: {culprit} made it {now} one step later"

    def _rates(self) -> Iterator[float]:
        return (float(group["lr"]) for group in self._groups())


class _Decay:
    """The weight decays; groups that have none, as biases often do, keep none."""

    def __init__(self, groups: Callable[[], Groups]) -> None:
        self._groups = groups
        #: Of each group, how much of the value it gets; from when they were not all 0.
        self._shares: List[float] = []

    def read(self) -> float:
        return next((decay for decay in self._decays() if decay), 0.0)

    def write(self, value: Any) -> float:
        wanted, before = not_negative(DECAY, value), self.read()
        decays = self._decays()
        if before:
            self._shares = [decay / before for decay in decays]
        elif len(self._shares) != len(decays):
            self._shares = [1.0 for _ in decays]
        for group, share in zip(self._having(), self._shares):
            _put(group, "weight_decay", wanted * share)
        return before

    def _having(self) -> Groups:
        return [group for group in self._groups() if "weight_decay" in group]

    def _decays(self) -> List[float]:
        return [float(group["weight_decay"]) for group in self._having()]


def _unwrapped(schedulers: Sequence[Any]) -> Iterator[Any]:
    """The schedulers themselves and those that they hold, each once."""
    seen = set()
    left = list(schedulers)
    while left:
        scheduler = left.pop()
        if id(scheduler) in seen:
            continue
        seen.add(id(scheduler))
        inner = list(getattr(scheduler, "_schedulers", ()))
        wrapped = getattr(scheduler, "scheduler", None)
        if wrapped is not None:
            left.append(wrapped)
            continue
        left.extend(inner)
        yield scheduler


def _scale(schedule: Any, ratio: float) -> bool:
    """Whether it is known to follow: it computes rates from what was scaled, or from the present ones."""
    for name in _LISTS:
        rates = getattr(schedule, name, None)
        if isinstance(rates, (list, tuple)):
            setattr(schedule, name, [rate * ratio for rate in rates])
    for name in _FLOORS:
        floor = getattr(schedule, name, None)
        if isinstance(floor, (int, float)):
            setattr(schedule, name, floor * ratio)
    return any(hasattr(schedule, name) for name in _SIGNS)


def _put(group: Dict[str, Any], name: str, value: float) -> None:
    """A tensor, as of optimizers that run in CUDA graphs, is kept and filled."""
    if hasattr(group.get(name), "fill_"):
        group[name].fill_(value)
    else:
        group[name] = value
