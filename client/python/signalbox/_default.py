"""The client that functions use when they are not given one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from .client import Client

_lock = threading.Lock()
_options: Dict[str, Any] = {}
_client: "Optional[Client]" = None


def client() -> "Client":
    """Made at its first use, from what `configure()` was given and from the environment."""
    global _client
    made = _client
    if made is not None:
        return made
    from .client import Client

    with _lock:
        if _client is None:
            _client = Client(**_options)
        return _client


def replace(options: Dict[str, Any]) -> None:
    """Checks the options by making a client of them, which becomes the default."""
    global _client, _options
    from .client import Client

    made = Client(**options)
    with _lock:
        _client, _options = made, options


def start_anew_in_child() -> None:
    """A client does not work across a fork."""
    global _client, _lock
    _lock = threading.Lock()
    _client = None
