"""What happens to the package when the process ends or forks."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING

from . import _core, _current, _default

if TYPE_CHECKING:
    from .inbox import Inbox

_open: "weakref.WeakSet[Inbox]" = weakref.WeakSet()
_forked = False


def opened(inbox: "Inbox") -> None:
    """To be closed at exit."""
    _open.add(inbox)


def closed(inbox: "Inbox") -> None:
    _open.discard(inbox)


def is_forked_child() -> bool:
    """Whether this process was forked after the package was imported."""
    return _forked


def _close_all() -> None:
    # At the same time, so that it takes two seconds at most when the network is away.
    inboxes = list(_open)
    if inboxes:
        for inbox in inboxes:
            inbox._settle()
        _core.close_all(inboxes)


def _after_fork_in_child() -> None:
    global _forked
    _forked = True
    _open.clear()
    _current.start_anew_in_child()
    _default.start_anew_in_child()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork_in_child)
