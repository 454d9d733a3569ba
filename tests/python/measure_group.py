"""One process of tests/python/measure_group, which says what it is for."""

import sys
import time

import torch
import torch.distributed as dist

import signalbox as sb


def timed(name, steps, call):
    dist.barrier()
    began = time.perf_counter()
    for step in range(steps):
        call(step)
    elapsed = time.perf_counter() - began
    if dist.get_rank() == 0:
        print(f"{name:34} {elapsed / steps * 1e6:8.1f} µs a step")


def main():
    folder, rank, size, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=size)
    group = sb.groups.torch()
    inbox = sb.Client().open_inbox(listen=False) if rank else sb.Client("localhost:1").open_inbox("measured")
    inbox.on("learning-rate", print)
    sixteen = torch.zeros(16, dtype=torch.uint8)
    timed("bare broadcast of 16 bytes", steps, lambda step: dist.broadcast(sixteen, 0))
    timed("dispatch, a control point a step", steps, lambda step: inbox.dispatch(step, group=group))
    timed("dispatch, one every 10 steps", steps, lambda step: inbox.dispatch(steps + step, group=group, every=10))
    inbox.close()
    dist.barrier()


if __name__ == "__main__":
    main()
