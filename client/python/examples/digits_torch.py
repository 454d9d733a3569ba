#!/usr/bin/env python3
"""Trains a small PyTorch classifier of handwritten digits that can be steered from another terminal.

    $ digits_torch.py --create-run demo/digits --epochs 0
    run gecy95fe08  demo/digits#1
    epoch 1  step 45  loss 1.0532  test 0.8357  rate 0.0990
    …
    $ signalbox publish --run 1 --project demo/digits --key learning-rate --value 0.05 --wait
    APPLIED at step 1111 by host:17002:248499bc  reply {"current":0.0499,"previous":0.1,"read_at_step":1112}

It listens to learning-rate, weight-decay, dropout, save, evaluate and stop. Without a server or a run it
trains just the same, after one warning.
"""

import argparse
import contextlib
import csv
import pathlib

import torch

import signalbox as sb
from signalbox.adapters.torch import Control

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples/digits/data/digits.csv"
BATCH = 32


def load(path):
    """(pixels from 0 to 1, digits) to train with, and the same to test with."""
    with open(path, newline="") as file:
        rows = torch.tensor([[float(cell) for cell in row] for row in csv.reader(file)])
    pixels, digits = rows[:, :64] / 16, rows[:, 64].long()
    return (pixels[:1440], digits[:1440]), (pixels[1440:], digits[1440:])


def batches(training, epochs):
    """Batches in random order, for so many epochs; 0: for ever."""
    epoch = 0
    while epochs == 0 or epoch < epochs:
        epoch += 1
        order = torch.randperm(len(training[1])).split(BATCH)
        for rows in order:
            yield epoch, rows is order[-1], training[0][rows], training[1][rows]


def train(run, epochs, checkpoints, data=DATA):
    """Trains until the epochs are over or a message says stop; returns the accuracy on the test set."""
    training, test = load(data)
    dropout = torch.nn.Dropout(0.1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), dropout, torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9998)
    measure = torch.nn.functional.cross_entropy

    def evaluate(step=0):
        found = model(test[0])
        return {"accuracy": (found.argmax(1) == test[1]).float().mean().item(), "loss": measure(found, test[1]).item()}

    control = Control(run, optimizer, scheduler=scheduler, model=model, save=checkpoints, evaluate=evaluate,
                      settings={"dropout": (dropout, "p")})
    for step, (epoch, is_last, pixels, digits) in enumerate(batches(training, epochs), 1):
        optimizer.zero_grad()
        loss = measure(model(pixels), digits)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if is_last:
            print(f"epoch {epoch}  step {step}  loss {loss.item():.4f}  test {evaluate()['accuracy']:.4f}"
                  f"  rate {scheduler.get_last_lr()[0]:.4f}", flush=True)
        if control.after_step(step):
            print(f"stopped at step {step}", flush=True)
            break
    model.eval()
    return evaluate()["accuracy"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--create-run", metavar="PROJECT", help="make a run in this project; without it the run is "
                        "SIGNALBOX_RUN")
    parser.add_argument("--epochs", type=int, default=20, help="0: until a message says stop (default %(default)s)")
    parser.add_argument("--checkpoints", default="checkpoints", help="folder of `save` (default %(default)s)")
    options = parser.parse_args()

    torch.manual_seed(1)
    with contextlib.ExitStack() as leaving:
        run = None
        if options.create_run:
            run = leaving.enter_context(sb.Run(project=options.create_run))
            print(f"run {run.id}  {run.project}#{run.rank}", flush=True)
        print(f"accuracy {train(run, options.epochs, options.checkpoints):.4f}")


if __name__ == "__main__":
    main()
