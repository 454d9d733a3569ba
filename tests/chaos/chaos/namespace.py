"""A network of its own for a client: a namespace and the cable between it and everybody else."""

import contextlib
import os
import subprocess


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


class Namespace:
    """A context manager; needs root. `host` is this machine's address on the cable, and `prefix` a command that
    executes another one in the namespace."""

    def __init__(self):
        pid = os.getpid()
        self._name = f"signalbox-{pid}"
        self._ends = {"host": f"sbh{pid}", "client": f"sbc{pid}"}
        network = f"198.18.{pid // 64 % 256}.{pid % 64 * 4}"  # Meant for tests of networks.
        base, last = network.rsplit(".", 1)
        self.host, self._client = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
        self.prefix = ("ip", "netns", "exec", self._name)

    def __enter__(self):
        try:
            host, client = self._ends["host"], self._ends["client"]
            _ip("netns", "add", self._name)
            _ip("link", "add", host, "type", "veth", "peer", "name", client, "netns", self._name)
            _ip("address", "add", f"{self.host}/30", "dev", host)
            _ip("-n", self._name, "address", "add", f"{self._client}/30", "dev", client)
            self.set("host", "up")
            self.set("client", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def set(self, end, state):
        """Sets the `host` or the `client` end of the cable `up` or `down`."""
        _ip(*(["-n", self._name] if end == "client" else []), "link", "set", self._ends[end], state)

    def __exit__(self, *_):
        for what in (("link", "delete", self._ends["host"]), ("netns", "delete", self._name)):
            with contextlib.suppress(AssertionError):  # It may never have come to be.
                _ip(*what)
