"""Steers Keras' model.fit()."""

from __future__ import annotations

import os
import threading
from typing import Any, Dict, Mapping, Optional, Union

import keras

from .._arguments import RunLike
from ..enums import Kind
from ..groups import Group
from ..inbox import Handler, Inbox
from ._added import Added
from ._control import Steering, warn
from ._rates import DECAY, RATE
from ._values import not_negative, positive, was_brought_back

#: What the rates of Keras' own schedules are proportional to.
_SCHEDULE_RATES = ("initial_learning_rate", "end_learning_rate", "warmup_target", "values")


class SignalboxCallback(keras.callbacks.Callback):
    """Lets messages change a model.fit() between two batches.

        model.fit(x, y, callbacks=[SignalboxCallback(run, validation_data=(x_val, y_val))])

    It listens to `learning-rate` (setting), to `weight-decay` if the optimizer has one, to `save`, `evaluate`
    and `stop` (commands), and to what `on()`, `setting()` and `settings` add. A receipt of `learning-rate` is
    {"previous", "current", "read_at_step"}: the rate before, and the optimizer's one step later. The optimizer's
    schedule is scaled to go on from the new rate, which compiles the training step again, as `weight-decay` does;
    a LearningRateScheduler callback has the last word. The receipt of `save` is {"path"}, a .keras file in
    `folder`. `evaluate` measures on `validation_data`, (x, y), (x, y, weights) or a data set, and without it
    answers with what the last validation of fit() said. `stop` sets stop_training.

    `run`: a Run, an Inbox, or what names a run; None: the current run, else that of the environment. Without
    one, and with the server away, training goes on as without Signalbox, after one warning. `settings`: by key a
    function of the value, or (object, name of its attribute); what is compiled keeps the value it was compiled
    with. `group`: the processes that train together, None if it is only this one; `every`: messages are then
    looked for whenever the step has passed a multiple of it. Steps are batches, counted from the optimizer's
    iterations when fit() began.
    """

    def __init__(self, run: Union[RunLike, Inbox] = None, *, folder: Union[str, "os.PathLike[str]"] = "checkpoints",
                 validation_data: Any = None, settings: Optional[Mapping[str, Any]] = None,
                 group: Optional[Group] = None, every: int = 1) -> None:
        super().__init__()
        self._run, self._group, self._every = run, group, every
        self._folder, self._validation_data = os.path.abspath(folder), validation_data
        self._added = Added(settings)
        self._steering: Optional[Steering] = None
        self._validated: Dict[str, Any] = {}
        self._step = 0
        self._first_of_batch = 0
        self._thread = 0

    def on(self, key: str, handler: Handler, *, kind: Union[Kind, str, None] = None, description: str = "") -> None:
        """Adds a key: `handler(message)` returns the reply, or LATER; what it raises fails the message."""
        self._added.on(key, handler, kind, description, self._steering)

    def setting(self, key: str, target: Any, attribute: str, *, description: str = "") -> None:
        """Adds a setting that is an attribute, such as "temperature" for `(options, "temperature")`; it keeps its
        type."""
        self._added.setting(key, target, attribute, description, self._steering)

    def on_train_begin(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._close()
        steering = Steering(self._run, group=self._group, every=self._every)
        steering.setting(RATE, write=self._write_rate, read=self._read_rate, judge=self._judge_rate,
                         description="Learning rate, a number above 0; the schedule goes on from it")
        if getattr(self._optimizer(), "weight_decay", None) is not None:
            steering.setting(DECAY, write=self._write_decay, read=lambda: self._optimizer().weight_decay,
                             description="Weight decay, a number of at least 0")
        steering.command("save", self._save, name="path", description="Writes the model")
        steering.command("evaluate", self._evaluate, description="Measures on the validation data")
        steering.listen_to_stop(self._stop)
        self._added.to(steering)
        self._steering = steering
        self._validated = {}
        self._step = int(self.model.optimizer.iterations)
        self._thread = threading.get_ident()

    def on_train_batch_begin(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._first_of_batch = batch

    def on_train_batch_end(self, batch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._step += batch - self._first_of_batch + 1  # steps_per_execution may be above 1.
        if self._steering is None:
            return
        if threading.get_ident() != self._thread:
            # Keras calls callbacks that are not in a list from a pool of threads, while the next batch trains.
            warn("the training cannot be steered: fit(callbacks=…) must be a list")
            self._close()
            return
        self._steering.after_step(self._step)

    def on_epoch_end(self, epoch: int, logs: Optional[Mapping[str, Any]] = None) -> None:
        validated = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        if validated:
            self._validated = {**validated, "epoch": epoch + 1}

    def on_train_end(self, logs: Optional[Mapping[str, Any]] = None) -> None:
        self._close()

    def _optimizer(self) -> Any:
        optimizer = self.model.optimizer  # Not of _model: with JAX its variables are elsewhere meanwhile.
        return getattr(optimizer, "inner_optimizer", optimizer)

    def _schedule(self) -> Any:
        """The optimizer's schedule; None when its rate is a number."""
        rate = getattr(self._optimizer(), "_learning_rate", None)
        return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None

    def _read_rate(self) -> float:
        # To the digits that a float32 has: 0.002, not 0.0020000000949949026.
        return float(f"{float(keras.ops.convert_to_numpy(self._optimizer().learning_rate)):.7g}")

    def _write_rate(self, value: Any) -> float:
        wanted, before, schedule = positive(RATE, value), self._read_rate(), self._schedule()
        if schedule is None:
            self._optimizer().learning_rate = wanted
            return before
        names = [name for name in _SCHEDULE_RATES if getattr(schedule, name, None) is not None]
        if not names:
            raise ValueError(f"{RATE}: the optimizer's {type(schedule).__name__} is not a schedule of Keras")
        if before == 0:
            raise ValueError(f"{RATE}: the schedule holds it at 0 now, from where it cannot be scaled")
        for name in names:
            rates = getattr(schedule, name)
            ratio = wanted / before
            setattr(schedule, name, [rate * ratio for rate in rates] if name == "values" else rates * ratio)
        self._compile_again()
        return before

    def _judge_rate(self, before: float, wished: float, now: float) -> Optional[str]:
        if self._schedule() is not None or not was_brought_back(before, wished, now):
            return None
        return f"did not hold: another callback made it {now} one step later"

    def _write_decay(self, value: Any) -> float:
        optimizer = self._optimizer()
        before, optimizer.weight_decay = float(optimizer.weight_decay), not_negative(DECAY, value)
        self._compile_again()
        return before

    def _compile_again(self) -> None:
        """What is no variable is a constant of the compiled step; fit() takes up the new one."""
        self.model.make_train_function(force=True)

    def _save(self, step: int) -> str:
        path = os.path.join(self._folder, f"step-{step}.keras")
        if self._steering is not None and self._steering.leads:
            os.makedirs(self._folder, exist_ok=True)
            part = os.path.join(self._folder, f"step-{step}.part.keras")
            self.model.save(part)
            os.replace(part, path)
        return path

    def _evaluate(self, step: int) -> Dict[str, Any]:
        if self._validation_data is None:
            if not self._validated:
                raise ValueError("evaluate: no validation has run yet; SignalboxCallback(validation_data=…) measures "
                                 "at any step")
            return self._validated
        model, data = self.model, self._validation_data
        # The metrics of the epoch under way are counted in the same variables.
        counted = [keras.ops.convert_to_numpy(variable) for variable in model.metrics_variables]
        try:
            if isinstance(data, (tuple, list)):
                x, y, weights = (*data, None)[:3]
                return dict(model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True))
            return dict(model.evaluate(data, verbose=0, return_dict=True))
        finally:
            for variable, value in zip(model.metrics_variables, counted):
                variable.assign(value)

    def _stop(self) -> None:
        self.model.stop_training = True

    def _close(self) -> None:
        steering, self._steering = self._steering, None
        if steering is not None:
            steering.close()
