"""Signalbox sends messages to running training jobs, and receives them there.

In the training job:

    import signalbox as sb

    with sb.Run(project="org/name") as run:
        for step in range(1000):
            message = sb.get_message(key="learning-rate")
            if message:
                message.ack()
                rate = message.value

and from anywhere else:

    sb.publish_message(run=438, project="org/name", key="learning-rate", value=0.001)
"""

from importlib.metadata import version as _version

from . import aio, groups
from ._arguments import Value
from ._core import KeyDeclaration, Message, RunInfo
from .client import AckResult, Client, PublishRequest, PublishResult
from .enums import AckOutcome, ConnectionState, Kind, MessageState, RunOutcome, RunState
from .errors import (AlreadyExistsError, DeadlineExceededError, FailedPreconditionError, InternalError,
                     InvalidArgumentError, NotFoundError, OutOfRangeError, PermissionDeniedError,
                     ResourceExhaustedError, SignalboxError, UnauthenticatedError, UnavailableError)
from .functional import configure, dispatch, get_all_messages, get_message, on, publish_message
from .groups import Group
from .inbox import Handler, Inbox, InboxStatus
from .later import LATER
from .run import Run, attach, current_run

__version__ = _version("signalbox")

__all__ = [
    "AckOutcome", "AckResult", "AlreadyExistsError", "Client", "ConnectionState", "DeadlineExceededError",
    "FailedPreconditionError", "Group", "Handler", "Inbox", "InboxStatus", "InternalError", "InvalidArgumentError",
    "KeyDeclaration", "Kind", "LATER", "Message", "MessageState", "NotFoundError", "OutOfRangeError",
    "PermissionDeniedError", "PublishRequest", "PublishResult", "ResourceExhaustedError", "Run", "RunInfo",
    "RunOutcome", "RunState", "SignalboxError", "UnauthenticatedError", "UnavailableError", "Value", "aio", "attach",
    "configure", "current_run", "dispatch", "get_all_messages", "get_message", "groups", "on", "publish_message",
]
