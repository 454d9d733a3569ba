"""What the package raises. Every error is a `SignalboxError` and has the `code` of the status that it
stands for; its text is the status's text."""

from __future__ import annotations

from typing import Dict, Type


class SignalboxError(Exception):
    """A call that failed. `code` is the status code's name, such as "NOT_FOUND"."""

    code: str = "UNKNOWN"


class InvalidArgumentError(SignalboxError, ValueError):
    """Bad input; the text names the field and its limit."""

    code = "INVALID_ARGUMENT"


class NotFoundError(SignalboxError):
    """There is no such run or message."""

    code = "NOT_FOUND"


class AlreadyExistsError(SignalboxError):
    """A request id or a run id was used before with other content."""

    code = "ALREADY_EXISTS"


class FailedPreconditionError(SignalboxError):
    """The run ended, the message is not pending, the inbox is closed, no run was given, and the like."""

    code = "FAILED_PRECONDITION"


class ResourceExhaustedError(SignalboxError):
    """A run has too many pending messages or declared keys, or too many acks are under way."""

    code = "RESOURCE_EXHAUSTED"


class OutOfRangeError(SignalboxError):
    """A cursor that can no longer be honoured."""

    code = "OUT_OF_RANGE"


class UnauthenticatedError(SignalboxError):
    """The server does not know who calls."""

    code = "UNAUTHENTICATED"


class PermissionDeniedError(SignalboxError):
    """The caller may not do that."""

    code = "PERMISSION_DENIED"


class UnavailableError(SignalboxError, ConnectionError):
    """The server cannot be reached. The effect may or may not have happened."""

    code = "UNAVAILABLE"


class DeadlineExceededError(SignalboxError, TimeoutError):
    """No answer in time. The effect may or may not have happened."""

    code = "DEADLINE_EXCEEDED"


class InternalError(SignalboxError):
    """A defect of the server or of the library."""

    code = "INTERNAL"


_BY_CODE: Dict[str, Type[SignalboxError]] = {kind.code: kind for kind in (
    InvalidArgumentError, NotFoundError, AlreadyExistsError, FailedPreconditionError, ResourceExhaustedError,
    OutOfRangeError, UnauthenticatedError, PermissionDeniedError, UnavailableError, DeadlineExceededError,
    InternalError)}


def error_for(code: str, text: str) -> SignalboxError:
    """The error that stands for a status."""
    error = _BY_CODE.get(code, SignalboxError)(text)
    error.code = code
    return error
