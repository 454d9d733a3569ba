"""Steers the Trainer of Hugging Face's transformers."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Union

from transformers import TrainerCallback

from .._arguments import RunLike
from ..enums import Kind
from ..groups import Group
from ..inbox import Handler, Inbox
from ._added import Added
from ._control import Steering
from ._rates import steer_optimizers
from .torch import group_of


class SignalboxCallback(TrainerCallback):
    """Lets messages change the training of a Trainer between two optimizer steps.

        trainer = Trainer(…, callbacks=[SignalboxCallback(run)])

    It listens to `learning-rate` and `weight-decay` (settings), `save`, `evaluate` and `stop` (commands), and
    to what `on()`, `setting()` and `settings` add; `signalbox.adapters.torch.Control` tells what rates mean.
    `save`, `evaluate` and `stop` set the Trainer's own control flags. The receipt of `save` is {"path"}, a
    checkpoint to resume from; that of `evaluate` are the metrics.

    `run`: a Run, an Inbox, or what names a run; None: the current run, else that of the environment. Without
    one, and with the server away, training goes on as without Signalbox, after one warning. `evaluate`: whether
    the Trainer has an eval_dataset; None: if its eval_strategy is not "no", or it has evaluated before.
    `settings`, `group`, `every`: as for Control; in a group all processes must have the callback.
    """

    def __init__(self, run: Union[RunLike, Inbox] = None, *, evaluate: Optional[bool] = None,
                 settings: Optional[Mapping[str, Any]] = None, group: Union[Group, bool, None] = None,
                 every: int = 1) -> None:
        self._run, self._group, self._every = run, group, every
        self._can_evaluate = evaluate
        self._added = Added(settings)
        self._steering: Optional[Steering] = None

    def on(self, key: str, handler: Handler, *, kind: Union[Kind, str, None] = None, description: str = "") -> None:
        """Adds a key: `handler(message)` returns the reply, or LATER; what it raises fails the message."""
        self._added.on(key, handler, kind, description, self._steering)

    def setting(self, key: str, target: Any, attribute: str, *, description: str = "") -> None:
        """Adds a setting that is an attribute, such as "dropout" for `(model.dropout, "p")`; it keeps its type."""
        self._added.setting(key, target, attribute, description, self._steering)

    def on_train_begin(self, args: Any, state: Any, control: Any, optimizer: Any = None, lr_scheduler: Any = None,
                       **others: Any) -> None:
        self._close()
        steering = Steering(self._run, group=group_of(self._group), every=self._every)
        schedulers: List[Any] = [] if lr_scheduler is None else [lr_scheduler]
        steer_optimizers(steering, [] if optimizer is None else [optimizer], schedulers)
        steering.begin_command("save", lambda step: None, description="Writes a checkpoint")
        steering.begin_command("evaluate", self._check_evaluation, description="Evaluates on the eval_dataset")
        steering.listen_to_stop()
        self._added.to(steering)
        self._steering = steering
        if self._can_evaluate is None and _has_strategy(args):
            self._can_evaluate = True

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        steering = self._steering
        if steering is None:
            return
        if steering.after_step(state.global_step):
            control.should_training_stop = True
        # Asked for again at each step until it is done: others may have taken the flag back.
        if steering.awaits("save"):
            control.should_save = True
        if steering.awaits("evaluate"):
            control.should_evaluate = True

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if self._steering is not None and self._steering.awaits("save"):
            self._steering.finish("save", _checkpoint(args.output_dir, state), name="path")

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Optional[Dict[str, float]] = None,
                    **others: Any) -> None:
        self._can_evaluate = True
        if self._steering is not None and self._steering.awaits("evaluate"):
            self._steering.finish("evaluate", metrics)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._close()

    def _check_evaluation(self, step: int) -> None:
        # The Trainer would raise an error, and the training end by it.
        if not self._can_evaluate:
            raise ValueError('evaluate: the Trainer is not known to have an eval_dataset; its eval_strategy must not '
                             'be "no", or SignalboxCallback(evaluate=True) say so')

    def _close(self) -> None:
        steering, self._steering = self._steering, None
        if steering is not None:
            steering.close()


def _has_strategy(args: Any) -> bool:
    strategy = getattr(args, "eval_strategy", None) or getattr(args, "evaluation_strategy", "no")
    return str(getattr(strategy, "value", strategy)) != "no"


def _checkpoint(output_dir: str, state: Any) -> str:
    """Where the Trainer has just written; a search for hyperparameters has a folder for each trial."""
    name = f"checkpoint-{state.global_step}"
    folder = os.path.abspath(output_dir)
    if getattr(state, "is_hyper_param_search", False) and not os.path.isdir(os.path.join(folder, name)):
        trials = [os.path.join(folder, trial, name) for trial in os.listdir(folder)]
        written = [path for path in trials if os.path.isdir(path)]
        if written:
            return max(written, key=os.path.getmtime)
    return os.path.join(folder, name)
