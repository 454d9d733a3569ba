"""The trainings of tests/python/measure_step, which says what it is for."""

import contextlib
import multiprocessing
import pathlib
import statistics
import sys
import time

import torch

import signalbox as sb
from live_server import LiveServer
from signalbox.adapters.torch import Control

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "client/python/examples"))
from digits_torch import DATA, batches, load  # noqa: E402

PAUSE = 0.02  # Seconds between two messages.


def train(pipe, steps, address=None, run=None):
    """A process: trains a round whenever it is told to, and tells how many seconds a step took."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    source = batches(load(DATA)[0], 0)
    with contextlib.ExitStack() as leaving:
        control = None
        if run is not None:
            inbox = leaving.enter_context(sb.Client(address).open_inbox(run))
            control = Control(inbox, optimizer)
            assert inbox.wait_synced(30)
        done = 0
        while pipe.recv():
            began = time.perf_counter()
            for step in range(done + 1, done + steps + 1):
                _, _, pixels, digits = next(source)
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(pixels), digits).backward()
                optimizer.step()
                if control is not None:
                    control.after_step(step)
            pipe.send((time.perf_counter() - began) / steps)
            done += steps


class Training:
    """A training in a process of its own."""

    def __init__(self, *arguments):
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=train, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def round(self, publish=None):
        """Seconds a step, while `publish` is called again and again."""
        self._pipe.send(True)
        while not self._pipe.poll(PAUSE if publish else None):
            publish()
        return self._pipe.recv()

    def end(self):
        self._pipe.send(False)
        self._process.join()


def main():
    folder, rounds, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    server = LiveServer(folder).start()
    client = sb.Client(server.address)
    run = client.create_run("measured")
    free, steered = Training(steps), Training(steps, server.address, run.id)
    sent = []

    def publish():
        sent.append(client.publish(run, "learning-rate", 0.1 if len(sent) % 2 else 0.05))

    ways = {"without a client": free.round, "with a client": steered.round,
            "with a client, messages arrive": lambda: steered.round(publish)}
    seconds = {name: [] for name in ways}
    for number in range(rounds + 1):
        # There and back, so that none always follows the same one.
        for name in list(ways) if number % 2 else reversed(ways):
            seconds[name].append(ways[name]())
    free.end()
    steered.end()

    without = seconds["without a client"]
    for name, times in seconds.items():
        ratio = statistics.median(mine / other for mine, other in zip(times[1:], without[1:]))  # The first warms up.
        print(f"{name:32} {statistics.median(times[1:]) * 1e6:8.1f} µs a step, ratio {ratio:.3f}")
    applied = client.list_messages(run, states=["APPLIED"], limit=0)
    print(f"{len(applied)} of {len(sent)} messages were applied, the others superseded")
    server.stop()


if __name__ == "__main__":
    main()
