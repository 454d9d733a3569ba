"""Faults as a training job meets them, through the client library."""

import os
import signal
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
_WAITS = 1  # In a phase, of a GetAll() for the memory of what it returns. A lock in the library would show more often.
_CALLS = 150_000  # That are measured of each kind of breakage, at least.
_AGAIN_EVERY = 0.2  # Seconds, for what is broken all the time.
_NOTICED_WITHIN, _FREED_WITHIN = 15, 45
_SLACK = 10  # Seconds that a busy machine may take besides.
_PAUSE_MS = 20  # Of a job after each step, where hot calls do not matter.


def hot_loop(scene, times):
    """The job reads its inbox all the time while everything below it breaks. What happens to the network happens on
    an edge of its own, before HAProxy; what happens to servers happens to all of them."""
    cluster = scene.cluster
    edge = cluster.proxy.edge("job", *cluster.balanced.split(":"))
    with Publisher(cluster.balanced) as publisher, Job(edge.address, publisher.run) as job:
        job.streams()
        _measure(job, "healthy", _nothing)
        publisher.keep_on(0.2)
        job.wait_seen(5, 30)
        for _ in range(times):
            for breakage in scene.rng.sample(_BREAKAGES, len(_BREAKAGES)):
                with breakage(scene, edge) as again:
                    _measure(job, breakage.__name__.strip("_"), again)
                job.phase("recovery")
                job.streams(60)
        job.wait_handled(publisher.leave_off())
        return _hot_calls(scene, job.stop())


def _measure(job, phase, again):
    """Until there are enough calls. `again()` is done all the time; without it, the library must have noticed."""
    job.phase(phase)
    if again is None:
        job.wait_state(("POLLING", "STALE"), _NOTICED_WITHIN + _SLACK)
    eventually(lambda: again and again() or job.calls_in(phase) >= _CALLS, 120, _AGAIN_EVERY, f"{_CALLS} calls")


def _nothing():
    pass


@contextmanager
def _killed(scene, _):
    for replica in scene.cluster.replicas:
        replica.kill()
    yield
    for replica in scene.cluster.replicas:
        replica.start()


@contextmanager
def _stopped(scene, _):
    for replica in scene.cluster.replicas:
        os.kill(replica.pid, signal.SIGSTOP)
    yield
    for replica in scene.cluster.replicas:
        os.kill(replica.pid, signal.SIGCONT)


@contextmanager
def _restarted_in_turn(scene, _):
    def restart():
        for replica in scene.cluster.replicas:
            status = replica.server.terminate()
            assert status == 0, f"{replica.name} ended with {status}"
            replica.clients.set(refuse=True)  # For HAProxy to go elsewhere.
            replica.start()
            replica.server.wait_serving()
            replica.clients.set(refuse=False)

    yield restart


@contextmanager
def _without_postgres(scene, _):
    scene.cluster.postgres.stop()
    yield
    scene.cluster.postgres.start()


@contextmanager
def _refused(_, edge):
    edge.set(refuse=True)
    edge.end("reset")
    yield
    edge.set(refuse=False)


@contextmanager
def _black_hole(_, edge):
    edge.set(freeze=["up", "down"])
    yield
    edge.set(freeze=[])


@contextmanager
def _one_byte_a_second(_, edge):
    edge.set(rate=1)
    yield
    edge.set(rate=0)
    edge.end("cut")


@contextmanager
def _cut_and_half_closed(scene, edge):
    def end():
        edge.end(scene.rng.choice(("cut", "half_close")), seed=scene.rng.randrange(1 << 31))

    yield end


@contextmanager
def _delayed(_, edge):
    edge.set(delay=200)
    yield _nothing
    edge.set(delay=0)


_BREAKAGES = (_killed, _stopped, _restarted_in_turn, _without_postgres, _refused, _black_hole, _one_byte_a_second,
              _cut_and_half_closed, _delayed)


def _hot_calls(scene, phases):
    """What was measured, the worst of all phases of one name; each of them must keep the promise."""
    if not all(sum(phase[what] for phase in phases) for what in ("full_gets", "full_get_alls")):
        scene.broken.append("no read has returned anything")
    worst = {}
    for phase in phases:
        name = phase.pop("name")
        is_slow = phase["slow_calls"] > phase["calls"] * _SLOW_SHARE + _FEW
        if is_slow or phase["system_calls"] or phase["allocator_waits"] > _WAITS:
            scene.broken.append(f"{name}: {phase}")
        known = worst.setdefault(name, dict(phase))
        for what, value in phase.items():
            known[what] = max(known[what], value)
    return {"phases": worst}


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
            noticed.append(job.wait_state(("POLLING", "STALE"), 2 * _NOTICED_WITHIN) - lost)
            eventually(lambda: _connections(server) == 0, 2 * _FREED_WITHIN, what="no connection")
            freed.append(time.monotonic() - lost)
            namespace.set(end, "up")
            back = time.monotonic()
            delivered.append(job.wait_seen(missed, 60) - back)
        job.wait_handled(publisher.stored)
        job.stop()
    scene.limit("slowest notice, s", max(noticed), _NOTICED_WITHIN, _SLACK)
    scene.limit("slowest to be freed, s", max(freed), _FREED_WITHIN, _SLACK)
    return {"losses": times, "slowest notice, s": round(max(noticed), 1),
            "slowest to be freed, s": round(max(freed), 1),
            "slowest delivery when it is back, s": round(max(delivered), 1)}


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
          load=None),
    Fault("lost-network", "noticed within 15 s, freed within 45 s, nothing lost", lose_network, short=1, long=20,
          load=None, replicas=1, missing=not_root),
]
