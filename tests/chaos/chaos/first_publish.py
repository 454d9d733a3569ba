"""How long it takes until every replica stores messages again."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

from rig.client import Client

_PAUSE = 0.02  # Between two attempts.
_ATTEMPT = 1.0  # Seconds; a server has given up on what it tried before long.
_SLACK = 10  # Seconds that a busy machine may take besides.
_NOT_YET = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class FirstPublish:
    """One client of each replica, with a run of its own, beside all other traffic; a context manager."""

    def __init__(self, scene):
        self._scene = scene
        self._slowest = 0.0
        self._clients = [Client(replica.server.address) for replica in scene.cluster.replicas]
        self._runs = [client.create_run() for client in self._clients]
        self._requests = itertools.count(1)
        self._pool = ThreadPoolExecutor(len(self._clients))

    def seconds(self, timeout=60):
        """From now until each replica has stored a message that was not sent before."""
        began, request_id = time.monotonic(), f"first-{next(self._requests)}"

        def publish(client, run):
            while True:
                try:
                    client.publish(run, request_id=request_id, timeout=_ATTEMPT)
                    return time.monotonic() - began
                except grpc.RpcError as error:
                    if error.code() not in _NOT_YET or time.monotonic() > began + timeout:
                        raise
                time.sleep(_PAUSE)

        seconds = max(self._pool.map(publish, self._clients, self._runs))
        self._slowest = max(self._slowest, seconds)
        return seconds

    def slowest(self, at_most):
        """Of all times, as it is told; and judges it."""
        name = "slowest first publish, s"
        self._scene.limit(name, self._slowest, at_most, _SLACK)
        return {name: round(self._slowest, 2)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown()
        for client in self._clients:
            client.close()
