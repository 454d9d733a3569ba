"""Many subscribers of one run in one process, each with a connection of its own: `python3 -m chaos.crowd CONFIG`.

Of each message the first part of its value is taken for the time.monotonic() of its publication. Counts are told in one
JSON line every half second. A line on standard input ends a phase: the seconds that its messages took are told in one
more line. The end of standard input ends the process; `Crowd` is the other end of that.
"""

import asyncio
import json
import queue
import signal
import subprocess
import sys
import threading
import time

import grpc
from signalbox.v1 import message_service_pb2, run_pb2

from rig.parting import ended_with_parent
from rig.waiting import eventually

_SUBSCRIBE = "/signalbox.v1.MessageService/Subscribe"
# Without a probe the windows stay small, so that the client takes little of what is not read.
_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), ("grpc.http2.bdp_probe", 0)]


class _Subscriber:
    def __init__(self):
        self.opened = False
        self.received = 0
        self.ended = None
        self._newest = 0

    async def follow(self, address, run, keys, reads, note):
        async with grpc.aio.insecure_channel(address, _OPTIONS) as channel:
            call = channel.unary_stream(_SUBSCRIBE, message_service_pb2.SubscribeRequest.SerializeToString,
                                        message_service_pb2.SubscribeResponse.FromString)(
                message_service_pb2.SubscribeRequest(run=run_pb2.RunRef(id=run), keys=keys))
            await call.initial_metadata()
            self.opened = True
            try:
                while reads and await self._read(call, note):
                    pass
                self.ended = (await call.code()).name
            except grpc.aio.AioRpcError as error:
                self.ended = error.code().name

    async def _read(self, call, note):
        event = await call.read()
        if event is grpc.aio.EOF:
            return False
        if event.HasField("message"):
            message = event.message
            assert message.sequence > self._newest, "a message came twice, or late"
            self._newest = message.sequence
            self.received += 1
            note(time.monotonic() - message.value.list_value.values[0].number_value)
        return True


class _Crowd:
    """All subscribers of the process."""

    def __init__(self, address, run, count, keys, reads):
        self._subscribers = [_Subscriber() for _ in range(count)]
        self._seconds = []  # That messages of this phase took.
        self._following = [asyncio.create_task(each.follow(address, run, keys, reads, self._note))
                           for each in self._subscribers]

    def _note(self, seconds):
        self._seconds.append(seconds)

    async def tell(self):
        """Until it is cancelled."""
        while True:
            for task in self._following:
                if task.done():
                    task.result()  # Raises what was wrong.
            self._print({"open": sum(each.opened for each in self._subscribers),
                         "received": min((each.received for each in self._subscribers if not each.ended), default=0),
                         "ended": sum(each.ended is not None for each in self._subscribers)})
            await asyncio.sleep(0.5)

    async def end_phases(self):
        """Until the end of standard input."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            seconds, self._seconds = self._seconds, []
            self._print({"phase": seconds})

    @staticmethod
    def _print(told):
        print(json.dumps(told), flush=True)


async def _main(config):
    crowd = _Crowd(**config)
    telling = asyncio.create_task(crowd.tell())
    over = asyncio.create_task(crowd.end_phases())
    await asyncio.wait([telling, over], return_when=asyncio.FIRST_COMPLETED)
    for task in (telling, over):
        if task.done():
            task.result()


class Crowd:
    """Starts so many subscribers; a context manager that ends them. Without `reads` they only open their streams;
    `keys` are those they listen to, all by default."""

    def __init__(self, address, run, count, keys=(), reads=True):
        self.count = count
        self._counts = {}
        self._phases = queue.Queue()
        self._process = subprocess.Popen(
            ended_with_parent("KILL", [sys.executable, "-m", "chaos.crowd",
                                       json.dumps({"address": address, "run": run.id, "count": count,
                                                   "keys": list(keys), "reads": reads})]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            told = json.loads(line)
            if "phase" in told:
                self._phases.put(told["phase"])
            else:
                self._counts = told

    @property
    def pid(self):
        return self._process.pid

    def counts(self, what):
        assert self._process.poll() is None, f"subscribers ended with {self._process.returncode}"
        return self._counts.get(what, 0)

    def wait(self, what, least, timeout=60):
        """`what`: `open` or `ended` streams, or `received`, which is what each has at least that did not end."""
        eventually(lambda: self.counts(what) >= least, timeout, what=f"{what} of {least}")

    def phase(self):
        """Ends a phase; returns the seconds that each message of it took to each subscriber."""
        self._process.stdin.write("\n")
        return self._phases.get(timeout=30)

    def stop(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(10)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
