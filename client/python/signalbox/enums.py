"""Names that calls take and give. Each is a string too: `message.state == "APPLIED"` holds."""

from __future__ import annotations

import enum


class _Name(str, enum.Enum):
    def __str__(self) -> str:
        return str(self.value)


class Kind(_Name):
    """Whether every message of a key counts, or only the newest."""

    UNSPECIFIED = "UNSPECIFIED"
    COMMAND = "COMMAND"
    SETTING = "SETTING"


class MessageState(_Name):
    """Life of a message: PENDING, ACKED, then one of the final ones; or PENDING and then a final one."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    ACKED = "ACKED"
    APPLIED = "APPLIED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    UNDELIVERED = "UNDELIVERED"


class AckOutcome(_Name):
    """What a consumer made of a message."""

    APPLIED = "APPLIED"
    FAILED = "FAILED"


class RunState(_Name):
    """Whether messages can be sent to a run."""

    UNSPECIFIED = "UNSPECIFIED"
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class RunOutcome(_Name):
    """How a run ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class ConnectionState(_Name):
    """How an inbox learns of messages right now.

    CONNECTING: no answer yet. STREAMING: the stream is open and synced. POLLING: the stream is not
    healthy, the inbox refreshes every few seconds. STALE: neither works, what it holds may be old.
    ENDED: the run ended. CLOSED: closed, or a forked child that did not reopen it.
    """

    CONNECTING = "CONNECTING"
    STREAMING = "STREAMING"
    POLLING = "POLLING"
    STALE = "STALE"
    ENDED = "ENDED"
    CLOSED = "CLOSED"
