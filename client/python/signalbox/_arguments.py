"""What callers may write, turned into what the library takes."""

from __future__ import annotations

import datetime
import operator
import os
from typing import (TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, SupportsFloat, SupportsIndex, Union)

from . import _core, _current
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from .run import Run

#: What a message can carry. Numbers are doubles: an int beyond 2^53 is refused.
Value = Union[None, bool, int, float, str, SupportsIndex, SupportsFloat, Sequence["Value"], Mapping[str, "Value"]]

#: A span of time: seconds, or a timedelta.
Seconds = Union[float, datetime.timedelta]

#: A run: its id; its rank, together with a project; a Run or RunInfo; None for the current run, or else
#: the one of the environment.
RunLike = Union[str, int, "Run", _core.RunInfo, None]

#: The way to say that there is no reply, since None is a reply.
NoReply = Any


def seconds(name: str, span: Seconds) -> float:
    if isinstance(span, datetime.timedelta):
        return span.total_seconds()
    try:
        value = float(span)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: seconds or a timedelta, not {span!r}") from None
    if value != value:
        raise InvalidArgumentError(f"{name}: not a number")
    return value


def optional_seconds(name: str, span: Optional[Seconds]) -> Optional[float]:
    return None if span is None else seconds(name, span)


def texts(name: str, items: Sequence[str]) -> List[str]:
    """A list of strings; a single string in its place is a mistake that would go unnoticed."""
    if isinstance(items, str):
        raise InvalidArgumentError(f"{name}: a list of strings, not a string")
    return list(items)


def run_ref(run: RunLike, project: Optional[str] = None) -> _core.RunRef:
    """Names one run; a rank's project falls back to SIGNALBOX_PROJECT."""
    if run is None:
        return _unnamed_run(project)
    run_id = getattr(run, "id", None)
    if isinstance(run_id, str):
        return _core.RunRef(run_id, project or "", 0)
    if isinstance(run, str) and not (run.isascii() and run.isdigit()):
        if not run:
            raise InvalidArgumentError("run: required")
        return _core.RunRef(run, project or "", 0)
    if isinstance(run, bool) or not isinstance(run, (str, SupportsIndex)):
        raise InvalidArgumentError(f"run: an id, a rank or a Run, not a {type(run).__name__}")
    rank = int(run) if isinstance(run, str) else operator.index(run)
    if not 0 < rank < 2**63:
        raise InvalidArgumentError(f"run: {rank} is not a rank")
    project = project or os.environ.get("SIGNALBOX_PROJECT")
    if not project:
        raise InvalidArgumentError(f"run: rank {rank} needs a project")
    return _core.RunRef("", project, rank)


def _unnamed_run(project: Optional[str]) -> _core.RunRef:
    if project:
        raise InvalidArgumentError("run: required with a project")
    current = _current.run()
    return _core.run_from_environment() if current is None else _core.RunRef(current.id, "", 0)
