"""The table of what came of long runs, kept in a document that people read."""

import datetime
import json
import os
import subprocess

_BEGIN, _END = "<!-- table -->", "<!-- /table -->"
_HEADER = ["| fault | date | of commit | command | held | what was seen |", "| --- | --- | --- | --- | --- | --- |"]
_SHOWN = ("measured", "counts", "publish_ms", "delivery_ms", "seconds", "broken", "violations", "failure")


def note(path, command, holds, summary):
    """Replaces the row of this fault, or adds it; the rows are in the order of their names."""
    with open(path) as file:
        before, rest = file.read().split(_BEGIN)
        table, after = rest.split(_END)
    rows = {row.split("|")[1].strip(): row for row in table.strip().splitlines()[len(_HEADER):]}
    rows[summary["fault"]] = _row(command, holds, summary)
    text = "\n".join([*_HEADER, *(rows[name] for name in sorted(rows))])
    with open(path, "w") as file:
        file.write(f"{before}{_BEGIN}\n{text}\n{_END}{after}")


def _row(command, holds, summary):
    seen = "; ".join(f"{name}: {_text(summary[name])}" for name in _SHOWN if summary.get(name))
    today = datetime.date.today().isoformat()
    return f"| {summary['fault']} | {today} | {_commit()} | `{command}` | {'yes' if holds else 'NO'} | {seen} |"


def _text(value):
    text = json.dumps(value, ensure_ascii=False).replace('"', "").replace("|", "/")
    return text[1:-1] if isinstance(value, dict) else text


def _commit():
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=os.path.dirname(__file__), capture_output=True,
                          text=True, check=True).stdout.strip()
