"""Clocks that jump, jobs that are stopped for long, and names that move."""

import itertools
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, contextmanager

from chaos.faults.fault import Fault, not_root
from chaos.jobs import Job, Publisher
from rig.processor import processor_seconds
from rig.server import Server
from rig.waiting import eventually

_SLACK = 10  # Seconds that a busy machine may take besides.
_PAUSE_MS = 100  # Of a job after each step, so that its processor time is mostly that of the library.
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
_JUMPS = (("-3650d", "+3650d"), ("+3650d", "-3650d"), ("+0", "+0"))  # Of the server, of the job.
_BELIEVED_FOR = 1.5  # Seconds at most until a process sees that its clock jumped.
_LONGEST_SILENCE = 15  # Seconds after which a library gives a stream up.
_IDLE_SHARE = 2  # Percent of a processor, with what the job does itself.
_IDLE_SLACK = 6
_STOPPED = 20  # Seconds.
_NOTICED_WITHIN = 6  # Seconds: a connection has 5 to answer a ping.
_RESUMED_WITHIN = 1  # Seconds after it was noticed.
# Seconds until a client tries the new address of a name. That is not the library's to hurry: gRPC looks a name up every
# 2 s at most, and each time only when the attempt to connect before, within 1 s, has failed.
_FOUND_WITHIN = 5
_STAYS = 5  # Seconds, of a name with its address: streams that live for less are opened the less often.
_ESTABLISHED = "01"  # In the kernel's table.


class _Clock:
    """The wall clock of some processes; the one that only counts stays as it is."""

    def __init__(self, directory, name):
        self._path = os.path.join(directory, f"{name}.clock")
        self.jump("+0")
        # Behind it the two libraries with the ordinary allocator: libfaketime and jemalloc, with which the server
        # is linked, wait for each other to begin.
        self.env = {"LD_PRELOAD": f"{_FAKETIME} libc.so.6 libstdc++.so.6", "FAKETIME_TIMESTAMP_FILE": self._path,
                    "DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1"}

    def jump(self, offset):
        """Seen within a second, which is for how long a process believes what it read."""
        with open(self._path + ".new", "w") as file:
            file.write(offset + "\n")
        os.replace(self._path + ".new", self._path)


def jump_clocks(scene, times):
    """Ten years forth and back, on the server and on the job, and the stream goes on as if nothing were."""
    (replica,) = scene.cluster.replicas
    most = {"server": 0.0, "job": 0.0}
    slowest = 0.0
    with ExitStack() as stack:
        clocks = {name: _Clock(scene.cluster.directory, name) for name in most}
        server = Server(scene.cluster.directory, *replica.server.arguments[:2], env=clocks["server"].env).start()
        stack.callback(server.close)
        publisher = stack.enter_context(Publisher(server.address))
        job = stack.enter_context(Job(server.address, publisher.run, _PAUSE_MS, env=clocks["job"].env))
        pids = {"server": server.process.pid, "job": job.pid}
        job.streams()
        jumps = itertools.cycle(_JUMPS if scene.rng.random() < 0.5 else _JUMPS[1::-1] + _JUMPS[2:])
        for _, offsets in zip(range(times), jumps):
            for clock, offset in zip(clocks.values(), offsets):
                clock.jump(offset)
            time.sleep(_BELIEVED_FOR)  # What it takes while it still was set back is not of this jump.
            shares = _shares(pids, lambda: _silence_would_be_noticed(job))
            for offset, (name, share) in zip(offsets, shares.items()):
                # When set back, gRPC's timers spin: they wait for a time of day, which libfaketime does not translate.
                if not offset.startswith("-"):
                    most[name] = max(most[name], share)
            published = time.monotonic()
            slowest = max(slowest, job.wait_seen(publisher.publish(), 30) - published)
        job.wait_handled(publisher.stored)
        states = [state for _, state in job.states]
        job.stop()
    for name, share in most.items():
        scene.limit(f"processor of the {name}, %", 100 * share, _IDLE_SHARE, _IDLE_SLACK)
    if states[-1] != "STREAMING" or "POLLING" in states or "STALE" in states:
        scene.broken.append(f"the states of the job: {states}")
    return {"jumps": times, "slowest delivery, s": round(slowest, 2),
            "most of a processor, not set back, %": {name: round(100 * share, 1) for name, share in most.items()}}


def _silence_would_be_noticed(job):
    """Waits for so long, or until the job notices something."""
    until = time.monotonic() + _LONGEST_SILENCE + 3
    eventually(lambda: time.monotonic() > until or job.state() != "STREAMING", 60, interval=0.2, what="a while")


def _shares(pids, wait):
    """Which part of a processor each process takes during `wait()`, by its name."""
    began, before = time.monotonic(), {name: processor_seconds(pid) for name, pid in pids.items()}
    wait()
    seconds = time.monotonic() - began
    return {name: (processor_seconds(pid) - before[name]) / seconds for name, pid in pids.items()}


def stop_job(scene, times):
    """A job that is stopped, as by a debugger or a closed laptop, while the network forgets its connection."""
    (replica,) = scene.cluster.replicas
    noticed, delivered = [], []
    with Publisher(replica.server.address) as publisher, Job(replica.clients.address, publisher.run,
                                                             _PAUSE_MS) as job:
        for _ in range(times):
            job.streams()
            os.kill(job.pid, signal.SIGSTOP)
            replica.clients.end("forget")
            missed = publisher.publish()
            time.sleep(_STOPPED * (1 if times == 1 else scene.rng.uniform(1, 9)))
            os.kill(job.pid, signal.SIGCONT)
            went_on = time.monotonic()
            seen = job.wait_seen(missed, 60)
            noticed.append(next(when for when, state in job.states if when > went_on and state != "STREAMING"))
            delivered.append(seen - noticed[-1])
            noticed[-1] -= went_on
        job.streams()
        job.wait_handled(publisher.stored)
        job.stop()
    scene.limit("slowest notice, s", max(noticed), _NOTICED_WITHIN, _SLACK)
    scene.limit("slowest delivery after the notice, s", max(delivered), _RESUMED_WITHIN, _SLACK)
    return {"stops": times, "slowest notice after it, s": round(max(noticed), 2),
            "slowest delivery after the notice, s": round(max(delivered), 2)}


def move_name(scene, times):
    """The server's name gets another address, where another server is; the one before is gone."""
    (replica,) = scene.cluster.replicas
    port = replica.server.address.split(":")[1]
    other = Server(scene.cluster.directory, *replica.server.arguments[:2], "--listen", f"127.0.0.2:{port}",
                   listen=False)
    other.address = f"127.0.0.2:{port}"
    hosts = os.path.join(scene.cluster.directory, "hosts")
    found, resumed = [], []
    with ExitStack() as stack:
        stack.callback(other.close)
        bystander = stack.enter_context(_bystander(scene.cluster, replica))
        publisher = stack.enter_context(Publisher(bystander.address))
        _write_hosts(hosts, replica.server)
        job = stack.enter_context(Job(f"signalbox.test:{port}", publisher.run, _PAUSE_MS, _with_hosts(hosts)))
        here, there = replica.server, other
        for _ in range(times):
            job.streams()
            here.kill()
            missed = publisher.publish()
            there.start()
            eventually(lambda: not _is_connected(there), 10, what="the end of all connections but the job's")
            _write_hosts(hosts, there)
            moved = time.monotonic()
            connected = eventually(lambda: _is_connected(there) and time.monotonic(), 60, interval=0.005,
                                   what="a connection to the new address")
            found.append(connected - moved)
            resumed.append(job.wait_seen(missed, 60) - connected)
            here, there = there, here
            if scene.is_long:
                time.sleep(_STAYS)
        job.streams()
        job.wait_handled(publisher.stored)
        job.stop()
    scene.limit("slowest connection to the new address, s", max(found), _FOUND_WITHIN, _SLACK)
    scene.limit("slowest delivery after that, s", max(resumed), _RESUMED_WITHIN, _SLACK)
    return {"moves": times, "slowest connection to the new address, s": round(max(found), 2),
            "slowest delivery after that, s": round(max(resumed), 2)}


def _is_connected(server):
    """Whether somebody is, as the kernel has it."""
    host, port = server.address.split(":")
    local = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{int(port):04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):  # gRPC listens in IPv6, to which addresses of IPv4 are mapped.
        with open(table) as lines:
            if any(line.split()[1].endswith(local) and line.split()[3] == _ESTABLISHED for line in lines):
                return True
    return False


@contextmanager
def _bystander(cluster, replica):
    """A server for those who publish."""
    server = Server(cluster.directory, *replica.server.arguments[:2]).start()
    yield server
    server.close()


def _write_hosts(path, server):
    with open(path, "w") as file:  # In place, because it is mounted.
        file.write(f"127.0.0.1 localhost\n{server.address.split(':')[0]} signalbox.test\n")


def _with_hosts(path):
    """Executes a command that sees this file as /etc/hosts."""
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$0" /etc/hosts && exec "$@"', path)


FAULTS = [
    Fault("clock-jumps", "nobody notices", jump_clocks, short=1, long=60, load=None, replicas=1),
    Fault("stopped-job", "it goes on within seconds, and nothing is lost", stop_job, short=1, long=20,
          load=None, replicas=1),
    Fault("moved-name", "the new address is found, and nothing is lost", move_name, short=2, long=40, load=None,
          replicas=1, missing=not_root),
]
