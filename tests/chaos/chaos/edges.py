"""The owner's end of the proxy process: edges between processes, and what can be done to them. What is set of an edge
goes into the history: a network that carries nothing may make a stream silent."""

import json
import subprocess
import sys
import threading

from chaos.history import now


class Proxy:
    """Starts the proxy process and commands it. May be used by several threads."""

    def __init__(self, history):
        self._history = history
        self._lock = threading.Lock()
        self._process = subprocess.Popen([sys.executable, "-m", "chaos.proxy"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def command(self, command, **arguments):
        with self._lock:
            return self._exchange(command, arguments)

    def _exchange(self, command, arguments):
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the proxy ended with {self._process.wait(10)}"
        return json.loads(answer)

    def set(self, edge, settings):
        with self._lock:
            began = now()
            self._exchange("set", {"name": edge, **settings})
            self._history.write("edge", t0=began, t1=now(), edge=edge, **settings)

    def edge(self, name, host, port):
        """Makes an edge that passes to host:port; returns its handle."""
        return Edge(self, name, self.command("edge", name=name, target=[host, port]))

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


class Edge:
    """One edge of a `Proxy`; `port` is where it listens."""

    def __init__(self, proxy, name, port):
        self._proxy, self.name, self.port = proxy, name, port
        self.address = f"127.0.0.1:{port}"

    def set(self, **settings):
        self._proxy.set(self.name, settings)

    def heal(self):
        """As at the beginning; the target stays."""
        self.set(refuse=False, freeze=[], drop_replies=False, delay=0, rate=0)

    def end(self, how, share=1.0, seed=0):
        return self._proxy.command("end", name=self.name, how=how, share=share, seed=seed)

    def trap(self, text, pid, at, after=None):
        self._proxy.command("trap", name=self.name, text=text, pid=pid, at=at, after=after)

    def state(self):
        return self._proxy.command("state", name=self.name)
