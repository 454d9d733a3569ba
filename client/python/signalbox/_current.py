"""The current run of this process, and the inboxes that `get_message()` keeps by run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Dict, List, Optional

if TYPE_CHECKING:
    from .functional import Readable
    from .run import Run

#: Held while either changes; new in a forked child.
lock = threading.RLock()
_runs: "List[Run]" = []

#: By the `run_id` that callers give; None for the run they mean when they give none.
inboxes: "Dict[Optional[str], Readable]" = {}


def run() -> "Optional[Run]":
    """The run begun last of those that have not ended, or None."""
    return _runs[-1] if _runs else None


def begin(run: "Run") -> None:
    with lock:
        _runs.append(run)
        inboxes.pop(None, None)


def end(run: "Run") -> None:
    with lock:
        if run in _runs:
            _runs.remove(run)
        inboxes.pop(None, None)
        inboxes.pop(run.id, None)


def start_anew_in_child() -> None:
    """The parent's inboxes are of no use here, and its threads may have held the lock."""
    global lock
    lock = threading.RLock()
    inboxes.clear()
