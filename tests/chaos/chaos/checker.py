"""Judges a history: `python3 -m chaos.checker DIRECTORY`. Knows the contract and the history, not the server."""

import json
import sys
from collections import Counter

from chaos.check_reads import check_await, check_get, check_get_all
from chaos.check_streams import Streams
from chaos.check_writes import check_writes
from chaos.facts import Facts
from chaos.history import read
from chaos.percentiles import percentiles

_SHOWN_OF_EACH = 5
_DEFECTS = ("INTERNAL", "UNKNOWN")
# What gRPC makes of a connection that was lost at certain moments.
_OF_TRANSPORT = ("Stream removed",)


class Report:
    """Violations by invariant, and counts and measures of what was checked."""

    def __init__(self):
        self.violations = Counter()
        self.examples = []
        self.counts = Counter()
        self.codes = Counter()
        self._publish_ms = []
        self._delivery_ms = []

    def require(self, holds, invariant, text):
        if not holds:
            self.violation(invariant, text)

    def violation(self, invariant, text):
        self.violations[invariant] += 1
        if self.violations[invariant] <= _SHOWN_OF_EACH:
            self.examples.append(f"{invariant}: {text}")

    def measure(self, event, stored_since):
        self.counts[event["op"]] += 1
        if "code" in event and event["op"] not in ("closed", "open"):
            self.codes[f"{event['op']} {event['code']}"] += 1
        if event["op"] == "publish" and event["out"] == "ok":
            self._publish_ms.append((event["t1"] - event["t0"]) / 1e6)
        elif event["op"] == "message" and stored_since is not None:
            self._delivery_ms.append((event["t"] - stored_since) / 1e6)

    def summary(self):
        """What a program reads."""
        return {"violations": dict(self.violations), "examples": self.examples, "counts": dict(self.counts),
                "codes": dict(sorted(self.codes.items())), "publish_ms": percentiles(self._publish_ms),
                "delivery_ms": percentiles(self._delivery_ms)}


def check(directory):
    """Checks all invariants; returns the report."""
    facts, report = Facts(directory), Report()
    for run in facts.runs.values():
        if run.finals:
            check_writes(run, report)
        else:
            report.violation("end state", f"{run.name} was not listed at the end")
    for path in facts.paths:
        streams = Streams(facts, report)
        for event in read(path):
            _check_event(facts, streams, event, report)
        streams.finish()
    return report


def _check_event(facts, streams, event, report):
    op, since = event["op"], None
    _check_answer(event, report)
    if op in ("open", "message", "withdrawn", "progress", "run_ended", "closed", "stuck", "settled"):
        getattr(streams, op)(event)
        if op == "message":
            since = streams.published_since_open(event)
    elif op == "get_all":
        check_get_all(facts.run(event["run"]), event, report)
    elif op == "get":
        check_get(facts.run(event["run"]), event, report)
    elif op == "await":
        check_await(facts.run(event["run"]), event, report)
    report.measure(event, since)


def _check_answer(event, report):
    details = event.get("details", "")
    is_defect = event.get("code") in _DEFECTS and not any(text in details for text in _OF_TRANSPORT)
    report.require(not is_defect, "defect", f"{event['op']} was answered {event.get('code')}: {details}")


if __name__ == "__main__":
    found = check(sys.argv[1]).summary()
    print(json.dumps(found, indent=2))
    sys.exit(1 if found["violations"] else 0)
