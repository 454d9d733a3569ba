"""One process of a data-parallel training over gloo, for test_torch_group.py.

Usage: torch_worker.py FOLDER RANK SIZE [RUN]

Process 0 publishes to its own run at fixed steps. Each process writes what it saw to FOLDER/RANK.json.
"""

import json
import pathlib
import sys
import warnings

import torch
import torch.distributed as dist

import signalbox as sb
from signalbox.adapters.torch import Control

STEPS = 20


def main():
    folder, rank, size = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    run = sys.argv[4] if len(sys.argv) > 4 else None
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=size)
    torch.manual_seed(rank)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    seen = {"rates": [], "saved": [], "warnings": 0}

    def save(step):
        seen["saved"].append(step)
        return f"/checkpoints/{rank}/{step}"

    inbox = sb.Client().open_inbox(run) if run and rank == 0 else None
    published = []

    def publish(key, value=None):
        if inbox is not None:
            if published:  # A newer setting would take the place of one whose claim is under way.
                sb.Client().await_message(published[-1], 30)
            sent = sb.publish_message(run, key, value)
            published.append(sent.id)
            assert inbox.wait_newer(sent.sequence - 1, 30)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Control(inbox, optimizer, scheduler=scheduler, model=model, save=save) as control:
            for step in range(1, STEPS + 1):
                optimizer.zero_grad()
                model(torch.randn(4, 8)).square().mean().backward()
                optimizer.step()
                scheduler.step()
                seen["rates"].append(optimizer.param_groups[0]["lr"])
                {5: lambda: publish("learning-rate", 0.01), 7: lambda: publish("learning-rate", "fast"),
                 8: lambda: publish("save"), 12: lambda: publish("stop")}.get(step, lambda: None)()
                if control.after_step(step):
                    break
    seen["warnings"] = len(caught)
    seen["published"] = published
    seen["weights"] = model.module.weight.tolist()
    if inbox is not None:
        inbox.close()
    (folder / f"{rank}.json").write_text(json.dumps(seen))


main()
