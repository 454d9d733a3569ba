"""Checks what publishers send, and turns what frameworks return into what a reply can carry."""

from __future__ import annotations

import math
import os
import reprlib
from typing import Any, Mapping

#: Numbers are doubles on the wire.
_LARGEST_EXACT_INT = 2**53
#: Bytes.
_LONGEST_ERROR = 1024

_shorten = reprlib.Repr()
_shorten.maxstring = _shorten.maxother = 60


def refusal(key: str, value: Any, expected: str) -> ValueError:
    """The error that tells a publisher what was wrong."""
    kind = "null" if value is None else f"{_shorten.repr(value)} ({type(value).__name__})"
    return ValueError(f"{key}: {expected} is expected, not {kind}")


def positive(key: str, value: Any) -> float:
    """A finite number above 0; raises ValueError."""
    if not _is_number(value) or value <= 0:
        raise refusal(key, value, "a number above 0")
    return float(value)


def not_negative(key: str, value: Any) -> float:
    """A finite number, 0 or above; raises ValueError."""
    if not _is_number(value) or value < 0:
        raise refusal(key, value, "a number of at least 0")
    return float(value)


def was_brought_back(before: float, wished: float, now: float) -> bool:
    """Whether a rate is nearer to what it was before than to what was wished for."""
    if min(before, wished, now) <= 0:
        return False
    return abs(math.log(now / before)) < abs(math.log(now / wished))


def like(key: str, value: Any, present: Any) -> Any:
    """A value of the type that the setting has now; raises ValueError."""
    if isinstance(present, bool):
        if not isinstance(value, bool):
            raise refusal(key, value, "true or false")
    elif isinstance(present, int):
        if not _is_number(value) or value != int(value):
            raise refusal(key, value, "a whole number")
        return int(value)
    elif isinstance(present, float):
        if not _is_number(value):
            raise refusal(key, value, "a number")
        return float(value)
    elif isinstance(present, str):
        if not isinstance(value, str):
            raise refusal(key, value, "a string")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any) -> Any:
    """Numbers of NumPy and of tensors, paths and what is in containers, as plain values.

    What a reply cannot carry becomes text: NaN, infinity, large ints, objects.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_EXACT_INT else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    try:
        return plain(value.item())
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return str(value)


def as_error(text: str) -> str:
    """What of a text the error of a receipt can hold: UTF-8, and at most 1 KiB."""
    return text.encode("utf-8", "replace")[:_LONGEST_ERROR].decode("utf-8", "ignore")


def as_reply(value: Any, name: str) -> Any:
    """What a function of the program returned, as a reply: a dict as it is, else under `name`."""
    reply = plain(value)
    return reply if reply is None or isinstance(reply, dict) else {name: reply}
