"""Waiting for a condition with a deadline, and doing things at the same time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


def eventually(condition, timeout=10.0, interval=0.02, what="the condition"):
    """Returns the first true result of `condition()`; fails when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what} did not hold within {timeout} s; last: {result!r}"
        time.sleep(interval)


def at_once(functions, timeout=60.0):
    """Runs the functions in threads that start together; returns their results in order."""
    gate = threading.Barrier(len(functions))

    def start(function):
        gate.wait(timeout)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        futures = [pool.submit(start, function) for function in functions]
        return [future.result(timeout) for future in futures]


class Background:
    """One call that runs in a thread; `result()` waits for it and raises what it raised."""

    def __init__(self, function):
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(function)
        self._pool.shutdown(wait=False)

    def done(self):
        return self._future.done()

    def result(self, timeout=20.0):
        return self._future.result(timeout)
