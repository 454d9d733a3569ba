"""What steers a training loop; knows no framework.

    steering = Steering(run)
    steering.command("save", write_checkpoint)
    steering.setting("learning-rate", write=set_rate, read=get_rate)
    while steps:
        …
        if steering.after_step(step): break
    steering.close()

A setting is written at once, and its message is claimed; one step later the value is read back and
becomes the reply. A command is carried out at once, or is begun and settled when the framework has
carried it out.
"""

from __future__ import annotations

import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

from .. import _current, _default
from .._arguments import RunLike
from .._core import Message
from ..enums import ConnectionState, Kind
from ..errors import FailedPreconditionError, InvalidArgumentError, SignalboxError
from ..groups import Group
from ..inbox import Handler, Inbox
from ..later import LATER
from ..run import Run
from ._values import as_error, as_reply, like, plain

#: Writes a setting's value, and returns the one before; raises ValueError when it cannot.
Write = Callable[[Any], Any]
#: What the value is now.
Read = Callable[[], Any]
#: What is wrong with a setting one step later, given the values before, wished for and read; None: nothing.
Judge = Callable[[Any, Any, Any], Optional[str]]

_ENDED = "the training ended before this was done"


class _Written(NamedTuple):
    """A setting that waits to be read back."""

    message: Message
    step: int
    before: Any
    read: Read
    judge: Optional[Judge]


class _Begun(NamedTuple):
    """A command that the framework has yet to carry out."""

    message: Message
    step: int


class Steering:
    """Applies the messages of one run between the steps of a training loop, on the loop's own thread.

    `run`: a Run, an Inbox, or what names a run; None means the current run, else the one of the
    environment. Without any, and with the server away, everything goes on as without Signalbox, after
    one warning. Nothing waits for the network.

    `group`: the processes of a data-parallel job. Each makes the same calls; only process 0 needs a run,
    listens and acks. `every`: in a group, messages are looked for when the step has passed a multiple of it.
    """

    def __init__(self, run: Union[RunLike, Inbox] = None, *, group: Optional[Group] = None, every: int = 1) -> None:
        self._group = group if group is not None and group.size > 1 else None
        self._every = every
        self._leads = self._group is None or self._group.rank == 0
        self._run: Optional[Run] = None
        self._owns_inbox = False
        self._heard = False
        self._step = 0
        self._stop_asked = False
        self._written: List[_Written] = []
        self._begun: Dict[str, List[_Begun]] = {}
        self._inbox = self._agreed(self._opened(run))
        #: Emptied by close(), so that the inbox of a run does not keep models alive.
        self._handlers: Dict[str, Handler] = {}
        if self._inbox is not None:
            self._inbox._before_close.append(self._settle)

    @property
    def stop_asked(self) -> bool:
        """Whether the training is to end; the same on all processes of a group."""
        return self._stop_asked

    @property
    def leads(self) -> bool:
        """Whether this process answers for the group; True when there is none."""
        return self._leads

    def on(self, key: str, handler: Handler, *, kind: Union[Kind, str, None] = None, description: str = "") -> None:
        """Registers what is done with messages of `key`; see `Inbox.on()`, which also tells the errors."""
        if self._inbox is None:
            return
        if not callable(handler):
            raise InvalidArgumentError("handler: must be callable")
        handlers = self._handlers

        def handle(message: Message) -> Any:
            if key not in handlers:
                raise ValueError(f"{key}: no training is under way")
            return handlers[key](message)

        try:
            self._inbox.on(key, handle, kind=kind, description=description)
            handlers[key] = handler
        except FailedPreconditionError as error:
            if self._group is not None:  # The others would wait for this process.
                raise
            self._go_without(error)

    def command(self, key: str, act: Callable[[int], Any], *, name: str = "result", description: str = "") -> None:
        """A command that `act(step)` carries out at once; what it returns is the reply, under `name` if no dict."""

        def handle(message: Message) -> Any:
            return as_reply(act(self._step), name)

        self.on(key, handle, kind=Kind.COMMAND, description=description)

    def begin_command(self, key: str, begin: Callable[[int], None], *, description: str = "") -> None:
        """A command that `begin(step)` asks the framework for; `finish()` or `fail()` tells what came of it.

        What `begin` raises fails the message.
        """

        def handle(message: Message) -> Any:
            begin(self._step)
            self._begun.setdefault(key, []).append(_Begun(message, self._step))
            return LATER

        self.on(key, handle, kind=Kind.COMMAND, description=description)

    def setting(self, key: str, *, write: Write, read: Read, judge: Optional[Judge] = None,
                description: str = "") -> None:
        """A setting that is written at once and read back one step later.

        The reply is {"previous", "current", "read_at_step"}, or fails with the text of `judge`.
        """

        def handle(message: Message) -> Any:
            before = write(message.value)
            self._written.append(_Written(message, self._step, before, read, judge))
            return LATER

        self.on(key, handle, kind=Kind.SETTING, description=description)

    def attribute(self, key: str, target: Any, name: str, *, description: str = "") -> None:
        """A setting that is the attribute `name` of `target`; the value must be of the type it has now."""

        def read() -> Any:
            return getattr(target, name)

        def write(value: Any) -> Any:
            before = read()
            setattr(target, name, like(key, value, before))
            return before

        self.setting(key, write=write, read=read, description=description)

    def call(self, key: str, function: Callable[[Any], Any], *, description: str = "") -> None:
        """A setting that `function(value)` applies; what it returns is the reply, what it raises the failure."""
        self.on(key, lambda message: as_reply(function(message.value), "current"), kind=Kind.SETTING,
                description=description)

    def listen_to_stop(self, act: Callable[[], None] = lambda: None) -> None:
        """The command `stop`: `act()` is called, and `after_step()` returns True from then on."""

        def stop(message: Message) -> None:
            act()
            self._stop_asked = True
            if self._run is not None:
                self._run.will_stop()

        self.on("stop", stop, kind=Kind.COMMAND, description="Ends the training after this step")

    def after_step(self, step: int) -> bool:
        """Reads back what was written earlier, then applies what is pending; whether to stop.

        To be called between two steps, with the number of steps done. In a group it raises the errors of
        `Inbox.dispatch()`: processes that are no longer in step cannot go on together.
        """
        self._read_back(step)
        if self._inbox is None:
            return self._stop_asked
        self._step = step
        if self._group is None:
            self._inbox.dispatch(step)
        else:
            self._inbox.dispatch(step, group=self._group, every=self._every)
        if not self._heard and self._leads:
            self._listen_for_server()
        return self._stop_asked

    def awaits(self, key: str) -> bool:
        """Whether a command of `begin_command()` is not finished yet; the same on all processes."""
        return bool(self._begun.get(key))

    def finish(self, key: str, result: Any, *, name: str = "result") -> None:
        """The framework has carried out what was begun of `key`; `result` as in `command()`."""
        for begun in self._begun.pop(key, ()):
            self._ack(begun.message, "APPLIED", begun.step, reply=as_reply(result, name))

    def fail(self, key: str, text: str) -> None:
        """What was begun of `key` cannot be carried out."""
        for begun in self._begun.pop(key, ()):
            self._ack(begun.message, "FAILED", begun.step, error=f"{key}: {text}")

    def close(self) -> None:
        """Settles what is open with what is known, and closes the inbox if it was opened here. Idempotent."""
        self._settle()
        self._handlers.clear()
        inbox, self._inbox = self._inbox, None
        if inbox is None:
            return
        if self._settle in inbox._before_close:
            inbox._before_close.remove(self._settle)
        if self._owns_inbox:
            inbox.close()

    def _settle(self) -> None:
        self._read_back(None)
        for key in list(self._begun):
            self.fail(key, _ENDED)

    def _read_back(self, step: Optional[int]) -> None:
        """What was written before this step; with None all of it, and at no later step."""
        due = [written for written in self._written if written.step != step]
        if not due:
            return
        self._written = [written for written in self._written if written.step == step]
        for written in due:
            self._answer(written, step)

    def _answer(self, written: _Written, step: Optional[int]) -> None:
        try:
            now = written.read()
            problem = None if written.judge is None else written.judge(written.before, written.message.value, now)
        except Exception as error:  # The program's own code; the training must not end by it.
            self._ack(written.message, "FAILED", written.step, error=f"reading it back: {error}")
            return
        if problem is not None:
            self._ack(written.message, "FAILED", written.step, error=f"{written.message.key}: {problem}")
            return
        reply = {"previous": plain(written.before), "current": plain(now)}
        if step is not None:
            reply["read_at_step"] = step
        self._ack(written.message, "APPLIED", written.step, reply=reply)

    def _ack(self, message: Message, outcome: str, step: int, *, reply: Any = None, error: str = "") -> None:
        if not self._leads:
            return
        try:
            if outcome == "APPLIED" and reply is not None:
                message.ack(outcome, reply=reply, step=step)
            else:
                message.ack(outcome, error=as_error(error), step=step)
        except InvalidArgumentError as problem:  # Too large, for instance.
            message.ack(outcome, reply=f"cannot be sent: {problem}", step=step)
        except SignalboxError as problem:  # The inbox is closed.
            warn(f"{message.key}: the outcome {outcome} is not reported: {problem}")

    def _opened(self, run: Union[RunLike, Inbox]) -> Optional[Inbox]:
        if not self._leads:
            self._owns_inbox = True
            return _default.client().open_inbox(listen=False)
        try:
            if isinstance(run, Inbox):
                return run
            self._run = _current.run() if run is None else run if isinstance(run, Run) else None
            if self._run is not None:
                return self._run.inbox
            self._owns_inbox = True
            return _default.client().open_inbox(run)
        except FailedPreconditionError as error:  # No run, one that is over, or a forked child.
            self._go_without(error)
            return None

    def _agreed(self, inbox: Optional[Inbox]) -> Optional[Inbox]:
        """In a group process 0 decides whether there is anything to listen to."""
        if self._group is None:
            return inbox
        listens = bytearray([inbox is not None])
        self._group.broadcast(memoryview(listens), 0)
        return inbox if listens[0] else None

    def _go_without(self, error: SignalboxError) -> None:
        self._inbox = None
        warn(f"the training cannot be steered: {error}")

    def _listen_for_server(self) -> None:
        assert self._inbox is not None
        status = self._inbox.status
        if status.last_error is not None:
            warn(f"the server is away, the training goes on: {status.last_error}")
        self._heard = status.last_error is not None or status.state != ConnectionState.CONNECTING


def warn(text: str) -> None:
    """Tells the program, once for each place and text unless it wishes otherwise."""
    warnings.warn(f"signalbox: {text}", RuntimeWarning, stacklevel=2)
