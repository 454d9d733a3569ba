"""One logical subscriber of one run: reads, stops reading, is cut off, and goes on elsewhere with its cursor."""

import asyncio
import itertools

import grpc
from signalbox.v1 import message_service_pb2, run_pb2

from chaos.calls import state_name
from chaos.history import now, seen

_SILENCE = 15  # Seconds after which a stream is given up.
_numbers = itertools.count(1)


class Subscriber:
    """Follows a run until `settle()`. `slow`: seconds between two events; `stalls`: it sometimes stops for long.

    `on_message(message)` is told of every message event.
    """

    def __init__(self, calls, history, rng, run, process, slow=0.0, stalls=False, keys=(), on_message=None):
        self.run = run
        self.name = f"{process}-{next(_numbers)}"
        self.messages = 0
        self._calls, self._history, self._rng = calls, history, rng
        self._slow, self._stalls, self._keys = slow, stalls, list(keys)
        self._on_message = on_message
        self._cursor = ""
        self._connections = {}
        self._streams = itertools.count(1)
        self._settling = False
        self.ended = False

    async def follow(self):
        """Until the run ended, or the task is cancelled; call settle() afterwards."""
        try:
            while not self.ended:
                await self._stream(self._rng.uniform(0.5, 15))
                await asyncio.sleep(self._rng.uniform(0, 0.1))
        finally:
            await self._forget_connections()

    async def settle(self, timeout):
        """Goes on from the cursor until a synced progress, with the system healed and quiet."""
        self._settling = True
        try:
            async with asyncio.timeout(timeout):
                while not (self.ended or await self._stream(timeout)):
                    await asyncio.sleep(0.1)
            self._history.write("settled", t=now(), subscriber=self.name)
        finally:
            await self._forget_connections()

    async def _forget_connections(self):
        for channel, _ in self._connections.values():
            await channel.close()
        self._connections.clear()

    async def _stream(self, seconds):
        """One stream for about so long. Settling: returns True at its first synced progress."""
        edge = self._calls.any_edge()
        if edge not in self._connections:
            self._connections[edge] = self._calls.connect(edge)
        stream = f"{self.name}/{next(self._streams)}"
        request = message_service_pb2.SubscribeRequest(run=run_pb2.RunRef(id=self.run), consumer=self.name,
                                                       cursor=self._cursor, keys=self._keys)
        self._history.write("open", t=now(), at=edge, run=self.run, subscriber=self.name, stream=stream,
                            keys=self._keys, resumed=bool(self._cursor))
        call = self._connections[edge][1]["Subscribe"](request)
        code = "LEFT"
        until = asyncio.get_running_loop().time() + seconds
        try:
            while True:
                left = until - asyncio.get_running_loop().time()
                async with asyncio.timeout(min(max(left, 0.01), _SILENCE)):
                    event = await call.read()
                if event is grpc.aio.EOF:
                    code = (await call.code()).name
                    return False
                self._write(stream, event)
                if self._settling and event.WhichOneof("event") == "progress" and event.progress.synced:
                    return not event.progress.stale
                await self._dawdle()
        except TimeoutError:
            return False
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                self._cursor = ""
            return False
        finally:
            call.cancel()
            self._history.write("closed", t=now(), stream=stream, code=code)

    def _write(self, stream, event):
        kind = event.WhichOneof("event")
        if kind == "message":
            self.messages += 1
            self._history.write("message", t=now(), stream=stream, seen=seen(event.message))
            if self._on_message is not None and not self._settling:
                self._on_message(event.message)
        elif kind == "withdrawn":
            withdrawn = event.withdrawn
            self._history.write("withdrawn", t=now(), stream=stream, id=withdrawn.message_id,
                                state=state_name(withdrawn.state), consumer=withdrawn.consumer)
        elif kind == "progress":
            progress = event.progress
            self._history.write("progress", t=now(), stream=stream, head=progress.head_sequence,
                                synced=progress.synced, stale=progress.stale)
            self._cursor = progress.cursor
        elif kind == "run_ended":
            self._history.write("run_ended", t=now(), stream=stream)
            self.ended = True

    async def _dawdle(self):
        if self._settling:
            return
        if self._slow:
            await asyncio.sleep(self._slow * self._rng.random())
        if self._stalls and self._rng.random() < 0.002:
            await asyncio.sleep(self._rng.uniform(2, 8))
