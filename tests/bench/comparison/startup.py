"""How long starts take: the server's on an existing cluster, and Postgres's own."""

import os
import socket
import struct
import time

from rig.postgres import PostgresCluster
from rig.server import SERVING

_LONGEST = 60
_POLL = 0.001


def _wait(is_there):
    deadline = time.monotonic() + _LONGEST
    while not is_there():
        assert time.monotonic() < deadline, f"no start within {_LONGEST} s"
        time.sleep(_POLL)


def _listens(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False


def time_server_start(server):
    """Seconds from the start of a stopped server until it answers that it serves."""
    begin = time.monotonic()
    server.start(wait=False)
    _wait(lambda: _listens(server.address))
    _wait(lambda: server.health() == SERVING)
    return time.monotonic() - begin


class TimedCluster(PostgresCluster):
    """A cluster with the settings of the embedded one; its start is over when a session begins."""

    def __init__(self):
        super().__init__(listen_addresses="", max_connections=50, shared_buffers="512MB", max_wal_size="2GB",
                         checkpoint_timeout="30min")

    def _accepts(self):
        _wait(self._begins_session)
        return True

    def _begins_session(self):
        # The start of the protocol, which costs less than a psql.
        parameters = b"user\0signalbox\0database\0postgres\0\0"
        message = struct.pack(">II", 8 + len(parameters), 3 << 16) + parameters
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(os.path.join(self.directory, f".s.PGSQL.{self.port}"))
                connection.sendall(message)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def time_start(self):
        """Seconds until it takes sessions."""
        begin = time.monotonic()
        self.start()
        return time.monotonic() - begin

    def close(self):
        self.remove()
