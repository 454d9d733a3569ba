"""What building the package says when it cannot be built."""

import pathlib
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "client/python"


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=PACKAGE, capture_output=True, text=True, timeout=180,
                          stdin=subprocess.DEVNULL)


def test_a_missing_library_leads_to_the_set_up(tmp_path):
    done = run("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={tmp_path}",
               f"--config-settings=build-dir={tmp_path}/build",
               "--config-settings=cmake.define.CMAKE_DISABLE_FIND_PACKAGE_absl=ON", ".")
    assert done.returncode != 0 and "deploy/setup" in done.stderr + done.stdout
    assert "deprecated" not in done.stderr + done.stdout


def test_a_source_distribution_is_refused(tmp_path):
    done = run("-c", "import sys, scikit_build_core.build as b; b.build_sdist(sys.argv[1])", str(tmp_path))
    assert done.returncode != 0 and "client/python/build-wheel" in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []
