"""Steers a training loop of your own on PyTorch."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Type, Union

import torch

from .. import groups
from .._arguments import RunLike
from ..enums import Kind
from ..groups import Group
from ..inbox import Handler, Inbox
from ._added import Added
from ._control import Steering
from ._rates import steer_optimizers

#: Is given the step; returns the checkpoint's path.
Save = Callable[[int], Any]
#: Is given the step; returns the metrics by name.
Evaluate = Callable[[int], Any]


class Control:
    """Lets messages change a training loop between two of its steps.

        control = Control(run, optimizer, scheduler=scheduler, model=model, save="checkpoints", evaluate=evaluate)
        for step, batch in enumerate(loader, 1):
            …
            optimizer.step()
            scheduler.step()
            if control.after_step(step):
                break

    It listens to `learning-rate` and `weight-decay` (settings), to `stop`, to `save` and `evaluate` if it is
    told how, and to what `on()`, `setting()` and `settings` add. A receipt of `learning-rate` is
    {"previous", "current", "read_at_step"}: the rate before, and the one that the optimizer has one step
    later, when the schedule has moved on. All groups and their schedules are scaled by the same ratio; the
    first group's rate is the one that is meant, which during a warm-up is the rate of that moment. A rate that a
    schedule of which `scheduler` does not tell has brought back one step later fails the message.

    `run`: a Run, an Inbox, or what names a run; None: the current run, else that of the environment. Without
    one, and with the server away, training goes on as without Signalbox, after one warning.
    `optimizer`, `scheduler`: one or several. `save`: a function of the step that returns the path, or a
    folder for checkpoints of model, optimizers and schedulers. `evaluate`: a function of the step that
    returns metrics; `model` is put into its evaluation mode meanwhile, without gradients. `settings`: by key
    a function of the value, or an object with the name of its attribute.
    `group`: the processes that train together; None: those of torch.distributed, if it is initialised; False:
    only this one. Then every process makes the same calls, `save` and `evaluate` too run on each, and
    messages are looked for whenever the step has passed a multiple of `every`.

    Raises InvalidArgumentError and ValueError for wrong arguments.
    """

    def __init__(self, run: Union[RunLike, Inbox] = None, optimizer: Any = (), *, scheduler: Any = (),
                 model: Optional[torch.nn.Module] = None, save: Union[Save, str, "os.PathLike[str]", None] = None,
                 evaluate: Optional[Evaluate] = None, settings: Optional[Mapping[str, Any]] = None,
                 group: Union[Group, bool, None] = None, every: int = 1) -> None:
        self._optimizers, self._schedulers, self._model = _several(optimizer), _several(scheduler), model
        self._steering = Steering(run, group=group_of(group), every=every)
        steer_optimizers(self._steering, self._optimizers, self._schedulers)
        if save is not None:
            self._steering.command("save", save if callable(save) else self._checkpoints_in(save), name="path",
                                   description="Writes a checkpoint")
        if evaluate is not None:
            self._steering.command("evaluate", self._in_evaluation_mode(evaluate), description="Measures")
        self._steering.listen_to_stop()
        Added(settings).to(self._steering)

    @property
    def stop_asked(self) -> bool:
        """Whether `stop` came; the same on all processes."""
        return self._steering.stop_asked

    def after_step(self, step: int) -> bool:
        """To be called when `step` steps are done, after the scheduler's; whether to stop. Waits for no network."""
        return self._steering.after_step(step)

    def on(self, key: str, handler: Handler, *, kind: Union[Kind, str, None] = None, description: str = "") -> None:
        """Adds a key: `handler(message)` returns the reply, or LATER; what it raises fails the message."""
        self._steering.on(key, handler, kind=kind, description=description)

    def setting(self, key: str, target: Any, attribute: str, *, description: str = "") -> None:
        """Adds a setting that is an attribute, such as "dropout" for `(model.dropout, "p")`; it keeps its type."""
        self._steering.attribute(key, target, attribute, description=description)

    def close(self) -> None:
        """Answers what is still open. The end of the run and of the program do it too. Idempotent."""
        self._steering.close()

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def _checkpoints_in(self, folder: Union[str, "os.PathLike[str]"]) -> Save:
        def save(step: int) -> str:
            path = os.path.join(os.path.abspath(folder), f"step-{step}.pt")
            if self._steering.leads:
                write_atomically(self._state(step), path)
            return path

        return save

    def _state(self, step: int) -> Dict[str, Any]:
        return {"step": step, "model": None if self._model is None else self._model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
                "schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def _in_evaluation_mode(self, evaluate: Evaluate) -> Evaluate:
        def measure(step: int) -> Any:
            if self._model is None:
                return evaluate(step)
            was_training = self._model.training
            self._model.eval()
            try:
                with torch.no_grad():
                    return evaluate(step)
            finally:
                self._model.train(was_training)

        return measure


def group_of(group: Union[Group, bool, None]) -> Optional[Group]:
    """What a `group` argument means: None or True: the processes of torch.distributed, if initialised; False: none."""
    if isinstance(group, Group):
        return group
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if group is False or not distributed or torch.distributed.get_world_size() == 1:
        return None
    return groups.torch()


def write_atomically(state: Any, path: str) -> None:
    """Whoever sees the file sees all of it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def _several(items: Any) -> Sequence[Any]:
    if items is None:
        return ()
    return tuple(items) if isinstance(items, (list, tuple)) else (items,)
