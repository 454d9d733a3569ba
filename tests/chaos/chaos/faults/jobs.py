"""Faults as a training job meets them, through the client library."""

import time
from contextlib import ExitStack, contextmanager

from chaos.faults.fault import Fault, not_root
from chaos.jobs import Job, Publisher
from chaos.namespace import Namespace
from rig.postgres import free_port
from rig.server import Server
from rig.waiting import eventually

_SLOW_SHARE = 0.001  # Of calls, above 20 µs,
_FEW = 10  # and so many that are forgiven, because hardware and hypervisor interrupt too.
_NOTICED_WITHIN, _FREED_WITHIN = 15, 45
_SLACK = 10  # Seconds that a busy machine may take besides.
_PAUSE_MS = 20  # Of a job after each step, where hot calls do not matter.


def hot_loop(scene, times):
    """The job reads its inbox all the time while everything below it breaks."""
    (replica,) = scene.cluster.replicas
    with Publisher(replica.server.address) as publisher, Job(replica.clients.address, publisher.run) as job:
        job.streams()
        job.phase("healthy")
        publisher.keep_on(0.2)
        job.wait_seen(5, 30)
        for _ in range(times):
            silent = scene.rng.choice((_one_byte_a_second, _black_hole))
            for breakage in (_killed, _refused, _without_postgres, silent):
                with breakage(scene.cluster, replica):
                    job.phase(breakage.__name__.strip("_"))
                    job.wait_state(("POLLING", "STALE"), _NOTICED_WITHIN + _SLACK)
                    time.sleep(1)  # For the calls of the job meanwhile.
                job.phase("recovery")
                job.streams(60)
        job.wait_handled(publisher.leave_off())
        return _hot_calls(job.stop())


@contextmanager
def _killed(cluster, replica):
    replica.kill()
    yield
    replica.start()


@contextmanager
def _refused(cluster, replica):
    replica.clients.set(refuse=True)
    replica.clients.end("reset")
    yield
    replica.clients.set(refuse=False)


@contextmanager
def _one_byte_a_second(cluster, replica):
    replica.clients.set(rate=1)
    yield
    replica.clients.set(rate=0)
    replica.clients.end("cut")


@contextmanager
def _black_hole(cluster, replica):
    replica.clients.set(freeze=["up", "down"])
    yield
    replica.clients.set(freeze=[])


@contextmanager
def _without_postgres(cluster, replica):
    cluster.postgres.stop()
    yield
    cluster.postgres.start()


def _hot_calls(phases):
    """What was measured in all phases of one name, the worst of each, and what broke the promise."""
    worst = {}
    for phase in phases:
        name = phase.pop("name")
        known = worst.setdefault(name, phase)
        for what, value in phase.items():
            known[what] = max(known[what], value)
    broken = [f"{name}: {phase}" for name, phase in worst.items()
              if phase["slow_calls"] > phase["calls"] * _SLOW_SHARE + _FEW or phase["system_calls"]]
    return {"phases": worst, **({"broken": broken} if broken else {})}


def lose_network(scene, times):
    """The cable between job and server is pulled out, at one end or the other, and nobody is told."""
    (replica,) = scene.cluster.replicas
    noticed, freed, delivered = [], [], []
    with ExitStack() as stack:
        namespace = stack.enter_context(Namespace())
        server = _server_at(f"{namespace.host}:{free_port()}", scene.cluster)
        stack.callback(server.close)
        publisher = stack.enter_context(Publisher(replica.server.address))
        job = stack.enter_context(Job(server.address, publisher.run, _PAUSE_MS, namespace.prefix))
        for number in range(times):
            job.streams()
            eventually(lambda: _connections(server) == 1, 10, what="one connection")
            job.wait_seen(publisher.publish(), 30)
            end = ("host", "client")[(number + scene.rng.randrange(2)) % 2]
            namespace.set(end, "down")
            lost = time.monotonic()
            missed = publisher.publish()
            noticed.append(job.wait_state(("POLLING", "STALE"), _NOTICED_WITHIN + _SLACK) - lost)
            eventually(lambda: _connections(server) == 0, _FREED_WITHIN + _SLACK, what="no connection")
            freed.append(time.monotonic() - lost)
            namespace.set(end, "up")
            back = time.monotonic()
            delivered.append(job.wait_seen(missed, 60) - back)
        job.wait_handled(publisher.stored)
        job.stop()
    return {"losses": times, "slowest notice, s": round(max(noticed), 1),
            "slowest to be freed, s": round(max(freed), 1), "slowest delivery when it is back, s": round(max(delivered), 1)}


def _server_at(address, cluster):
    """One more server, which others than this machine reach."""
    server = Server(cluster.directory, "--database-url", cluster.postgres.url(cluster.database), "--listen", address,
                    "--allow-insecure-network", listen=False)
    server.address = address
    return server.start()


def _connections(server):
    """So many are established at the server's port, as the kernel has it."""
    port = f":{int(server.address.split(':')[1]):04X}"
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as lines:
            count += sum(line.split()[1].endswith(port) and line.split()[3] == "01" for line in lines)
    return count


FAULTS = [
    Fault("hot-loop", "reading never waits, and everything is handled once and in order", hot_loop, short=1, long=30,
          load=None, replicas=1),
    Fault("lost-network", "noticed within 15 s, freed within 45 s, nothing lost", lose_network, short=1, long=20,
          load=None, replicas=1, missing=not_root),
]
