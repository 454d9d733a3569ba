"""A subscription that is read in the background and can be asked what came."""

import threading
import time

import grpc


class Stream:
    """Collects the events of one Subscribe call in order of arrival.

    `events` holds (arrival by time.monotonic(), SubscribeResponse); after the end, `code` holds the
    status. All methods may be called while events arrive.
    """

    def __init__(self, call):
        self._call = call
        self._changed = threading.Condition(threading.RLock())
        self.events = []
        self.code = None
        self.details = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        code, details = grpc.StatusCode.OK, ""
        try:
            for response in self._call:
                with self._changed:
                    self.events.append((time.monotonic(), response))
                    self._changed.notify_all()
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
        with self._changed:
            self.code, self.details = code, details
            self._changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._call.cancel()
        self._reader.join(10)

    # What came so far.

    def _all(self, kind):
        with self._changed:
            return [getattr(event, kind) for _, event in self.events if event.WhichOneof("event") == kind]

    def messages(self):
        return self._all("message")

    def sequences(self):
        return [message.sequence for message in self.messages()]

    def withdrawn(self):
        return self._all("withdrawn")

    def progress(self):
        return self._all("progress")

    def kinds(self):
        with self._changed:
            return [event.WhichOneof("event") for _, event in self.events]

    # Waiting.

    def event(self, index, timeout=10.0):
        """The event of that number, or None when there is none in time or the stream ended before."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.events) > index or self.code is not None, timeout)
            return self.events[index][1] if len(self.events) > index else None

    def wait(self, condition, timeout=10.0, what="the expected events"):
        """Waits for a true `condition()`, asked after every event, and returns its result."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                result = condition()
                if result:
                    return result
                left = deadline - time.monotonic()
                assert left > 0 and self.code is None, (
                    f"{what} not within {timeout} s; ended: {self.code} {self.details}; "
                    f"{len(self.events)} events, last: {[str(e)[:200] for _, e in self.events[-6:]]}")
                self._changed.wait(left)

    def synced(self, head=0, timeout=10.0):
        """Waits for a synced progress whose position is at least `head`, and returns it."""
        return self.wait(lambda: next((p for p in self.progress() if p.synced and p.head_sequence >= head), None),
                         timeout, f"a synced progress at {head}")

    def message_with(self, message_id, timeout=10.0):
        return self.wait(lambda: next((m for m in self.messages() if m.id == message_id), None),
                         timeout, f"message {message_id}")

    def withdrawal_of(self, message_id, timeout=10.0):
        return self.wait(lambda: next((w for w in self.withdrawn() if w.message_id == message_id), None),
                         timeout, f"withdrawal of {message_id}")

    def end(self, timeout=10.0):
        """Waits for the end of the stream and returns its status code."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self.code is None:
                left = deadline - time.monotonic()
                assert left > 0, f"the stream did not end within {timeout} s; it said {self.kinds()[-6:]}"
                self._changed.wait(left)
            return self.code
