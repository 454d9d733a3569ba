"""One process of a data-parallel job, for test_group.py.

Usage: group_worker.py FOLDER RUN             started by mpiexec: over MPI
       group_worker.py FOLDER RUN RANK SIZE   over gloo

Dispatches step after step until a message says stop, and then writes what it applied, in order, to
FOLDER/RANK.json. The behaviour of single processes is set by environment variables, see below.
"""

import json
import os
import pathlib
import sys
import time

import signalbox as sb


def over_mpi():
    from mpi4py import MPI

    return sb.groups.mpi(MPI.COMM_WORLD)


def over_gloo(folder, rank, size):
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=size)
    return sb.groups.torch(timeout=float(os.environ.get("TIMEOUT", "60")))


class Counted:
    """The same group, and the sizes of its broadcasts since the last look."""

    def __init__(self, group):
        self._sizes = []
        self.group = group._replace(broadcast=self._broadcast)
        self._real = group.broadcast

    def _broadcast(self, buffer, root):
        self._sizes.append(len(buffer))
        self._real(buffer, root)

    def take(self):
        sizes = tuple(self._sizes)
        self._sizes.clear()
        return sizes


def main():
    folder, run = pathlib.Path(sys.argv[1]), sys.argv[2]
    counted = Counted(over_gloo(folder, *map(int, sys.argv[3:])) if sys.argv[3:] else over_mpi())
    group = counted.group
    rank = group.rank
    inbox = sb.Client().open_inbox(run, listen=rank == 0)

    applied, over, later, idle = [], [], [], set()
    report = {"applied": applied}

    def apply(message):
        applied.append([message.id, message.key, message.value])
        if str(rank) == os.environ.get("DISSENTER"):
            raise ValueError("no such layer")
        return message.value

    def save(message):
        applied.append([message.id, message.key, message.value])
        later.append(message)
        return sb.LATER

    if str(rank) == os.environ.get("ABSENT"):
        while not (folder / f"{1 - rank}.json").exists():
            time.sleep(0.05)
        (folder / f"{rank}.json").write_text(json.dumps(report))
        os._exit(0)

    for key in ("learning-rate", "weight-decay"):
        inbox.on(key, apply)
    inbox.on("save", save)
    inbox.on("stop", lambda message: over.append(message) or "bye")

    step = int(os.environ.get(f"FIRST_STEP_{rank}", "1"))
    last = int(os.environ.get("LAST_STEP", "1000000"))
    every = int(os.environ.get("EVERY", "1"))
    try:
        while not over and step <= last:
            if inbox.dispatch(step, group=group, every=every) == 0:
                idle.add(counted.take())
            counted.take()
            for message in later:
                message.ack("APPLIED", reply=f"saved at {step}", step=step)
            later.clear()
            if str(rank) == os.environ.get("SLOW"):
                time.sleep(0.02)
            step += 1
    except sb.SignalboxError as error:
        report["error"] = [error.code, str(error)]
    report["step"] = step
    report["idle"] = sorted(idle)
    inbox.close()
    (folder / f"{rank}.json").write_text(json.dumps(report))
    if sys.argv[3:]:
        os._exit(0)  # gloo waits for processes that never came.


if __name__ == "__main__":
    main()
