"""One logical subscriber of one run: reads, stops reading, is cut off, and goes on elsewhere with its cursor, or
with that of a GetAll."""

import asyncio
import contextlib
import itertools

import grpc
from signalbox.v1 import message_service_pb2, run_pb2

from chaos.calls import state_name
from chaos.history import now, seen

_SILENCE = 15  # Seconds after which a stream is given up.
_STUCK = 12  # Seconds in which an open stream comes to the head when nothing happens; a heartbeat takes 5.
_FROM_GET_ALL = 0.05  # Of all streams.
_numbers = itertools.count(1)


class Subscriber:
    """Follows a run to its end, or until `settle()`.

    `stay`: seconds on one stream at most; `slow`: between two events; `stalls`: it stops at times, for so many seconds
    at most. `on_message(message)` is told of messages until then.
    """

    def __init__(self, calls, history, rng, run, process, on_message, stay=15.0, slow=0.0, stalls=0.0, keys=()):
        self.run = run
        self.name = f"{process}-{next(_numbers)}"
        self._calls, self._history, self._rng = calls, history, rng
        self._slow, self._stalls, self._keys = slow, stalls, list(keys)
        self._on_message, self._stay = on_message, stay
        self._cursor = ""
        self._connections = {}
        self._streams = itertools.count(1)
        self._target = None  # Head of the run, when it is time to settle.
        self._settling = asyncio.Event()
        self._settled = False
        self.ended = False  # The run has.

    async def follow(self):
        """Until the run has ended, or after `settle()`."""
        try:
            while not (self.ended or self._settled):
                if not self._keys and self._target is None and self._rng.random() < _FROM_GET_ALL:
                    await self._begin_from_get_all()
                await self._stream(self._rng.uniform(self._stay / 30, self._stay))
                await asyncio.sleep(self._rng.uniform(0, 0.1))
            self._history.write("settled", t=now(), subscriber=self.name)
        finally:
            await self._forget_connections()

    def settle(self, head):
        """Everything is healed and quiet: the open stream must come to the run's head, and then `follow()` ends with
        one more that resumes from there."""
        self._target = head
        self._settling.set()

    async def _forget_connections(self):
        for channel, _ in self._connections.values():
            await channel.close()
        self._connections.clear()

    async def _begin_from_get_all(self):
        """Forgets its cursor and takes what a GetAll shows, with the cursor of that. For the history this is a stream
        that showed it, and came to no end of which it could say that it is synced."""
        began = now()
        out, _, response = await self._calls.get_all(self.run)
        if out != "ok" or response.next_page_token:
            return
        self._cursor = ""
        stream = self._write_open(began, "GetAll", slow=True)  # Its messages tell nothing of how fast streams are.
        for message in response.messages:
            self._write_message(stream, message)
        head = response.messages[-1].sequence if response.messages else 0
        self._write_progress(stream, response.cursor, head=head, synced=False, stale=False, server=0)
        self._history.write("closed", t=now(), stream=stream, code="OK", details="")

    async def _stream(self, seconds):
        """One stream for about so long; when the time to settle has come, until it is where the run is."""
        edge = self._calls.any_edge()
        if edge not in self._connections:
            self._connections[edge] = self._calls.connect(edge)
        request = message_service_pb2.SubscribeRequest(run=run_pb2.RunRef(id=self.run), consumer=self.name,
                                                       cursor=self._cursor, keys=self._keys)
        stream = self._write_open(now(), edge, slow=bool(self._slow or self._stalls))
        call = self._connections[edge][1]["Subscribe"](request)
        code, details = "LEFT", ""
        try:
            code = await self._read(call, stream, asyncio.get_running_loop().time() + seconds)
        except TimeoutError:
            code = "SILENT"
        except grpc.aio.AioRpcError as error:
            code, details = error.code().name, error.details()
            if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                self._cursor = ""
        finally:
            call.cancel()
            self._history.write("closed", t=now(), stream=stream, code=code, details=details)

    async def _read(self, call, stream, until):
        """Returns how it ended."""
        clock = asyncio.get_running_loop().time
        last_stretch = self._target is not None  # A stream that began when all was quiet.
        stuck_at = None
        while True:
            if self._target is None and clock() > until:
                return "LEFT"
            async with asyncio.timeout(_SILENCE):
                event = await call.read()
            if event is grpc.aio.EOF:
                return (await call.code()).name
            self._write(stream, event)
            if self._target is not None:
                stuck_at = stuck_at or clock() + _STUCK
                if event.WhichOneof("event") == "progress" and not event.progress.stale and event.progress.synced:
                    if event.progress.head_sequence >= self._target:
                        self._settled = last_stretch
                        return "LEFT"
                if clock() > stuck_at:
                    self._history.write("stuck", t=now(), stream=stream, head=self._target)
                    return "LEFT"
            await self._dawdle()

    def _write_open(self, instant, edge, slow):
        """Returns the name of the new stream."""
        stream = f"{self.name}/{next(self._streams)}"
        self._history.write("open", t=instant, at=edge, run=self.run, subscriber=self.name, stream=stream,
                            keys=self._keys, slow=slow, resumed=bool(self._cursor))
        return stream

    def _write_message(self, stream, message):
        self._history.write("message", t=now(), stream=stream, seen=seen(message))
        if self._target is None:
            self._on_message(message)

    def _write_progress(self, stream, cursor, **fields):
        self._history.write("progress", t=now(), stream=stream, moved=cursor != self._cursor, **fields)
        self._cursor = cursor

    def _write(self, stream, event):
        kind = event.WhichOneof("event")
        if kind == "message":
            self._write_message(stream, event.message)
        elif kind == "withdrawn":
            withdrawn = event.withdrawn
            self._history.write("withdrawn", t=now(), stream=stream, id=withdrawn.message_id,
                                state=state_name(withdrawn.state), consumer=withdrawn.consumer)
        elif kind == "progress":
            progress = event.progress
            self._write_progress(stream, progress.cursor, head=progress.head_sequence, synced=progress.synced,
                                 stale=progress.stale, server=progress.server_time.ToNanoseconds())
        elif kind == "run_ended":
            self._history.write("run_ended", t=now(), stream=stream)
            self.ended = True

    async def _dawdle(self):
        if self._target is not None:
            return
        if self._slow:
            await asyncio.sleep(self._slow * self._rng.random())
        if self._stalls and self._rng.random() < 0.002:
            await self._stop_reading(2 + (self._stalls - 2) * self._rng.random() ** 2)

    async def _stop_reading(self, seconds):
        """Unless it is time to settle."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settling.wait()
