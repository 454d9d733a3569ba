"""The comparison in its quick form: the table is complete. What the figures are does not matter here."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOLD = {"met", "not met", "–"}  # There is a figure.
# Seconds long, and of every kind: loads, statements, deliveries, and processes that are started for it.
MEASURED = ("echo", "publish", "ack", "storage", "echo-1", "postgres-insert", "publish-1", "least-1", "least-many",
            "least-ack", "postgres-notify", "deliver", "deliver-replica", "least-deliver", "echo-fan-out", "fan-out",
            "idle-subscribers", "reconnect", "inbox-get")
RATIOS = ("the same / raw gRPC echo", "Publish, 1 in flight, p50 / (raw echo + single-row INSERT)",
          "publish → inbox, p50 / INSERT+NOTIFY → listener", "publish → inbox across two replicas / same replica",
          "bound: the least server / (raw echo + single-row INSERT)", "bound: the same / INSERT+NOTIFY → listener",
          "bound: the least server with the raw batched UPDATE / raw echo",
          "Ack, 256 in flight / raw echo", "one message to all subscribers, p50 / raw gRPC streams",
          "an idle subscriber", "all idle subscribers", "reconnection after a restart", "inbox.Get(), nothing pending",
          "its allocations")


def compare(tmp_path, *arguments, path=None):
    environment = dict(os.environ, **({"PATH": str(path)} if path else {}))
    return subprocess.run([HERE / "compare", "--directory", tmp_path, *arguments], capture_output=True, text=True,
                          env=environment, timeout=240, check=False)


def verdicts(directory):
    return {target["name"]: target["verdict"] for target in json.loads((directory / "results.json").read_text())["targets"]}


@pytest.fixture(name="without_rivals")
def path_without_rivals(tmp_path):
    """A PATH that holds the programs of the rig, and no rival."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for program in ("setpriv", "git"):
        (directory / program).symlink_to(shutil.which(program))
    return directory


def test_the_table_tells_of_every_target(tmp_path):
    done = compare(tmp_path, "--quick", "--output", tmp_path / "out", "--only", *MEASURED)
    assert done.returncode == 0, done.stderr
    found = verdicts(tmp_path / "out")
    assert {name for name, verdict in found.items() if verdict in TOLD} == set(RATIOS), done.stdout
    assert {verdict for name, verdict in found.items() if name not in RATIOS} == {"not run"}
    results = (tmp_path / "out" / "RESULTS.md").read_text()
    for name in found:
        assert name in done.stdout and f"| {name} |" in results
    for name in MEASURED:
        assert re.search(rf"^\| {name} \| .*\d", results, re.MULTILINE), f"no figure of {name}"
        assert f"round 1/1 {name} " in done.stderr


def test_a_rival_that_is_not_installed_is_named(tmp_path, without_rivals):
    done = compare(tmp_path, "--quick", "--output", tmp_path / "out", "--only", "publish", "etcd-put", "etcd-watch",
                   path=without_rivals)
    assert done.returncode == 0, done.stderr
    found = verdicts(tmp_path / "out")
    assert found["Publish, 256 in flight, many runs / etcd put"] == "missing: etcd is not installed"
    assert "missing: etcd is not installed" in done.stdout


def test_a_measurement_that_fails_is_told_and_fails_the_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_BENCH", "/bin/false")
    done = compare(tmp_path, "--quick", "--output", tmp_path / "out", "--only", "publish")
    assert done.returncode == 1
    assert verdicts(tmp_path / "out")["the same / raw gRPC echo"].startswith("failed: ")


def test_an_unknown_name_is_refused(tmp_path):
    done = compare(tmp_path, "--only", "nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
