"""What is to be reached, as ratios within a round."""

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Target:
    """`value(figures)` takes the figures of one round by measurement; only those of `needs` may be used."""

    name: str
    needs: tuple
    value: Callable
    limit: float | None = None  # None: only reported.
    at_most: bool = False
    unit: str = "×"

    def is_met(self, value):
        return value <= self.limit if self.at_most else value >= self.limit

    def wanted(self):
        if self.limit is None:
            return "–"
        return f"{'≤' if self.at_most else '≥'} {self.limit:g} {self.unit}"


def _rates(name, measured, against, limit=None):
    return Target(name, (measured, against), lambda f: f[measured]["rate"] / f[against]["rate"], limit)


def _times(name, measured, against, limit=None):
    return Target(name, (measured, against), lambda f: f[measured]["p50_us"] / f[against]["p50_us"], limit,
                  at_most=True)


def _figure(name, measured, figure, limit, unit):
    return Target(name, (measured,), lambda f: f[measured][figure], limit, at_most=True, unit=unit)


def _single_publish(f):
    return f["publish-1"]["p50_us"] / (f["echo-1"]["p50_us"] + f["postgres-insert"]["p50_us"])


def _least_single_publish(f):
    return f["least-1"]["p50_us"] / (f["echo-1"]["p50_us"] + f["postgres-insert"]["p50_us"])


def _acks_in_calls(f):
    return f["ack-100"]["rate"] / min(60_000, 0.6 * f["postgres-acks"]["rate"])


TARGETS = (
    _rates("Publish, 256 in flight, many runs / etcd put", "publish", "etcd-put", 1.5),
    _rates("the same / raw gRPC echo", "publish", "echo", 0.75),
    _rates("Publish, one hot run / raw echo", "publish-hot", "echo", 0.8),
    _rates("bound: the least server, many runs / etcd put", "least", "etcd-put"),
    _rates("bound: the same / raw gRPC echo", "least", "echo"),
    _rates("bound: the least server, one hot run / raw echo", "least-hot", "echo"),
    _rates("Publish of a setting that replaces the last / raw echo", "publish-setting", "echo"),
    _rates("PublishMany of 100, 2 in flight / etcd put", "publish-many", "etcd-put", 2.2),
    _rates("the same / raw lock, sequence and insert in groups of 100", "publish-many", "postgres-groups", 0.8),
    _rates("bound: the least server, 100 in a call, 2 in flight / etcd put", "least-many", "etcd-put"),
    _rates("bound: the same / raw lock, sequence and insert in groups of 100", "least-many", "postgres-groups"),
    Target("Publish, 1 in flight, p50 / (raw echo + single-row INSERT)", ("publish-1", "echo-1", "postgres-insert"),
           _single_publish, 1.15, at_most=True),
    Target("bound: the least server / (raw echo + single-row INSERT)", ("least-1", "echo-1", "postgres-insert"),
           _least_single_publish),
    _times("publish → inbox, p50 / etcd put → watch", "deliver", "etcd-watch", 1.0),
    _times("publish → inbox, p50 / INSERT+NOTIFY → listener", "deliver", "postgres-notify", 1.3),
    _times("bound: the least server → bare stream / etcd put → watch", "least-deliver", "etcd-watch"),
    _times("bound: the same / INSERT+NOTIFY → listener", "least-deliver", "postgres-notify"),
    _times("publish → inbox across two replicas / same replica", "deliver-replica", "deliver", 2),
    _rates("Ack, 256 in flight / raw echo", "ack", "echo", 0.75),
    _rates("bound: the least server with the raw batched UPDATE / raw echo", "least-ack", "echo"),
    Target("Ack of 100 ids, 256 in flight / the lesser of 60,000/s and 0.6 × batched UPDATE", ("ack-100", "postgres-acks"),
           _acks_in_calls, 1),
    _rates("GetAll of 10 out of 1,000, 256 in flight / raw echo", "get-all", "echo", 0.5),
    _rates("Publish / JetStream with synchronous writes", "publish", "nats-synchronous", 5.5),
    _rates("bound: the least server, many runs / JetStream with synchronous writes", "least", "nats-synchronous"),
    _rates("Publish / JetStream as it is", "publish", "nats"),
    _rates("Publish / Redis, appendfsync always", "publish", "redis"),
    Target("one message to all subscribers, p50 / raw gRPC streams", ("fan-out", "echo-fan-out"),
           lambda f: f["fan-out"]["p50_us"] / f["echo-fan-out"]["p50_us"], 1.25, at_most=True),
    _figure("an idle subscriber", "idle-subscribers", "kb_per_subscriber", 45, "kB"),
    _figure("all idle subscribers", "idle-subscribers", "core_percent", 3, "% of a core"),
    _figure("bound: as many raw gRPC streams with heartbeats", "echo-idle-subscribers", "core_percent", None,
            "% of a core"),
    _figure("reconnection after a restart", "reconnect", "seconds", 10, "s"),
    _rates("Publish with history / without", "publish-history", "publish-no-history", 0.9),
    _rates("GetAll with history / without", "get-all-history", "get-all-no-history", 0.9),
    _rates("Subscribe with history / without", "subscribe-history", "subscribe-no-history", 0.9),
    _rates("ListMessages with history / without", "list-messages-history", "list-messages-no-history", 0.9),
    _figure("inbox.Get(), nothing pending", "inbox-get", "ns_per_get", 30, "ns"),
    _figure("its allocations", "inbox-get", "allocations", 0, "allocations"),
    _rates("inbox.Get() in 2 threads / in 1", "inbox-get-2", "inbox-get", 1.7),
    _figure("CPU of an idle inbox", "idle-inbox", "core_percent", 0.1, "% of a core"),
    Target("its threads beyond those of a bare stream", ("idle-inbox", "bare-stream"),
           lambda f: f["idle-inbox"]["threads"] - f["bare-stream"]["threads"], 2, at_most=True, unit="threads"),
    Target("its memory beyond that of a bare stream", ("idle-inbox", "bare-stream"),
           lambda f: f["idle-inbox"]["memory_kb"] - f["bare-stream"]["memory_kb"], 4096, at_most=True, unit="kB"),
    Target("server start on an existing cluster / Postgres's own", ("start", "start-postgres"),
           lambda f: f["start"]["seconds"] / f["start-postgres"]["seconds"], 1.5, at_most=True),
)
