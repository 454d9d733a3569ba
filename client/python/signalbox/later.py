"""What a handler returns when what it began is not over."""

from __future__ import annotations

import enum
from typing import Final, Literal


class Later(enum.Enum):
    """The type of `LATER`."""

    LATER = "LATER"

    def __repr__(self) -> str:
        return "signalbox.LATER"


#: A handler returns it to claim the message now and to settle it later, with
#: `message.ack("APPLIED", reply=…, step=…)` or `message.ack("FAILED", error=…, step=…)`.
LATER: Final[Literal[Later.LATER]] = Later.LATER
