"""The owner's end of the proxy process: edges between processes, and what can be done to them."""

import json
import subprocess
import sys
import threading


class Proxy:
    """Starts the proxy process and commands it. May be used by several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._process = subprocess.Popen([sys.executable, "-m", "chaos.proxy"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def _command(self, command, **arguments):
        with self._lock:
            self._process.stdin.write(json.dumps([command, arguments]) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, f"the proxy ended with {self._process.wait(10)}"
        return json.loads(answer)

    def edge(self, name, host, port):
        """Makes an edge that passes to host:port; returns its handle."""
        return Edge(self, name, self._command("edge", name=name, target=[host, port]))

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


class Edge:
    """One edge of a `Proxy`; `port` is where it listens."""

    def __init__(self, proxy, name, port):
        self._proxy, self.name, self.port = proxy, name, port
        self.address = f"127.0.0.1:{port}"

    def set(self, **settings):
        self._proxy._command("set", name=self.name, **settings)

    def heal(self):
        """As at the beginning; the target stays."""
        self.set(refuse=False, freeze=[], drop_replies=False, delay=0, rate=0)

    def end(self, how, share=1.0, seed=0):
        return self._proxy._command("end", name=self.name, how=how, share=share, seed=seed)

    def trap(self, text, pid, at, after=None):
        self._proxy._command("trap", name=self.name, text=text, pid=pid, at=at, after=after)

    def state(self):
        return self._proxy._command("state", name=self.name)
