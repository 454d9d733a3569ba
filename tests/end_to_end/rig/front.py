"""A TCP front of a server whose first connections are of no use."""

import socket
import threading


class BrokenFront:
    """Closes the first `broken` connections at once, and passes on those after them; a context manager."""

    def __init__(self, target, broken):
        host, port = target.split(":")
        self._target, self._broken = (host, int(port)), broken
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # It was closed.
                return
            self.connections += 1
            if self.connections <= self._broken:
                connection.close()
                continue
            server = socket.create_connection(self._target)
            for source, sink in ((connection, server), (server, connection)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass_on(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # The other direction broke.
            pass

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
