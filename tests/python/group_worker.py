"""One process of a data-parallel job over gloo, for test_group.py.

Usage: group_worker.py FOLDER RANK SIZE [RUN]

Dispatches step after step until a message says stop, and then writes what it applied, in order, to
FOLDER/RANK.json. The behaviour of single processes is set by environment variables, see below.
"""

import json
import os
import pathlib
import sys
import time

import torch.distributed as dist

import signalbox as sb


def main():
    folder, rank, size = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    run = sys.argv[4] if len(sys.argv) > 4 else None
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=size)
    group = sb.groups.torch(timeout=float(os.environ.get("TIMEOUT", "60")))
    inbox = sb.Client().open_inbox(run, listen=group.rank == 0)

    applied, over, later = [], [], []
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
            inbox.dispatch(step, group=group, every=every)
            for message in later:
                message.ack("APPLIED", reply=f"saved at {step}", step=step)
            later.clear()
            if str(rank) == os.environ.get("SLOW"):
                time.sleep(0.02)
            step += 1
    except sb.SignalboxError as error:
        report["error"] = [error.code, str(error)]
    report["step"] = step
    inbox.close()
    (folder / f"{rank}.json").write_text(json.dumps(report))
    os._exit(0)  # gloo waits for processes that never came.


if __name__ == "__main__":
    main()
