"""Functions that need neither a client nor an inbox: both are made when they are first needed.

`import signalbox.functional as hl` is the habit of programs that come from pyhectiqlab.
"""

from __future__ import annotations

import warnings
from typing import Callable, List, Optional, Protocol, Union, overload

from . import _current, _default, _process
from ._arguments import RunLike, Seconds, Value
from ._core import Message
from .enums import Kind
from .errors import FailedPreconditionError
from .inbox import H, Inbox
from .run import Run, attach, current_run

__all__ = ["Run", "attach", "configure", "current_run", "dispatch", "get_all_messages", "get_message", "on",
           "publish_message"]


class Readable(Protocol):
    """What is kept by run: an Inbox, or what takes its place in a forked child."""

    def get(self, key: str) -> Optional[Message]: ...

    def get_all(self) -> List[Message]: ...

    def dispatch(self, step: int = 0) -> int: ...


class _Inert:
    """In a child that was forked when gRPC was running: nothing ever comes."""

    def get(self, key: str) -> Optional[Message]:
        return None

    def get_all(self) -> List[Message]:
        return []

    def dispatch(self, step: int = 0) -> int:
        return 0


_inboxes = _current.inboxes
_warned = False


def configure(address: Optional[str] = None, *, token: Optional[str] = None, token_file: Optional[str] = None,
              ca_file: Optional[str] = None, cert_file: Optional[str] = None, key_file: Optional[str] = None,
              call_timeout: Seconds = 10.0) -> None:
    """Replaces the client that functions and Run use; the arguments are those of `Client`.

    Also makes them read the environment again. Inboxes that they had opened are closed.
    """
    _default.replace(dict(address=address, token=token, token_file=token_file, ca_file=ca_file,
                          cert_file=cert_file, key_file=key_file, call_timeout=call_timeout))
    with _current.lock:
        unused = list(_inboxes.values())
        _inboxes.clear()
    current = _current.run()
    for inbox in unused:
        if isinstance(inbox, Inbox) and (current is None or inbox is not current._inbox):
            inbox.close()


def publish_message(run: RunLike, key: str, value: Value = None, project: Optional[str] = None, *,
                    kind: Union[Kind, str, None] = None, request_id: Optional[str] = None,
                    ttl: Optional[Seconds] = None, reason: str = "") -> Message:
    """Sends a message to a run; durable when this returns. See `Client.publish()`.

    `run` is an id, or a rank together with `project`.
    """
    return _default.client().publish(run, key, value, project=project, kind=kind, request_id=request_id, ttl=ttl,
                                     reason=reason).message


def get_message(key: str, run_id: Optional[str] = None) -> Optional[Message]:
    """The oldest pending message of `key`, or None; at once, from memory. Ack it, or it comes again.

    `run_id` None means the current run, else SIGNALBOX_RUN. The first call opens an inbox in the
    background and so returns None. Raises FailedPreconditionError when there is no run. In a child
    that was forked when gRPC was running it returns None, and warns once.
    """
    inbox = _inboxes.get(run_id)
    if inbox is None:
        inbox = _open(run_id)
    return inbox.get(key)


def get_all_messages(run_id: Optional[str] = None) -> List[Message]:
    """All pending messages, oldest first; otherwise like `get_message()`."""
    inbox = _inboxes.get(run_id)
    if inbox is None:
        inbox = _open(run_id)
    return inbox.get_all()


def dispatch(step: int = 0) -> int:
    """Runs the handlers of `on()` for what is pending, on this thread; see `Inbox.dispatch()`."""
    inbox = _inboxes.get(None)
    if inbox is None:
        inbox = _open(None)
    return inbox.dispatch(step)


@overload
def on(key: str, handler: H, *, kind: Union[Kind, str, None] = None, description: str = "") -> H: ...


@overload
def on(key: str, handler: None = None, *, kind: Union[Kind, str, None] = None,
       description: str = "") -> Callable[[H], H]: ...


def on(key: str, handler: Optional[H] = None, *, kind: Union[Kind, str, None] = None,
       description: str = "") -> Union[H, Callable[[H], H]]:
    """Registers what `dispatch()` does with messages of `key` to the run that is current now, else to
    that of the environment; also a decorator. See `Inbox.on()`."""
    inbox = _inboxes.get(None) or _open(None)
    if not isinstance(inbox, Inbox):
        return (lambda decorated: decorated) if handler is None else handler
    return inbox.on(key, handler, kind=kind, description=description)


def _open(run_id: Optional[str]) -> Readable:
    with _current.lock:
        inbox = _inboxes.get(run_id)
        if inbox is None:
            inbox = _inboxes[run_id] = _inbox_of(run_id)
        return inbox


def _warn_once(text: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(text, RuntimeWarning, stacklevel=5)


def _inbox_of(run_id: Optional[str]) -> Readable:
    try:
        client = _default.client()
    except FailedPreconditionError as error:
        if not _process.is_forked_child():
            raise
        _warn_once(f"signalbox receives nothing in this process: {error}")
        return _Inert()
    run = _current.run()
    if run is not None and run_id in (None, run.id):
        return run.inbox
    return client.open_inbox(run_id)


for _name, _function in (("publish", publish_message), ("get", get_message), ("get_all", get_all_messages)):
    setattr(Message, _name, staticmethod(_function))
setattr(Message, "view", Message)  # In pyhectiqlab the type of what is retrieved.
