"""HAProxy as people put it before a server: it speaks HTTP/2, and can tell streams from calls."""

import os
import subprocess
import tempfile

from rig.parting import ended_with_parent
from rig.postgres import free_port

_CONFIG = """
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend clients
  bind 127.0.0.1:{port} proto h2
  acl stream path /signalbox.v1.MessageService/Subscribe
  {rule}
  use_backend streams if stream
  default_backend calls
backend calls
  server calls {calls} proto h2
backend streams
  server streams {streams} proto h2
"""


class Gateway:
    """A context manager. `address` is for clients; `front` and `streams` are edges before it, and behind it for the
    streams alone. With `denies_streams` it answers to them by itself that they are forbidden."""

    def __init__(self, cluster, replica, name, denies_streams=False):
        port = free_port()
        self.front = cluster.proxy.edge(f"{name}-front", "127.0.0.1", port)
        self.streams = cluster.proxy.edge(f"{name}-streams", *replica.server.address.split(":"))
        self.address = self.front.address
        self._config = tempfile.NamedTemporaryFile("w", suffix=".cfg", dir=cluster.directory)
        self._config.write(_CONFIG.format(port=port, calls=replica.server.address, streams=self.streams.address,
                                          rule="http-request deny if stream" if denies_streams else ""))
        self._config.flush()
        with open(os.path.join(cluster.directory, f"{name}.log"), "wb") as log:
            self._process = subprocess.Popen(
                ended_with_parent("TERM", ["haproxy", "-db", "-f", self._config.name]), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
        self._config.close()
