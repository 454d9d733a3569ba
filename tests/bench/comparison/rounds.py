"""Interleaved rounds, so that the machine's drift touches all alike."""

import json
import sys
import time

from comparison.measurements import MEASUREMENTS
from comparison.program import Failed, Missing


class Rounds:
    """The figures of each round, by the name of the measurement, and what came in between."""

    def __init__(self):
        self.figures = []
        self.missing = {}
        self.failed = {}

    def failures(self):
        return self.failed

    def why_not(self, name):
        """Why there is no figure, or None."""
        if name in self.failed:
            return f"failed: {self.failed[name]}"
        if name in self.missing:
            return f"missing: {self.missing[name]}"
        return None if any(name in figures for figures in self.figures) else "not run"


def _brief(figures):
    shown = {name: value for name, value in figures.items() if isinstance(value, (int, float))}
    return json.dumps({name: float(f"{value:.4g}") for name, value in shown.items()})


def run_rounds(names, count, systems):
    """Measures everything `count` times, and tells on stderr."""
    rounds = Rounds()
    for number in range(1, count + 1):
        figures = {}
        rounds.figures.append(figures)
        for name in names:
            if name in rounds.missing or name in rounds.failed:
                continue
            begin = time.monotonic()
            try:
                figures[name] = MEASUREMENTS[name](systems)
                said = _brief(figures[name])
            except Missing as missing:
                rounds.missing[name] = said = str(missing)
            except (Failed, AssertionError) as failed:
                rounds.failed[name] = said = str(failed) or type(failed).__name__
            print(f"round {number}/{count} {name} ({time.monotonic() - begin:.1f} s): {said}", file=sys.stderr,
                  flush=True)
    return rounds
