"""Calls in daemon threads: they can be abandoned, by Ctrl-C, by a cancelled task, or at exit."""

from __future__ import annotations

import os
import queue
import sys
import threading
from concurrent.futures import Future
from typing import Any, Callable, Tuple, TypeVar

T = TypeVar("T")
_Job = Tuple["Future[Any]", Callable[[], Any]]


def _run(future: "Future[T]", function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:  # The caller gets it, whatever it is.
        future.set_exception(error)


def start(function: Callable[[], T]) -> "Future[T]":
    """Runs the function in a thread of its own."""
    future: "Future[T]" = Future()
    threading.Thread(target=_run, args=(future, function), name="signalbox-call", daemon=True).start()
    return future


def interruptible(function: Callable[[], T]) -> T:
    """Runs the function and waits for it; on the main thread so that Ctrl-C ends the waiting.

    Python only hears signals on the main thread, and not while that waits inside of the library.
    What was interrupted goes on in the background until its deadline.
    """
    # While the interpreter ends a new thread never comes to run, and starting one would wait for that.
    if threading.current_thread() is not threading.main_thread() or sys.is_finalizing():
        return function()
    try:
        future = start(function)
    except RuntimeError:  # No thread can be had.
        return function()
    try:
        return future.result()
    finally:
        del future  # Its exception refers to this frame.


class Pool:
    """A few threads, started when they are needed, that never keep the program from ending."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._jobs: "queue.SimpleQueue[_Job]" = queue.SimpleQueue()
        self._threads = 0
        self._open = 0

    def submit(self, function: Callable[[], T]) -> "Future[T]":
        """Runs the function in one of the threads, when one is free."""
        if self._pid != os.getpid():  # A forked child has none of the threads.
            self._reset()
        future: "Future[T]" = Future()
        with self._lock:
            self._jobs.put((future, function))
            self._open += 1
            if self._open > self._threads and self._threads < self._size:
                threading.Thread(target=self._work, name="signalbox-pool", daemon=True).start()
                self._threads += 1
        return future

    def _work(self) -> None:
        while True:
            future, function = self._jobs.get()
            _run(future, function)
            del future, function
            with self._lock:
                self._open -= 1
