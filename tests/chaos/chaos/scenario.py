"""One fault from beginning to end: cluster, traffic, injection, healing, verdict."""

import os
import random
import shutil
import time
import traceback

from chaos.checker import check
from chaos.cluster import Cluster
from chaos.faults.fault import Scene
from chaos.load import Load

_SLACK_MS = 5000  # That a busy machine may take besides.


def run_fault(fault, seed, times, directory, is_long=False, keep=False):
    """Returns (holds, summary). The history stays in `directory` when a promise was broken, or to `keep` it."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    began = time.monotonic()
    scene = Scene(random.Random(seed), fault.scale, is_long)
    summary = {"fault": fault.name, "seed": seed, "times": times, "broken": scene.broken}
    try:
        summary["measured"] = _inject(fault, scene, seed, times, directory)
        if fault.load is not None:
            summary.update(check(directory).summary())
            _limit_delivery(fault, scene, summary["delivery_ms"])
    except Exception:  # An environment that does not come back is a finding too.
        summary["failure"] = traceback.format_exc()
    summary["seconds"] = round(time.monotonic() - began)
    holds = not (summary.get("failure") or summary.get("violations") or scene.broken)
    if holds and not keep:
        shutil.rmtree(directory)
    return holds, summary


def _limit_delivery(fault, scene, delivery_ms):
    if fault.delivery_p99_ms is not None:
        if delivery_ms:
            scene.limit("delivery p99, ms", delivery_ms["p99"], fault.delivery_p99_ms, _SLACK_MS)
        else:
            scene.broken.append("nothing was delivered")


def _inject(fault, scene, seed, times, directory):
    with Cluster(seed, fault.replicas, fault.flags, fault.databases) as scene.cluster:
        try:
            if fault.load is None:
                measured = fault.inject(scene, times)
            else:
                measured = _inject_under_load(fault, scene, seed, times, directory)
            scene.broken += measured.pop("broken", [])
            return measured
        finally:
            scene.broken += scene.cluster.crashes()
            scene.cluster.keep_logs(directory)


def _inject_under_load(fault, scene, seed, times, directory):
    with Load(scene.cluster, directory, seed, **fault.load) as scene.load:
        scene.load.go_on(20)
        measured = fault.inject(scene, times)
        scene.cluster.heal()
        scene.load.go_on(20)
        scene.load.settle()
    return measured
