"""Publishing in the background while faults happen, and the check of what was acknowledged."""

import threading

import grpc

from rig.client import Client
from rig.values import from_value
from rig.waiting import eventually


class Publishers:
    """Threads that publish until they are stopped, and remember what was acknowledged and what is in doubt."""

    IN_DOUBT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
                grpc.StatusCode.UNKNOWN)

    def __init__(self, address, run, count=4):
        self._run, self._lock, self._stop = run, threading.Lock(), threading.Event()
        self.acknowledged, self.in_doubt, self.definite_errors = {}, {}, []
        self._clients = [Client(address) for _ in range(count)]
        self._threads = [threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self, worker):
        for i in range(100_000):
            if self._stop.is_set():
                return
            key = f"{worker}.{i}"
            try:
                message = self._clients[worker].publish(self._run, value=key, request_id=key, timeout=5)
                with self._lock:
                    self.acknowledged[key] = message
            except grpc.RpcError as error:
                with self._lock:
                    if error.code() in self.IN_DOUBT:
                        self.in_doubt[key] = error
                    else:
                        self.definite_errors.append(error)

    def wait_for(self, count):
        eventually(lambda: len(self.acknowledged) >= count, 30, what=f"{count} acknowledged messages")

    def finish(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for client in self._clients:
            client.close()
        assert self.definite_errors == []

    def check(self, client):
        """Everything acknowledged is stored as it was answered, once; and the sequences are dense."""
        history = client.history(self._run)
        stored = {from_value(m.value): m for m in history}
        assert len(stored) == len(history), "a request id was stored twice"
        lost = {key for key, m in self.acknowledged.items() if stored.get(key) != m}
        assert not lost, f"{len(lost)} acknowledged messages are lost or changed"
        assert set(stored) <= self.acknowledged.keys() | self.in_doubt.keys()
        assert sorted(m.sequence for m in history) == list(range(1, len(history) + 1))
        for key in list(self.in_doubt)[:20]:  # A repeat settles what was in doubt.
            message = client.publish(self._run, value=key, request_id=key)
            assert key not in stored or stored[key] == message
