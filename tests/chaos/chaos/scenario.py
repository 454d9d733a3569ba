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


def run_fault(fault, seed, times, directory, keep=False):
    """Returns (holds, summary). The history stays in `directory` when a promise was broken, or to `keep` it."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    began = time.monotonic()
    summary = {"fault": fault.name, "seed": seed, "times": times}
    try:
        summary["measured"] = _inject(fault, seed, times, directory)
        if fault.load is not None:
            summary.update(check(directory).summary())
            summary["late"] = _late(fault, summary)
    except Exception:  # An environment that does not come back is a finding too.
        summary["failure"] = traceback.format_exc()
    summary["seconds"] = round(time.monotonic() - began)
    holds = not any((summary.get("failure"), summary.get("violations"), summary.get("late"),
                     summary.get("measured", {}).get("broken")))
    if holds and not keep:
        shutil.rmtree(directory)
    return holds, summary


def _late(fault, summary):
    p99 = summary["delivery_ms"].get("p99", 0)
    is_late = fault.delivery_p99_ms is not None and p99 > fault.delivery_p99_ms + _SLACK_MS
    return f"99 of 100 messages within {p99} ms only" if is_late else ""


def _inject(fault, seed, times, directory):
    with Cluster(seed, fault.replicas, fault.flags, fault.databases) as cluster:
        try:
            if fault.load is None:
                measured = fault.inject(Scene(cluster, None, random.Random(seed)), times)
            else:
                measured = _inject_under_load(fault, cluster, seed, times, directory)
            crashes = cluster.crashes()
            return {**measured, **({"broken": crashes} if crashes else {})}
        finally:
            cluster.keep_logs(directory)


def _inject_under_load(fault, cluster, seed, times, directory):
    with Load(cluster, directory, seed, **fault.load) as load:
        load.go_on(20)
        measured = fault.inject(Scene(cluster, load, random.Random(seed), fault.scale), times)
        cluster.heal()
        load.go_on(20)
        load.settle()
    return measured
