"""A training that loads its data in forked workers, for test_data_loader.py.

Usage: data_loader_job.py ROUNDS REPORT

Trains on the run SIGNALBOX_RUN, each round with 8 workers forked anew, and dispatches between the batches.
Then acks the message `kept`, goes on until a message says stop, and writes what it saw to REPORT. A round that
takes a minute ends the job, with the tracebacks of all threads.
"""

import contextlib
import faulthandler
import json
import multiprocessing
import os
import pathlib
import sys
import time
import warnings

import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

import signalbox as sb

WORKERS = 8
ROUND_LIMIT = 60  # Seconds; a round takes a fraction of one.


class Samples(Dataset):
    """One sample for each worker, which finds all that it has of the parent inert."""

    def __init__(self, run, kept):
        self._run = run
        self._kept = kept
        self._client = sb.Client()

    def __len__(self):
        return WORKERS

    def __getitem__(self, index):
        inbox = self._run.inbox
        assert inbox.state == "CLOSED" and inbox.get("kept") is None and inbox.get_all() == []
        for source in (sb, self._run):
            assert source.get_message("kept") is None
            assert source.get_all_messages() == []
            assert source.dispatch() == 0
        for call in (self._kept.ack, self._client.list_runs, inbox.reopen, sb.Client):
            with contextlib.suppress(sb.FailedPreconditionError):
                raise AssertionError(f"{call} gave {call()} in a worker")
        return torch.tensor([index, get_worker_info().id])


class Training:
    """What the parent received, and what became of the workers of each round."""

    def __init__(self, run):
        self._run = run
        self._over = False
        self.received = []
        self.rounds = []
        run.on("number", self._receive)
        run.on("stop", self._stop)
        assert run.inbox.wait_newer(0, ROUND_LIMIT)
        self._kept = run.get_message("kept")
        self._loader = DataLoader(Samples(run, self._kept), num_workers=WORKERS)

    def _receive(self, message):
        self.received.append([message.sequence, message.value])

    def _stop(self, message):
        self._over = True

    def round(self, step):
        faulthandler.dump_traceback_later(ROUND_LIMIT, exit=True)
        self._run.dispatch(step)
        began = time.monotonic()
        batches = iter(self._loader)
        forked = time.monotonic()
        came = self._run.dispatch(step)
        workers = multiprocessing.active_children()
        samples = []
        for batch in batches:
            samples += batch.tolist()
            self._run.dispatch(step)
        assert self._run.get_message("kept") == self._kept
        # The loader has waited for its workers, and ended those that did not end themselves.
        self.rounds.append({"samples": samples, "exit_codes": [worker.exitcode for worker in workers],
                            "state": self._run.inbox.state, "came_while_forking": came,
                            "seconds": time.monotonic() - began, "seconds_forking": forked - began})

    def finish(self, step):
        faulthandler.dump_traceback_later(ROUND_LIMIT, exit=True)
        self._kept.ack("APPLIED")
        while not self._over:
            self._run.inbox.wait_newer(self.received[-1][0] if self.received else 1, 1)
            self._run.dispatch(step)


def main():
    rounds, report = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    warnings.filterwarnings("ignore", "signalbox receives nothing in this process", RuntimeWarning)
    warnings.filterwarnings("ignore", "This DataLoader will create 8 worker processes", UserWarning)
    torch.set_num_threads(1)
    with sb.Run("tests/python", run_id=os.environ["SIGNALBOX_RUN"]) as run:
        training = Training(run)
        for step in range(1, rounds + 1):
            training.round(step)
        training.finish(rounds + 1)
    report.write_text(json.dumps({"rounds": training.rounds, "received": training.received}))


if __name__ == "__main__":
    main()
