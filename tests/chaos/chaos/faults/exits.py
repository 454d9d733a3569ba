"""Programs that use the client library (`exits.cc`) and end, in every way and in every state of the server."""

import itertools
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from chaos.faults.fault import Fault
from rig.client import Client
from rig.postgres import free_port
from rig.server import environment

_STATUS = {"return": 5, "exit": 6, "_exit": 7, "exception": -signal.SIGABRT, "SIGINT": -signal.SIGINT,
           "SIGTERM": -signal.SIGTERM, "abort": -signal.SIGABRT, "static": 8, "closed": 9, "threads-return": 10,
           "threads-exit": 11}
_WITHIN = 2
_SLACK = 5  # Seconds that a busy machine may take besides.
_AT_ONCE = 4

# LeakSanitizer takes for lost, in a forked process, what the threads hold that are not there any more.
_FORKED = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')} detect_leaks=0".strip()}


def end_programs(scene, times):
    (replica,) = scene.cluster.replicas
    client = Client(replica.server.address)
    run = client.create_run().id
    client.close()
    black_hole = scene.cluster.proxy.edge("black-hole", *replica.server.address.split(":"))
    black_hole.set(freeze=["up", "down"])
    addresses = {"up": replica.server.address, "refused": f"127.0.0.1:{free_port()}",
                 "black hole": black_hole.address}
    cases = list(itertools.product(_STATUS, ("", "fork"), addresses))
    scene.rng.shuffle(cases)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(lambda case: _end(*case, addresses, run), itertools.islice(itertools.cycle(cases), times)))
    slowest, case = max((seconds, case) for case, seconds, _ in done)
    scene.limit(f"slowest end ({case}), s", slowest, _WITHIN, _SLACK)
    broken = [f"{case}: {what}" for case, _, what in done if what]
    return {"ends": times, "of cases": len(cases), "slowest end, s": round(slowest, 2),
            "ends above 2 s": sum(seconds > _WITHIN for _, seconds, _ in done), "broken": broken}


def _end(how, fork, at, addresses, run):
    """Returns the case, the seconds that the end took, and what else was wrong, or None."""
    case = " ".join(filter(None, (how, fork, at)))
    command = [os.environ["SIGNALBOX_CHAOS_EXITS"], run, how, *([fork] if fork else [])]
    try:
        program = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                                 env=environment(SIGNALBOX_ADDRESS=addresses[at], **(_FORKED if fork else {})))
    except subprocess.TimeoutExpired:
        return case, 60, "it hangs"
    over = time.monotonic()
    expected = 128 - _STATUS[how] if fork and _STATUS[how] < 0 else _STATUS[how]
    if program.returncode != expected:
        return case, 0, f"ended with {program.returncode} instead of {expected}: {program.stderr}"
    return case, over - float(program.stdout.split()[-1]), None


FAULTS = [
    Fault("exits", "a program ends as it would without the client, and in time", end_programs, short=66, long=1000,
          load=None, replicas=1),
]
