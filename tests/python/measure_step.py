"""The trainings of tests/python/measure_step, which says what it is for."""

import contextlib
import multiprocessing
import os
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
    """A process: trains a round whenever it is told to, and answers with the seconds of a step, by the
    clock and of the processor."""
    os.setsid()  # Linux may share out a processor by sessions; the server must not be in this one.
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
            began = time.perf_counter(), time.process_time()
            for step in range(done + 1, done + steps + 1):
                _, _, pixels, digits = next(source)
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(pixels), digits).backward()
                optimizer.step()
                if control is not None:
                    control.after_step(step)
            pipe.send(((time.perf_counter() - began[0]) / steps, (time.process_time() - began[1]) / steps))
            done += steps


class Training:
    """A training in a process of its own."""

    def __init__(self, *arguments):
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=train, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def round(self, publish):
        """Trains a round, while `publish` is called again and again; returns what `train` answers."""
        self._pipe.send(True)
        while not self._pipe.poll(PAUSE):
            publish()
        return self._pipe.recv()

    def end(self):
        self._pipe.send(False)
        self._process.join()


class Publisher:
    """Changes the learning rate of a run."""

    def __init__(self, client, run):
        self._client = client
        self.run = run
        self.sent = 0

    def __call__(self):
        self._client.publish(self.run, "learning-rate", 0.1 if self.sent % 2 else 0.05, kind="SETTING")
        self.sent += 1


def print_figures(name, rounds, baseline):
    mine, other = list(zip(*rounds)), list(zip(*baseline))
    medians = [statistics.median(values) * 1e6 for values in mine]
    ratios = [statistics.median(a / b for a, b in zip(*pair)) for pair in zip(mine, other)]
    print(f"{name:16} {medians[0]:8.1f} µs a step, ratio {ratios[0]:.3f}"
          f"    of the processor {medians[1]:8.1f} µs, ratio {ratios[1]:.3f}")


def main():
    folder, rounds, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    server = LiveServer(folder).start()
    client = sb.Client(server.address, call_timeout=30)
    # Without a client the messages go to a run without a job, so that server and publisher work there too.
    arriving, elsewhere = (Publisher(client, client.create_run("measured")) for _ in range(2))
    steered, free = Training(steps, server.address, arriving.run.id), Training(steps)
    with_client, without = [], []
    for number in range(rounds + 1):
        turns = [(free, elsewhere, without), (steered, arriving, with_client)]
        for training, publisher, results in turns if number % 2 else reversed(turns):
            results.append(training.round(publisher))
    free.end()
    steered.end()
    print_figures("without a client", without[1:], without[1:])  # The first round warms up.
    print_figures("with a client", with_client[1:], without[1:])
    applied = client.list_messages(arriving.run, states=["APPLIED"], limit=0)
    print(f"{len(applied)} of {arriving.sent} messages were applied, the others superseded by newer ones")
    server.stop()


if __name__ == "__main__":
    main()
