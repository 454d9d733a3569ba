"""The pending messages of one run, in memory."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Type, TypeVar, Union, overload

from . import _background, _core, _process
from ._arguments import Seconds, seconds
from ._core import Message
from .enums import ConnectionState, Kind
from .errors import InvalidArgumentError, SignalboxError

#: Is given a message, and returns the reply for its publisher (None: no reply).
Handler = Callable[[Message], Any]
H = TypeVar("H", bound=Handler)


class InboxStatus(NamedTuple):
    """How fresh an inbox is."""

    state: ConnectionState
    #: Seconds since the server last proved that nothing was missing; infinite before the first proof.
    age: float
    #: The last failure of the stream or of a refresh; None when all is well.
    last_error: Optional[SignalboxError]


class Inbox(_core.Inbox):
    """The pending messages of one run, kept in memory by the library's own threads.

    Made by `Client.open_inbox()`. Thread-safe. No library thread ever calls Python. `get()`,
    `get_all()`, `dispatch()` and `message.ack()` never wait for anything; what is sent goes out in
    the background. Delivery is at least once: what was not acked before a crash comes again.

    In a forked child an inbox is inert: it holds nothing and its state is CLOSED.
    """

    def __init__(self, client: _core.Client, run: _core.RunRef, keys: List[str], consumer: str,
                 refresh_interval: float, silence_timeout: float, max_outstanding_acks: int,
                 listen: bool) -> None:
        self._handlers: Dict[str, Handler] = {}
        self._before_close: List[Callable[[], None]] = []
        super().__init__(client, run, keys, consumer, refresh_interval, silence_timeout, max_outstanding_acks,
                         listen)
        _process.opened(self)

    @overload
    def on(self, key: str, handler: H, *, kind: Union[Kind, str, None] = None, description: str = "") -> H: ...

    @overload
    def on(self, key: str, handler: None = None, *, kind: Union[Kind, str, None] = None,
           description: str = "") -> Callable[[H], H]: ...

    def on(self, key: str, handler: Optional[H] = None, *, kind: Union[Kind, str, None] = None,
           description: str = "") -> Union[H, Callable[[H], H]]:
        """Registers what `dispatch()` does with messages of `key`, and declares the key to the server.

        Also a decorator, without `handler`. Replaces an earlier handler of the key. The handler is
        called with the Message; what it returns is the reply (None: none), what it raises fails the
        message. Its own `message.ack()` is not needed, and only claims early; an outcome that it tells with
        it stands. `kind` and `description` (at most 1 KiB) tell publishers what the key means.

        Raises InvalidArgumentError, ResourceExhaustedError (256 keys), FailedPreconditionError (closed).
        """
        if handler is None:
            return lambda decorated: self.on(key, decorated, kind=kind, description=description)
        if not callable(handler):
            raise InvalidArgumentError("handler: must be callable")
        before = self._handlers.get(key)
        self._handlers[key] = handler
        try:
            self._on(key, kind, description)
        except BaseException:
            if before is None:
                del self._handlers[key]
            else:
                self._handlers[key] = before
            raise
        return handler

    def _handle(self, message: Message) -> Any:
        return self._handlers[message.key](message)

    @property
    def status(self) -> InboxStatus:
        """How fresh it is: state, age in seconds, and last error."""
        return InboxStatus(*self._status())

    def wait_synced(self, timeout: Seconds = 10.0) -> bool:
        """Waits until the inbox holds everything that was pending when this was called.

        At most `timeout` seconds; False when it did not get there. For start-up and tests.
        """
        limit = seconds("timeout", timeout)
        return _background.interruptible(lambda: self._wait_synced(limit))

    def wait_newer(self, sequence: int, timeout: Seconds) -> bool:
        """Waits until the inbox holds a message with a sequence above `sequence`.

        At most `timeout` seconds; False when none came, and at once when none will, because the run
        ended, or the inbox is closed or does not listen.
        """
        return self._wait_newer(sequence, seconds("timeout", timeout))

    def _settle(self) -> None:
        """The last chance of those who claimed messages and owe their outcome."""
        while self._before_close:
            self._before_close.pop()()

    def close(self) -> None:
        """Sends what acks it can and stops; at most 2 seconds, whatever the network does. Idempotent."""
        self._settle()
        self._close()
        _process.closed(self)

    def reopen(self) -> None:
        """In a forked child: starts anew with the same options and handlers and a new consumer name.

        Raises FailedPreconditionError in the process that opened it, and in a child that was forked
        when gRPC was running. An inbox that listens has started gRPC: let workers that listen be
        started by spawn or forkserver.
        """
        self._reopen()
        _process.opened(self)

    def __enter__(self) -> "Inbox":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()
