"""The `signalbox` command, which is the C++ one."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from . import _core


def main() -> NoReturn:
    """Runs one command of `sys.argv` and exits with its status."""
    # Python's own handlers would only be run when the command is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(_core.main(["signalbox", *map(os.fsencode, sys.argv[1:])]))
