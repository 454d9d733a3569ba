"""The `signalbox` command as a process."""

import json
import os
import subprocess

from rig.server import environment


class Cli:
    """Runs the real command against one server; the environment holds nothing else of Signalbox."""

    def __init__(self, address):
        self._binary = os.environ.get("SIGNALBOX")
        assert self._binary and os.access(self._binary, os.X_OK), "SIGNALBOX must name the command's binary"
        self.address = address

    def run(self, *arguments, timeout=30, env=None):
        """Returns the finished process, whatever its exit status."""
        return subprocess.run([self._binary, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, env=self._environment(env))

    def ok(self, *arguments, **options):
        """Output of a command that must succeed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments, **options):
        """The JSON document that a command prints with --json."""
        return json.loads(self.ok(*arguments, "--json", **options))

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL):
        """Starts a command that keeps running; the caller ends it."""
        return subprocess.Popen([self._binary, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, stdin=stdin, env=self._environment(env))

    def _environment(self, extra):
        return environment(**{"SIGNALBOX_ADDRESS": self.address, **(extra or {})})
