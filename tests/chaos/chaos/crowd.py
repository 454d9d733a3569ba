"""Many subscribers of one run in one process, each with a connection of its own: `python3 -m chaos.crowd CONFIG`.

A message that is a number is taken for the time.monotonic() of its publication. Counts are told in one JSON line every
half second, and the end of standard input ends the process; `Crowd` is the other end of that.
"""

import asyncio
import json
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
_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]


class _Subscriber:
    def __init__(self):
        self.opened = False
        self.received = 0
        self.ended = None

    async def follow(self, address, run, reads, latencies):
        async with grpc.aio.insecure_channel(address, _OPTIONS) as channel:
            call = channel.unary_stream(_SUBSCRIBE, message_service_pb2.SubscribeRequest.SerializeToString,
                                        message_service_pb2.SubscribeResponse.FromString)(
                message_service_pb2.SubscribeRequest(run=run_pb2.RunRef(id=run)))
            await call.initial_metadata()
            self.opened = True
            try:
                while reads and await self._read(call, latencies):
                    pass
                self.ended = (await call.code()).name
            except grpc.aio.AioRpcError as error:
                self.ended = error.code().name

    async def _read(self, call, latencies):
        event = await call.read()
        if event is grpc.aio.EOF:
            return False
        if event.HasField("message"):
            assert event.message.sequence == self.received + 1, "a message is missing"
            self.received += 1
            latencies.append(time.monotonic() - event.message.value.list_value.values[0].number_value)
        return True


async def _main(address, run, count, reads):
    loop = asyncio.get_running_loop()
    subscribers, latencies = [_Subscriber() for _ in range(count)], []
    tasks = [loop.create_task(each.follow(address, run, reads, latencies)) for each in subscribers]
    over = loop.create_task(_end_of_input())
    while not over.done():
        for task in tasks:
            if task.done():
                task.result()  # Raises what was wrong.
        latencies.sort()
        print(json.dumps({"open": sum(each.opened for each in subscribers),
                          "received": min((each.received for each in subscribers if not each.ended), default=0),
                          "ended": sum(each.ended is not None for each in subscribers),
                          "p99": latencies[len(latencies) * 99 // 100] if latencies else None}), flush=True)
        await asyncio.wait([over], timeout=0.5)


async def _end_of_input():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


class Crowd:
    """Starts so many subscribers; a context manager that ends them. Without `reads` they only open their streams."""

    def __init__(self, address, run, count, reads=True):
        self.count = count
        self._counts = {}
        self._process = subprocess.Popen(
            ended_with_parent("KILL", [sys.executable, "-m", "chaos.crowd",
                                       json.dumps({"address": address, "run": run.id, "count": count,
                                                   "reads": reads})]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._counts = json.loads(line)

    def counts(self, what):
        assert self._process.poll() is None, f"subscribers ended with {self._process.returncode}"
        return self._counts.get(what, 0)

    def wait(self, what, least, timeout=60):
        """`what`: `open` or `ended` streams, or `received`, which is what each has at least that did not end."""
        eventually(lambda: self.counts(what) >= least, timeout, what=f"{what} of {least}")

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
    asyncio.run(_main(**json.loads(sys.argv[1])))
