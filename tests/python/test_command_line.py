"""`signalbox` and `python -m signalbox` are the same command."""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

import signalbox as sb
from live_server import environment

COMMANDS = [[sys.executable, "-m", "signalbox"], [str(pathlib.Path(sys.executable).with_name("signalbox"))]]


@pytest.fixture(params=COMMANDS, ids=["module", "script"])
def command(request):
    def run(*arguments, **env):
        return subprocess.run([*request.param, *arguments], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=environment(**env))

    return run


def test_tells_its_version(command):
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"signalbox {sb.__version__}\n")


def test_publishes(command, server, client, run):
    done = command("publish", "--run", run.id, "--key", "rate", "--value", "0.001", "--json",
                   SIGNALBOX_ADDRESS=server.address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["message"]["value"] == 0.001
    assert client.get(run, "rate").value == 0.001


def test_exits_with_the_command_s_status(command, server):
    done = command("get", "--run", "no-such-run", "--key", "rate", SIGNALBOX_ADDRESS=server.address)
    assert done.returncode != 0 and "NOT_FOUND" in done.stderr
    assert command("no-such-command").returncode == 2


def test_ctrl_c_ends_a_watch(server, client, run):
    client.publish(run, "save")
    watch = subprocess.Popen([*COMMANDS[0], "watch", "--run", run.id, "--json"], stdout=subprocess.PIPE, text=True,
                             stdin=subprocess.DEVNULL, env=environment(SIGNALBOX_ADDRESS=server.address))
    with watch:
        assert "save" in watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) in (-signal.SIGINT, 130)
