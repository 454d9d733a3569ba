#!/usr/bin/env python3
"""Trains a classifier of handwritten digits, with NumPy alone, that can be steered from another terminal.

    $ digits_numpy.py demo/digits
    run gecy95fe08  demo/digits#1
    step 5000  loss 0.0989  test 0.9048  rate 0.1
    …
    $ signalbox publish --run gecy95fe08 --key learning-rate --value 0.02 --wait
    APPLIED at step 8603 by host:17002:248499bc  reply {"current":0.02,"previous":0.1}

It listens to learning-rate and stop, and trains until it is stopped.
"""

import itertools
import pathlib
import sys

import numpy as np

import signalbox as sb

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples/digits/data/digits.csv"
BATCH = 32


def load(path):
    """(pixels from 0 to 1 and a 1, digits) to train with, and the same to test with."""
    rows = np.loadtxt(path, delimiter=",")
    pixels, digits = np.hstack([rows[:, :64] / 16, np.ones((len(rows), 1))]), rows[:, 64].astype(int)
    return (pixels[:1440], digits[:1440]), (pixels[1440:], digits[1440:])


def predict(weights, pixels):
    """The probability of each digit."""
    scores = pixels @ weights
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def train(run):
    (pixels, digits), test = load(DATA)
    weights = np.zeros((65, 10))
    rate = 0.1
    stopped = False

    @run.on("learning-rate", kind="SETTING", description="Learning rate of SGD")
    def set_rate(message):
        nonlocal rate
        previous, rate = rate, float(message.value)  # What is no number fails the message.
        return {"previous": previous, "current": rate}

    @run.on("stop", description="Ends the training")
    def stop(message):
        nonlocal stopped
        stopped = True
        run.will_stop()

    random = np.random.default_rng(1)
    for step in itertools.count(1):
        batch = random.integers(len(digits), size=BATCH)
        error = predict(weights, pixels[batch])
        error[np.arange(BATCH), digits[batch]] -= 1
        weights -= rate * pixels[batch].T @ error / BATCH
        if step % 5000 == 0:
            found = predict(weights, pixels)
            loss = -np.log(found[np.arange(len(digits)), digits]).mean()
            hits = (predict(weights, test[0]).argmax(axis=1) == test[1]).mean()
            print(f"step {step}  loss {loss:.4f}  test {hits:.4f}  rate {rate:g}", flush=True)
        run.dispatch(step)  # Runs the handlers above, here. Never waits.
        if stopped:
            print(f"stopped at step {step}", flush=True)
            return


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: digits_numpy.py PROJECT")
    with sb.Run(project=sys.argv[1]) as run:
        print(f"run {run.id}  {run.project}#{run.rank}", flush=True)
        train(run)


if __name__ == "__main__":
    main()
