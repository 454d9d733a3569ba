"""A run and its life, as the program that is the run sees it."""

from __future__ import annotations

import os
import warnings
from types import TracebackType
from typing import Callable, List, Mapping, Optional, Type, Union, overload

from . import _current, _default
from ._arguments import RunLike
from ._core import Message, RunInfo
from .client import Client
from .enums import Kind, RunOutcome
from .errors import FailedPreconditionError, SignalboxError
from .inbox import H, Inbox


class Run:
    """A training job that messages are sent to.

    Creating one creates the run on the server and makes it the current run of this process, which
    `get_message()` and the like mean when no run is named. As a context manager it ends the run:
    COMPLETED, or FAILED by an exception, or STOPPED by KeyboardInterrupt. See `Client.create_run()`
    for the arguments and errors.

        with sb.Run(project="org/name") as run:
            for step in range(1000):
                run.dispatch(step)
    """

    def __init__(self, project: str, *, run_id: Optional[str] = None, title: str = "",
                 labels: Optional[Mapping[str, str]] = None, client: Optional[Client] = None) -> None:
        client = client or _default.client()
        self._begin(client, client.create_run(project, run_id, title, labels), ends=True)

    def _begin(self, client: Client, info: RunInfo, ends: bool) -> None:
        self._client = client
        self._info = info
        self._ends = ends
        self._pid = os.getpid()
        self._inbox: Optional[Inbox] = None
        self._over = False
        self._outcome = RunOutcome.COMPLETED
        _current.begin(self)

    @classmethod
    def _attached(cls, client: Client, info: RunInfo) -> "Run":
        run = cls.__new__(cls)
        run._begin(client, info, ends=False)
        return run

    @property
    def id(self) -> str:
        """Globally unique."""
        return self._info.id

    @property
    def rank(self) -> int:
        """Number in the project: 1, 2, 3, ..."""
        return self._info.rank

    @property
    def project(self) -> str:
        """Name of the project."""
        return self._info.project

    @property
    def inbox(self) -> Inbox:
        """The run's inbox; opened at the first use, closed with the run."""
        inbox = self._inbox
        return self._open_inbox() if inbox is None else inbox

    def _open_inbox(self) -> Inbox:
        with _current.lock:
            if self._over:
                raise FailedPreconditionError(f"run {self.id} is over")
            if self._inbox is None:
                self._inbox = self._client.open_inbox(self.id)
            return self._inbox

    def get_message(self, key: str) -> Optional[Message]:
        """The oldest pending message of `key`, or None; at once, from memory. Ack it."""
        return self.inbox.get(key)

    def get_all_messages(self) -> List[Message]:
        """All pending messages, oldest first; at once, from memory. Ack them."""
        return self.inbox.get_all()

    @overload
    def on(self, key: str, handler: H, *, kind: Union[Kind, str, None] = None, description: str = "") -> H: ...

    @overload
    def on(self, key: str, handler: None = None, *, kind: Union[Kind, str, None] = None,
           description: str = "") -> Callable[[H], H]: ...

    def on(self, key: str, handler: Optional[H] = None, *, kind: Union[Kind, str, None] = None,
           description: str = "") -> Union[H, Callable[[H], H]]:
        """Registers what `dispatch()` does with messages of `key`; also a decorator. See `Inbox.on()`."""
        return self.inbox.on(key, handler, kind=kind, description=description)

    def dispatch(self, step: int = 0) -> int:
        """Runs the handlers for what is pending, on this thread; returns how many. Never waits."""
        return self.inbox.dispatch(step)

    def will_stop(self) -> None:
        """From now on the run ends as STOPPED, where it would have ended as COMPLETED.

        For who has been asked to stop the training early.
        """
        self._outcome = RunOutcome.STOPPED

    def end(self, outcome: Union[RunOutcome, str, None] = None) -> None:
        """Sends the acks that are under way and ends the run.

        None: COMPLETED, or STOPPED after `will_stop()`.

        What is pending becomes UNDELIVERED. Raises the errors of `Client.end_run()`.
        """
        self.close()
        self._client.end_run(self.id, outcome or self._outcome)

    def close(self) -> None:
        """Closes the inbox, at most 2 seconds, and is no longer the current run; it does not end."""
        _current.end(self)
        with _current.lock:
            self._over = True
            inbox = self._inbox
        if inbox is not None:
            inbox.close()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        # A forked child that leaves the block is not the run.
        if os.getpid() != self._pid or self._over:
            return
        if not self._ends:
            self.close()
            return
        try:
            self.end(_outcome_of(error))
        except SignalboxError as problem:
            # A job that is done must not fail because the server is away.
            warnings.warn(f"run {self.id} could not be ended: {problem}", RuntimeWarning, stacklevel=2)

    def __repr__(self) -> str:
        return f"<signalbox.Run {self.id}, {self.project} #{self.rank}>"


def _outcome_of(error: Optional[BaseException]) -> Optional[RunOutcome]:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return None
    return RunOutcome.STOPPED if isinstance(error, KeyboardInterrupt) else RunOutcome.FAILED


def attach(run: RunLike = None, project: Optional[str] = None, *, client: Optional[Client] = None) -> Run:
    """A Run that exists already, for instance made by a scheduler; becomes the current one.

    As a context manager it closes its inbox and does not end. None: SIGNALBOX_RUN. Raises
    NotFoundError, and FailedPreconditionError when no run is given.
    """
    client = client or _default.client()
    return Run._attached(client, client.get_run(run, project=project))


def current_run() -> Optional[Run]:
    """The run begun or attached last of those that have not ended here, or None."""
    return _current.run()
