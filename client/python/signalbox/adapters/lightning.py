"""Steers Lightning's Trainer, of the package lightning or pytorch_lightning."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Mapping, Optional, Tuple, Union

from .._arguments import RunLike
from ..enums import Kind
from ..groups import Group
from ..inbox import Handler, Inbox
from ._added import Added
from ._control import Steering
from ._rates import steer_optimizers
from .torch import group_of


_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _bases() -> Tuple[Any, ...]:
    """The classes of the packages that the program uses: two with the same content, and each wants its own."""
    found = [sys.modules[name] for name in _PACKAGES if name in sys.modules]
    for name in () if found else _PACKAGES:
        try:
            found.append(importlib.import_module(name))
        except ModuleNotFoundError as error:
            missing = error
    if not found:
        raise missing
    return tuple(package.Callback for package in found)


Callback: Any = type("Callback", _bases(), {})


class SignalboxCallback(Callback):
    """Lets messages change the training of a Trainer between two optimizer steps.

        trainer = Trainer(callbacks=[SignalboxCallback(run)])

    It listens to `learning-rate` and `weight-decay` (settings), `save`, `evaluate` and `stop` (commands), and
    to what `on()`, `setting()` and `settings` add; `signalbox.adapters.torch.Control` tells what rates mean.
    `save` calls the Trainer's save_checkpoint(); the receipt is {"path"}. `evaluate` lets the Trainer run its
    validation after this batch, with all that belongs to it; the receipt are the callback metrics. `stop` sets
    should_stop: min_epochs and min_steps still hold.

    `run`: a Run, an Inbox, or what names a run; None: the current run, else that of the environment. Without
    one, and with the server away, training goes on as without Signalbox, after one warning. `dirpath`: folder
    for checkpoints; None: the one of the Trainer's ModelCheckpoint, else "checkpoints" in its root folder.
    `settings`, `group`, `every`: as for Control; in a group all processes must have the callback.
    """

    def __init__(self, run: Union[RunLike, Inbox] = None, *, dirpath: Union[str, "os.PathLike[str]", None] = None,
                 settings: Optional[Mapping[str, Any]] = None, group: Union[Group, bool, None] = None,
                 every: int = 1) -> None:
        super().__init__()
        self._run, self._group, self._every, self._dirpath = run, group, every, dirpath
        self._added = Added(settings)
        self._steering: Optional[Steering] = None
        self._last_step = 0
        #: The Trainer's own val_check_batch and check_val_every_n_epoch, while ours are in their place.
        self._validation_rhythm: Optional[Tuple[Any, Any]] = None

    def on(self, key: str, handler: Handler, *, kind: Union[Kind, str, None] = None, description: str = "") -> None:
        """Adds a key: `handler(message)` returns the reply, or LATER; what it raises fails the message."""
        self._added.on(key, handler, kind, description, self._steering)

    def setting(self, key: str, target: Any, attribute: str, *, description: str = "") -> None:
        """Adds a setting that is an attribute, such as "dropout" for `(model.dropout, "p")`; it keeps its type."""
        self._added.setting(key, target, attribute, description, self._steering)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._close(trainer)
        steering = Steering(self._run, group=group_of(self._group), every=self._every)
        steer_optimizers(steering, trainer.optimizers, [config.scheduler for config in trainer.lr_scheduler_configs])
        steering.command("save", lambda step: self._save(trainer), name="path", description="Writes a checkpoint")
        steering.begin_command("evaluate", lambda step: self._let_validate(trainer), description="Runs the validation")
        steering.listen_to_stop(lambda: setattr(trainer, "should_stop", True))
        self._added.to(steering)
        self._steering = steering
        self._last_step = trainer.global_step

    def on_train_batch_start(self, trainer: Any, *others: Any) -> None:
        if self._validation_rhythm is not None:
            self._end_validation(trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        # Between two batches whose gradients are accumulated nothing is to change.
        if self._steering is not None and trainer.global_step != self._last_step:
            self._last_step = trainer.global_step
            self._steering.after_step(trainer.global_step)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if self._steering is None or trainer.sanity_checking:
            return
        if self._steering.awaits("evaluate"):
            self._steering.finish("evaluate", dict(trainer.callback_metrics))
        self._end_validation(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._close(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._close(trainer)

    def _save(self, trainer: Any) -> str:
        checkpoints = getattr(trainer, "checkpoint_callback", None)
        folder = self._dirpath or getattr(checkpoints, "dirpath", None)
        folder = folder or os.path.join(trainer.default_root_dir, "checkpoints")
        path = os.path.join(os.path.abspath(folder), f"signalbox-step={trainer.global_step}.ckpt")
        trainer.save_checkpoint(path)
        return path

    def _let_validate(self, trainer: Any) -> None:
        """The Trainer asks itself after each batch whether validation is due; for once it finds that it is."""
        if not trainer.enable_validation:
            raise ValueError("evaluate: the Trainer has no validation data, or the module no validation_step()")
        if self._validation_rhythm is None:
            self._validation_rhythm = trainer.val_check_batch, trainer.check_val_every_n_epoch
            trainer.val_check_batch = 1
            if trainer.check_val_every_n_epoch is not None:
                trainer.check_val_every_n_epoch = 1

    def _end_validation(self, trainer: Any) -> None:
        rhythm, self._validation_rhythm = self._validation_rhythm, None
        if rhythm is not None:
            trainer.val_check_batch, trainer.check_val_every_n_epoch = rhythm
        if self._steering is not None:
            self._steering.fail("evaluate", "the Trainer ran no validation")

    def _close(self, trainer: Any) -> None:
        self._end_validation(trainer)
        steering, self._steering = self._steering, None
        if steering is not None:
            steering.close()
