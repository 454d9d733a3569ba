"""The wheel in an environment of its own (check_wheel): it brings all its libraries, and a training is steered."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

import signalbox as sb
from live_server import environment, eventually

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "client/python/examples/digits_numpy.py"
COMMAND = pathlib.Path(sys.executable).with_name("signalbox")


def libraries(pid="self"):
    """The shared libraries that a process has loaded."""
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {pathlib.Path(line.split(maxsplit=5)[5]) for line in lines if ".so" in line}


def assert_all_are_the_wheels_own(loaded):
    kin = {path for path in loaded
           if any(name in path.name for name in ("grpc", "protobuf", "absl", "gpr", "upb", "cares", "re2"))}
    package = pathlib.Path(sb.__file__).parent.with_name("signalbox.libs")
    assert any("grpc" in path.name for path in kin)
    assert {path for path in kin if path.parent != package} == set()


@pytest.fixture
def job(server, tmp_path):
    """A training as a user starts it, and what it has printed."""
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([sys.executable, str(EXAMPLE), "tests/wheel"], cwd=tmp_path, stdout=log, stderr=log,
                                   env=environment(SIGNALBOX_ADDRESS=server.address))
    yield process, (tmp_path / "log").read_text
    process.kill()
    process.wait()


def test_the_package_is_the_installed_one():
    assert pathlib.Path(sb.__file__).is_relative_to(sys.prefix)
    assert_all_are_the_wheels_own(libraries())


def test_a_training_is_steered_from_outside(client, server, job):
    process, log = job

    def steer(key, value):
        """`signalbox publish --wait` in another terminal; returns the receipt."""
        done = subprocess.run([str(COMMAND), "publish", "--run", run, "--key", key, "--value", value, "--wait", "--json"],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env=environment(SIGNALBOX_ADDRESS=server.address))
        return json.loads(done.stdout)["message"]

    def reports(after):
        """The lines of the training from that step on, without the step."""
        found = re.findall(r"^step (\d+)  (loss .*)$", log(), re.MULTILINE)
        return [text for step, text in found if int(step) > int(after)]

    run = eventually(lambda: re.match(r"run (\S+)  tests/wheel#1\n", log()), 60, what="the run")[1]
    assert eventually(lambda: reports(0), 60, what="training")[0].endswith("rate 0.1")
    assert_all_are_the_wheels_own(libraries(process.pid))

    receipt = steer("learning-rate", "0.02")
    assert (receipt["state"], receipt["reply"]) == ("APPLIED", {"previous": 0.1, "current": 0.02})
    assert eventually(lambda: reports(receipt["step"]), 60, what="training")[0].endswith("rate 0.02")
    receipt = steer("learning-rate", "fast")
    assert receipt["state"] == "FAILED" and "could not convert" in receipt["error"]

    # A receipt and a line could both be wrong; a training whose rate is nothing stands still.
    receipt = steer("learning-rate", "0")
    assert receipt["state"] == "APPLIED"
    still = eventually(lambda: reports(receipt["step"])[1:], 60, what="training")
    assert still[0] == reports(receipt["step"])[0] and still[0].endswith("rate 0")

    receipt = steer("stop", "true")
    assert receipt["state"] == "APPLIED"
    assert process.wait(60) == 0, log()
    assert log().endswith(f"stopped at step {receipt['step']}\n")
    assert client.get_run(run).outcome == "STOPPED"
