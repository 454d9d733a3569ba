"""A TCP proxy that breaks connections in the ways networks do: `python3 -m chaos.proxy`.

One process holds all edges. It reads one JSON command a line on standard input and answers each with one
line; `chaos.edges` is the other end of that. An edge listens on a loopback port and passes to its target:

- refuse: nobody listens. cut, reset, half_close, forget: what becomes of the open connections, once; forget is as a
  cut, but whoever connected is not told.
- freeze: bytes stay where they are, in one or both directions, and go on when it is over: a network that is
  gone without a word. `up` is from the side that connected.
- drop_replies: requests go through, replies do not; the connection is reset after a moment.
- delay, rate: milliseconds and bytes per second, in each direction.
- trap: when a text passes, a process is killed, before or after these bytes are passed on.
"""

import asyncio
import json
import math
import os
import random
import signal
import socket
import struct
import sys

UP, DOWN = "up", "down"
_NOT_READING_ABOVE = 256 * 1024
_RESET_AFTER_DROP = 0.05


class _Half(asyncio.Protocol):
    """One side of a link."""

    def __init__(self, link, direction):
        self._link, self._direction = link, direction  # Of what is read here.
        self.transport = None

    def connection_made(self, transport):
        transport.set_write_buffer_limits(high=_NOT_READING_ABOVE)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = transport
        self._link.joined(self._direction)

    def data_received(self, data):
        self._link.received(self._direction, data)

    def eof_received(self):
        self._link.ended(self._direction)
        return True  # The other direction goes on.

    def connection_lost(self, _):
        self._link.lost()

    def pause_writing(self):
        self._link.hold_back(self._direction, "full", True)

    def resume_writing(self):
        self._link.hold_back(self._direction, "full", False)


class _Link:
    """One connection and the one that was made for it."""

    def __init__(self, edge):
        self._edge = edge
        self._halves = {UP: _Half(self, UP), DOWN: _Half(self, DOWN)}
        self._reasons = {UP: set(), DOWN: set()}  # Why a direction is not read now.
        self._due = {UP: 0.0, DOWN: 0.0}  # When the newest of what waits is passed on,
        self._waiting = {UP: 0, DOWN: 0}  # and how much waits.
        self._over = set()  # Directions whose end has come,
        self._shut = set()  # and was passed on.
        self._has_dropped = False  # Bytes of a reply.
        self._loop = asyncio.get_running_loop()

    def client(self):
        return self._halves[UP]

    def joined(self, direction):
        if direction == DOWN:
            self._loop.call_soon(self._go)
            return
        self._edge.links[self] = None
        self._loop.call_soon(self._begin)  # Python 3.11.2 starts to read after this, whatever is said now.

    def _begin(self):
        self._set(UP, "target", True)
        for side in self._edge.frozen:
            self._set(side, "frozen", True)
        if not self._edge.frozen:
            self._loop.create_task(self._connect())

    def _go(self):
        self._set(UP, "target", False)
        self._set(DOWN, "frozen", DOWN in self._edge.frozen)

    async def _connect(self):
        try:
            await self._loop.create_connection(lambda: self._halves[DOWN], *self._edge.target)
        except OSError:
            self.reset()

    def thaw(self):
        if self._halves[DOWN].transport is None:
            self._loop.create_task(self._connect())

    def _set(self, direction, reason, on):
        """Reads a direction exactly while there is no reason not to."""
        reasons = self._reasons[direction]
        (reasons.add if on else reasons.discard)(reason)
        transport = self._halves[direction].transport
        if transport is None or transport.is_closing():
            return
        if reasons and transport.is_reading():
            transport.pause_reading()
        elif not reasons and not transport.is_reading():
            transport.resume_reading()

    def hold_back(self, writing, reason, on):
        """A half that cannot write stops the reading of the opposite one."""
        self._set(DOWN if writing == UP else UP, reason, on)

    def freeze(self, direction, on):
        self._set(direction, "frozen", on)

    def received(self, direction, data):
        edge = self._edge
        edge.bytes[direction] += len(data)
        if direction == DOWN and (edge.drop_replies or self._has_dropped):
            # What comes after a gap would look like a whole stream, so nothing does.
            self._has_dropped = True
            self._loop.call_later(_RESET_AFTER_DROP, self.reset)
            return
        trap = edge.trap
        if trap and trap.springs(direction, data):
            edge.trap = None
            trap.spring(lambda: self._pass_on(direction, data), self._loop)
            return
        self._pass_on(direction, data)

    def _pass_on(self, direction, data):
        edge = self._edge
        if edge.rate:
            self._set(direction, "rate", True)
            self._loop.call_later(len(data) / edge.rate, self._set, direction, "rate", False)
        if edge.delay or self._waiting[direction]:
            self._later(direction, self._write, direction, data)
        else:
            self._write(direction, data)

    def _later(self, direction, call, *arguments):
        """After all that waits already: timers of one instant come in any order."""
        after_others = math.nextafter(self._due[direction], math.inf)
        self._due[direction] = max(after_others, self._loop.time() + self._edge.delay / 1000)
        self._waiting[direction] += 1
        self._loop.call_at(self._due[direction], self._no_longer_waiting, direction, call, arguments)

    def _no_longer_waiting(self, direction, call, arguments):
        self._waiting[direction] -= 1
        call(*arguments)

    def _write(self, direction, data):
        transport = self._halves[DOWN if direction == UP else UP].transport
        if transport is not None and not transport.is_closing() and direction not in self._shut:
            transport.write(data)

    def ended(self, direction):
        self._over.add(direction)
        transport = self._halves[DOWN if direction == UP else UP].transport
        if transport is not None and transport.can_write_eof() and not transport.is_closing():
            self._later(direction, self._write_eof, direction, transport)

    def _write_eof(self, direction, transport):
        self._shut.add(direction)
        if not transport.is_closing():
            try:
                transport.write_eof()
            except OSError:  # It was reset meanwhile.
                self.cut()
        if len(self._over) == 2:
            self.cut()

    def lost(self):
        if self not in self._edge.forgotten:
            self.cut()

    def cut(self):
        self._edge.links.pop(self, None)
        for half in self._halves.values():
            if half.transport is not None and not half.transport.is_closing():
                half.transport.close()

    def forget(self):
        self._edge.links.pop(self, None)
        self._edge.forgotten.append(self)
        self._set(UP, "forgotten", True)
        if self._halves[DOWN].transport is not None:
            self._halves[DOWN].transport.close()

    def reset(self):
        self._edge.links.pop(self, None)
        for half in self._halves.values():
            if half.transport is not None and not half.transport.is_closing():
                linger = struct.pack("ii", 1, 0)
                half.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                half.transport.abort()


class _Trap:
    """Kills a process when a text passes upwards, or when the reply to it comes back."""

    def __init__(self, text, pid, at, after):
        self._text, self._pid, self._at, self._after = text.encode(), pid, at, after
        self._asked = False

    def springs(self, direction, data):
        if direction == UP and self._text in data:
            self._asked = True
            return self._at == "request"
        return direction == DOWN and self._asked and self._at == "reply"

    def spring(self, pass_on, loop):
        """`after` None: killed first, and the bytes are gone; else passed on, and killed so many seconds later."""
        if self._after is None:
            self._kill()
        else:
            pass_on()
            if self._after:
                loop.call_later(self._after, self._kill)
            else:
                self._kill()

    def _kill(self):
        try:
            os.kill(self._pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class _Edge:
    def __init__(self, target):
        self.target = target
        self.links = {}  # In the order in which they came; the values say nothing.
        self.forgotten = []  # Links that are only kept open.
        self.frozen = set()
        self.bytes = {UP: 0, DOWN: 0}
        self.drop_replies = False
        self.delay = 0
        self.rate = 0
        self.trap = None
        self.port = 0
        self._listener = None

    async def listen(self):
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Link(self).client(), "127.0.0.1", self.port,
                                                  reuse_address=True, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def refuse(self, on):
        if on and self._listener is not None:
            self._listener.close()
            self._listener = None
        elif not on and self._listener is None:
            await self.listen()

    def freeze(self, directions):
        self.frozen = set(directions)
        for link in list(self.links):
            for direction in (UP, DOWN):
                link.freeze(direction, direction in self.frozen)
            if not self.frozen:
                link.thaw()


class _Process:
    """The commands, by their names; each returns what is answered."""

    def __init__(self):
        self._edges = {}

    async def edge(self, name, target):
        edge = self._edges[name] = _Edge(tuple(target))
        await edge.listen()
        return edge.port

    async def set(self, name, target=None, refuse=None, freeze=None, drop_replies=None, delay=None, rate=None):
        edge = self._edges[name]
        if target is not None:
            edge.target = tuple(target)
        if drop_replies is not None:
            edge.drop_replies = drop_replies
        if delay is not None:
            edge.delay = delay
        if rate is not None:
            edge.rate = rate
        if freeze is not None:
            edge.freeze(freeze)
        if refuse is not None:
            await edge.refuse(refuse)

    async def end(self, name, how, share, seed):
        """Ends a share of the open connections: `cut`, `reset`, `half_close` or `forget`."""
        rng = random.Random(seed)
        links = [link for link in self._edges[name].links if rng.random() < share]
        for link in links:
            if how == "half_close":
                link.ended(rng.choice((UP, DOWN)))
            else:
                getattr(link, how)()
        return len(links)

    async def trap(self, name, text, pid, at, after):
        self._edges[name].trap = _Trap(text, pid, at, after)

    async def state(self, name):
        edge = self._edges[name]
        return {"links": len(edge.links), "bytes": edge.bytes, "trapped": edge.trap is None}

    async def serve(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            name, arguments = json.loads(line)
            print(json.dumps(await getattr(self, name)(**arguments)), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Its owner ends it by closing its standard input.
    asyncio.run(_Process().serve())
