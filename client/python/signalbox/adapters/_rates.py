"""Learning rates and weight decays of PyTorch's optimizers, and the schedules that move them.

Works on what optimizers and schedulers have in common, their groups and base rates, so that those of
other packages and wrapped ones do too. Imports nothing.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, List, Optional, Sequence

from ._control import Steering
from ._values import not_negative, positive, was_brought_back

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
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    if not groups:
        return
    rates = _Rates(groups, schedulers)
    steering.setting(RATE, write=rates.write, read=rates.read, judge=rates.judge,
                     description="Learning rate, a number above 0; the schedule goes on from it")
    if any("weight_decay" in group for group in groups):
        decay = _Decay([group for group in groups if "weight_decay" in group])
        steering.setting(DECAY, write=decay.write, read=decay.read,
                         description="Weight decay, a number of at least 0; groups without one stay so")


class _Rates:
    """The rates of all groups. They keep their ratios, and the first that is not 0 speaks for them."""

    def __init__(self, groups: List[Dict[str, Any]], schedulers: Sequence[Any]) -> None:
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
            for group in self._groups:
                _put(group, "lr", wanted)
            return before
        ratio = wanted / before
        if not all(math.isfinite(float(rate) * ratio) for rate in self._rates()):
            raise ValueError(f"{RATE}: {wanted} is too far from {before}")
        for group in self._groups:
            for name in ("lr", *_IN_GROUPS):
                if isinstance(group.get(name), (int, float)) or hasattr(group.get(name), "fill_"):
                    _put(group, name, float(group[name]) * ratio)
        self._strangers = [type(schedule).__name__ for schedule in schedules if not _scale(schedule, ratio)]
        return before

    def judge(self, before: float, wanted: float, now: float) -> Optional[str]:
        """A schedule that keeps rates of its own may have brought the old one back."""
        if not self._strangers or not was_brought_back(before, wanted, now):
            return None
        return f"did not hold: {', '.join(sorted(set(self._strangers)))} made it {now} one step later"

    def _rates(self) -> Iterator[float]:
        return (float(group["lr"]) for group in self._groups)


class _Decay:
    """The weight decays; groups that had none, as biases often do, keep none."""

    def __init__(self, groups: List[Dict[str, Any]]) -> None:
        self._groups = groups
        first = next((float(group["weight_decay"]) for group in groups if group["weight_decay"]), None)
        #: Of each group, how much of the value it gets.
        self._shares = [1.0 if first is None else float(group["weight_decay"]) / first for group in groups]

    def read(self) -> float:
        return next(float(group["weight_decay"]) / share for group, share in zip(self._groups, self._shares) if share)

    def write(self, value: Any) -> float:
        wanted, before = not_negative(DECAY, value), self.read()
        for group, share in zip(self._groups, self._shares):
            _put(group, "weight_decay", wanted * share)
        return before


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
