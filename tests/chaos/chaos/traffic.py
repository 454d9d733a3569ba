"""Traffic of one process: `python3 -m chaos.traffic CONFIG`.

Runs come and go; publishers, consumers that race for messages, readers, subscribers that dawdle, cancellations,
settings that supersede, expiries and repeats of every kind are always among it. What happened is in the history.

Tells its counts in one JSON line every half second. A line on standard input makes it stop publishing, settle what
is in doubt, bring every subscriber to the end, and exit; the system must be healed by then.
"""

import asyncio
import contextlib
import itertools
import json
import random
import sys

from chaos.calls import PROJECTS, Calls
from chaos.history import Writer
from chaos.traffic_run import Run


class Traffic:
    """All runs of one process."""

    def __init__(self, config):
        self.name = config["name"]
        self.rng = random.Random(config["seed"])
        self.history = Writer(config["history"])
        self.calls = Calls(config["addresses"], self.history, self.rng, config["deadline"], config["lost"],
                           config["race"])
        self._rate = config["rate"]  # Publishes a second, at most.
        self._slots = config["runs"]
        self.stay, self.longest_stop = config["stay"], config["longest_stop"]  # Of subscribers, seconds.
        self.acked = config["acked"]  # Share of messages that a consumer acks.
        self._batches, self._most_of_batch = config["batches"], config["most_of_batch"]
        self._run_length = config["run_length"]
        self._counts = {"ids": 0, "ok": 0, "refused": 0, "doubt": 0, "lost": 0, "acks": 0, "reads": 0, "deliveries": 0}
        self._numbers = itertools.count(1)
        self._live_runs = []
        self._stopping = asyncio.Event()
        self._group = None  # Of all tasks.

    def count(self, what):
        self._counts[what] += 1

    def others(self, run):
        """At times, another run that is active."""
        others = [other for other in self._live_runs if other is not run]
        return [self.rng.choice(others)] if others and self.rng.random() < 0.3 else []

    async def _live(self):
        """One run after another in one slot, until the traffic stops; the last one stays active."""
        while not self._stopping.is_set():
            name = f"{self.name}-{next(self._numbers)}"
            await self.calls.create_run(PROJECTS + self.name, name)
            run = Run(self, name)
            length = self._run_length * self.rng.uniform(0.5, 1.5)
            reader = asyncio.create_task(run.read())
            for subscriber in run.subscribers:  # One that has stopped reading may outlive its run for long.
                self._group.create_task(subscriber.follow())
            self._live_runs.append(run)
            publishers = [asyncio.create_task(self._publish(run, length)) for _ in range(3)]
            await asyncio.gather(*publishers)
            self._live_runs.remove(run)
            over = not self._stopping.is_set()
            if over:
                await self.calls.end_run(name)
                await run.repeat_some()
            run.stopping = True
            await run.idle()
            await self._quit(reader)
            if not over:
                await self._stopping.wait()
                head = await self.calls.head_of(name)
                for subscriber in run.subscribers:
                    subscriber.settle(head)

    async def _publish(self, run, length):
        share = self._rate / self._slots / 3
        while run.published < length and not self._stopping.is_set():
            if self.rng.random() < self._batches:
                size = self.rng.randint(1, self._most_of_batch)
                await asyncio.gather(run.publish_batch(size), self._pause(size / share))
            else:
                await asyncio.gather(run.publish_one(), self._pause(self.rng.expovariate(share)))

    async def _pause(self, seconds):
        """For so long, or until the traffic stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _quit(self, task):
        while not task.done():  # A cancellation that meets the end of a wait may be swallowed.
            task.cancel()
            await asyncio.wait([task], timeout=0.5)
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()

    async def run(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async with asyncio.TaskGroup() as self._group:
            teller = self._group.create_task(self._tell())
            slots = [self._group.create_task(self._live()) for _ in range(self._slots)]
            self._group.create_task(self._stop_when_told(reader))
            await asyncio.wait(slots)
            teller.cancel()
        self._print_counts()
        await self.calls.close()
        self.history.close()

    async def _stop_when_told(self, reader):
        await reader.readline()
        self._stopping.set()

    async def _tell(self):
        while True:
            self._print_counts()
            await asyncio.sleep(0.5)

    def _print_counts(self):
        print(json.dumps(self._counts), flush=True)


async def _main():
    with open(sys.argv[1]) as file:
        config = json.load(file)
    await Traffic(config).run()


if __name__ == "__main__":
    asyncio.run(_main())
