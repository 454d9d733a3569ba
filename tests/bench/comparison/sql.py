"""Statements by hand, through psql."""

import subprocess

from comparison.program import Failed
from rig.postgres import binary


def run_sql(url, statements):
    """Runs them and returns the lines that were printed."""
    done = subprocess.run([binary("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"],
                          input=statements, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-300:])
    return done.stdout.splitlines()
