"""The package is typed: a user's strict file passes, a wrong one does not, and the stubs match."""

import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2] / "client/python/pyproject.toml"
USER = pathlib.Path(__file__).with_name("typed_user.py")


def mypy(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null",
                           *arguments], capture_output=True, text=True, timeout=300, cwd=cwd)


def test_a_strict_user_passes(tmp_path):
    done = mypy(str(USER), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_itself_passes(tmp_path):
    done = mypy("--config-file", str(PROJECT), "-p", "signalbox", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_are_found(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import signalbox as sb\n"
                     "sb.get_message(1)\n"
                     "sb.publish_message('r1', 'save', b'bytes', ttl='soon')\n"
                     "sb.get_message('a').ack()\n"
                     "sb.Client().wait('m1')\n")
    done = mypy(str(wrong), cwd=tmp_path)
    lines = {line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line}
    assert done.returncode == 1 and lines == {"2", "3", "4", "5"}, done.stdout


def test_the_stubs_match_the_binding(tmp_path):
    done = subprocess.run([sys.executable, "-m", "mypy.stubtest", "--ignore-missing-stub", "signalbox._core"],
                          capture_output=True, text=True, timeout=300, cwd=tmp_path)
    missing = [line for line in done.stdout.splitlines() if "is not present at runtime" in line]
    assert missing == [], done.stdout
