"""Running signalbox_bench."""

import json
import os
import subprocess

from rig.parting import ended_with_parent

_MISSING = 3  # Its exit status when it was built without a library.
_LONGEST = 600


class Missing(Exception):
    """A rival, or a part of it, is not installed."""


class Failed(Exception):
    """A measurement did not work."""


def command(subcommand, **options):
    """The command line: `server_pid=7` is --server-pid 7, and True is a flag."""
    words = [os.environ["SIGNALBOX_BENCH"], subcommand]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        words += [flag] if value is True else [flag, str(value)]
    return ended_with_parent("TERM", words)


def result_of(status, output, errors):
    if status == _MISSING:
        raise Missing(errors.strip().rsplit(": ", 1)[-1])
    if status != 0:
        raise Failed(errors.strip()[-300:] or f"exit status {status}")
    result = json.loads(output)
    result.get("settings", {}).pop("--database-url", None)  # A path that is of no use to others.
    return result


def measure(subcommand, **options):
    """Runs one measurement to its end and returns what it printed."""
    try:
        done = subprocess.run(command(subcommand, **options), capture_output=True, text=True, timeout=_LONGEST,
                              stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"not over within {_LONGEST} s") from error
    return result_of(done.returncode, done.stdout, done.stderr)
