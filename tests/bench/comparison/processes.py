"""What is measured on processes of the server that are started for it."""

import re
import subprocess
import time

from comparison.program import Failed, command, measure, result_of
from comparison.startup import time_server_start

_LONGEST = 300
_HEARTBEAT = 4.5  # Seconds; as often as Signalbox does.
_QUIET_RUNS = "quiet"  # Prefix of runs that nobody else publishes to: what is pending would be delivered first.


def _idle(systems, subcommand, server, pid, **options):
    try:
        return measure(subcommand, address=server.address, server_pid=pid, subscribers=systems.scale.idle,
                       seconds=systems.scale.idle_seconds, **options)
    finally:
        server.close()


def idle_subscribers(systems):
    """Memory and CPU of a replica that has served nobody else."""
    server = systems.new_replica("idle")
    return _idle(systems, "idle-subscribers", server, server.process.pid, run_prefix=_QUIET_RUNS)


def idle_listeners(systems):
    """The same of an echo server that sends heartbeats."""
    server = systems.new_echo("echo-idle", heartbeat=_HEARTBEAT)
    return _idle(systems, "echo-idle-subscribers", server, server.pid)


def _peak_kb(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^VmHWM:\s+(\d+)", status.read(), re.MULTILINE)[1])


def reconnect(systems):
    """Restarts a replica under its subscribers: the seconds from its first answer until all are synced."""
    server = systems.new_replica("reconnect")
    try:
        inboxes = subprocess.Popen(command("reconnect", address=server.address, subscribers=systems.scale.reconnects,
                                           run_prefix=_QUIET_RUNS),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            said = inboxes.stderr.readline()
            if said != "ready\n":
                raise Failed(said + inboxes.stderr.read())
            server.terminate()
            server.start()
            served = time.monotonic()
            output, errors = inboxes.communicate(timeout=_LONGEST)
        finally:
            inboxes.kill()
            inboxes.wait()
        result = result_of(inboxes.returncode, output, errors)
        return {**result, "seconds": max(0.0, result["monotonic_seconds"] - served),
                "server_peak_kb": _peak_kb(server.process.pid)}
    finally:
        server.close()


def start_postgres(systems):
    """Postgres's own start on an existing cluster."""
    cluster = systems.startup_cluster
    seconds = cluster.time_start()
    cluster.stop()
    return {"seconds": seconds}


def start_server(systems):
    """The server's start on an existing cluster, until its first answer."""
    server = systems.startup_server
    seconds = time_server_start(server)
    server.terminate()
    return {"seconds": seconds}
