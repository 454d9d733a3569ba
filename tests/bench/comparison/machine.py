"""On what, with which versions, and when something was measured."""

import datetime
import os
import platform
import re
import subprocess

from comparison.program import Missing
from comparison.rivals import find_program
from rig.postgres import binary

_VERSION = re.compile(r"v?\d+\.\d+[\w.+-]*")


def _version(program, *arguments):
    try:
        path = program if program.startswith("/") else find_program(program)
    except Missing:
        return "not installed"
    said = subprocess.run([path, *arguments], capture_output=True, text=True, check=False).stdout
    found = _VERSION.search(said)
    return found[0] if found else "unknown"


def _line(path, pattern):
    with open(path) as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found[1] if found else "unknown"


def facts():
    """By name, as text."""
    here = os.path.dirname(os.path.abspath(__file__))
    commit = subprocess.run(["git", "-C", here, "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False).stdout.strip()
    gigabytes = int(_line("/proc/meminfo", r"^MemTotal:\s+(\d+)")) / 1e6
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "Signalbox": commit or "unknown",
        "processors": f"{os.cpu_count()} × {_line('/proc/cpuinfo', r'^model name.*: (.+)$')}",
        "memory": f"{gigabytes:.0f} GB",
        "system": f"{_line('/etc/os-release', r'^PRETTY_NAME=.(.+).$')}, Linux {platform.release()}",
        "Postgres": _version(binary("postgres"), "--version"),
        "etcd": _version("etcd", "--version"),
        "NATS": _version("nats-server", "--version"),
        "Redis": _version("redis-server", "--version"),
    }
