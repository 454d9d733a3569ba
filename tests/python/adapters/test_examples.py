"""The examples of client/python/examples, as a user runs them."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from live_server import environment

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "client/python/examples"


@pytest.fixture
def start(server, tmp_path):
    """Starts digits_torch.py in a folder of its own."""
    started = []

    def start(*arguments, address=server.address):
        started.append(subprocess.Popen(
            [sys.executable, "-u", str(EXAMPLES / "digits_torch.py"), *arguments], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(SIGNALBOX_ADDRESS=address)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_script_is_steered_from_outside(client, start, tmp_path):
    job = start("--create-run", "tests/digits-torch", "--epochs", "0")
    word, run, name = job.stdout.readline().split()
    assert word == "run" and name.startswith("tests/digits-torch#")
    assert job.stdout.readline().startswith("epoch 1  step 45  loss ")
    done = {}
    for key, value in [("learning-rate", 0.02), ("learning-rate", "fast"), ("dropout", 0.2), ("save", True),
                       ("evaluate", True), ("stop", True)]:
        sent = client.publish(run, key, value).message
        done[key, value] = client.await_message(sent.id, 60)
    assert [message.state for message in done.values()] == ["APPLIED", "FAILED"] + ["APPLIED"] * 4
    assert done["learning-rate", 0.02].reply["current"] == pytest.approx(0.02, rel=1e-3)
    assert done["save", True].reply["path"].startswith(str(tmp_path / "checkpoints"))
    assert pathlib.Path(done["save", True].reply["path"]).exists()
    assert 0.1 < done["evaluate", True].reply["accuracy"] <= 1
    rest, errors = job.communicate(timeout=60)
    assert job.returncode == 0 and f"stopped at step {done['stop', True].step}" in rest and errors == ""
    assert client.get_run(run).outcome == "STOPPED"


def test_the_script_trains_without_a_run(start):
    job = start("--epochs", "2")
    lines, errors = job.communicate(timeout=60)
    assert job.returncode == 0 and float(lines.split()[-1]) > 0.7
    assert errors.count("RuntimeWarning: signalbox: the training cannot be steered") == 1


def test_the_notebook_runs(server, script, tmp_path):
    """Its cells one after the other, without Jupyter; what they printed is kept in the notebook."""
    notebook = json.loads((EXAMPLES / "digits_torch.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in code[1:]) and "error" not in str([cell["outputs"] for cell in code])
    folder = tmp_path / "client/python/examples"
    shutil.copytree(EXAMPLES, folder)
    (tmp_path / "client/examples").symlink_to(EXAMPLES.parents[1] / "examples")
    source = f"import os, sys\nos.chdir({str(folder)!r})\nsys.path.insert(0, '')\n"
    source += "\n".join("".join(cell["source"]) for cell in code)
    done = script(source, env={"SIGNALBOX_ADDRESS": server.address})
    assert done.returncode == 0, done.stderr
    assert "STOPPED" in done.stdout
