"""The table of ratios, on the terminal and as files."""

import json
import statistics
import sys

from comparison.machine import facts
from comparison.targets import TARGETS

_FIGURES = ("rate", "p50_us", "p99_us", "server_cpu_us", "children_cpu_us", "client_cpu_us", "kb_per_subscriber",
            "core_percent", "memory_kb", "threads", "ns_per_get", "seconds_from_loss", "server_peak_kb", "seconds",
            "wal_bytes_a_publish", "disk_bytes_a_message", "wal_bytes_an_ack")


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spread(values):
    return f"{_number(statistics.median(values))} [{_number(min(values))} – {_number(max(values))}]"


def judge(rounds):
    """A row for every target: name, value, what is wanted, and whether it is met or why that is not known."""
    rows = []
    for target in TARGETS:
        values = [target.value(figures) for figures in rounds.figures if all(name in figures for name in target.needs)]
        reasons = [rounds.why_not(name) for name in target.needs]
        if any(reasons) or not values:
            verdict, shown = "; ".join(sorted({reason for reason in reasons if reason})) or "not run", "–"
        else:
            shown = _spread(values)
            is_met = target.limit is not None and target.is_met(statistics.median(values))
            verdict = "–" if target.limit is None else "met" if is_met else "not met"
        rows.append((target.name, shown, target.wanted(), verdict))
    return rows


def _figures(rounds):
    """A row for every measurement: name and medians of its figures."""
    rows = []
    for name in dict.fromkeys(name for figures in rounds.figures for name in figures):
        measured = [figures[name] for figures in rounds.figures if name in figures]
        shown = [f"{figure} {_spread([m[figure] for m in measured])}" for figure in _FIGURES
                 if all(isinstance(m.get(figure), (int, float)) for m in measured)]
        rows.append((name, ", ".join(shown)))
    return rows


_HEADER = ("measure", "median [least – most]", "target", "verdict")


def print_table(rounds):
    rows = [_HEADER, *judge(rounds)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]))


def _markdown(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines) + "\n"


def write_report(directory, rounds, scale, count):
    """Writes RESULTS.md and results.json."""
    directory.mkdir(parents=True, exist_ok=True)
    about = facts()
    command = " ".join(["tests/bench/compare", *sys.argv[1:]])
    text = (f"# Results, {about['date']}\n\n"
            f"By `{command}`: medians of {count} interleaved rounds; ratios are taken within a round. `README.md` says how to "
            "read them.\n\n"
            + _markdown(_HEADER, judge(rounds))
            + "\n## Where\n\n" + _markdown(("what", "which"), list(about.items()))
            + "\n## Figures\n\nThese drift with the machine; only the ratios above compare.\n\n"
            + _markdown(("measurement", "median [least – most]"), _figures(rounds)))
    (directory / "RESULTS.md").write_text(text)
    raw = {"about": about, "command": command, "scale": vars(scale), "rounds": rounds.figures,
           "missing": rounds.missing, "failed": rounds.failed,
           "targets": [dict(zip(("name", "value", "target", "verdict"), row)) for row in judge(rounds)]}
    (directory / "results.json").write_text(json.dumps(raw, indent=1) + "\n")
