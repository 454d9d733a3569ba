"""What is measured, by name, in the order of a round. Each takes the systems and returns a dictionary of figures."""

from comparison.processes import idle_listeners, idle_subscribers, reconnect, start_postgres, start_server
from comparison.program import measure
from comparison.storage import storage


def _window(systems):
    return {"seconds": systems.scale.seconds, "warm_up": systems.scale.warm_up}


def _load(system, systems, subcommand, **options):
    """A load of gRPC calls."""
    return measure(subcommand, address=system.address, **_window(systems), **options)


def _echo(systems, **options):
    return _load(systems.echo, systems, "echo", server_pid=systems.echo.pid, **options)


def _least(systems, subcommand="echo", **options):
    return _load(systems.least, systems, subcommand, server_pid=systems.least.pid, **options)


def _least_ack(systems):
    """Of messages that are made before, so by a server of its own."""
    server = systems.new_least("least-ack", acks=systems.scale.updates)
    try:
        return measure("echo", address=server.address, server_pid=server.pid, **_short_warm_up(systems))
    finally:
        server.close()


def _signalbox(systems, subcommand, **options):
    server = systems.signalbox
    return _load(server, systems, subcommand, server_pid=server.process.pid, **options)


def _publish(systems, **options):
    return _signalbox(systems, "publish", runs=systems.scale.runs, **options)


def _short_warm_up(systems):
    """For what uses up messages that were made before."""
    return {"seconds": systems.scale.seconds, "warm_up": systems.scale.warm_up / 4}


def _ack(systems, **options):
    server = systems.signalbox
    return measure("ack", address=server.address, server_pid=server.process.pid, runs=systems.scale.runs,
                   messages=systems.scale.acks, **_short_warm_up(systems), **options)


def _updates(systems):
    return measure("postgres-acks", database_url=systems.statements_url, messages=systems.scale.updates,
                   server_pid=systems.signalbox.process.pid, **_short_warm_up(systems))


def _statements(systems, subcommand, **options):
    """Statements to the Postgres of a Signalbox that has nothing to do meanwhile."""
    return measure(subcommand, database_url=systems.statements_url, server_pid=systems.signalbox.process.pid,
                   **_window(systems), **options)


def _deliveries(systems, subcommand, **options):
    return measure(subcommand, messages=systems.scale.deliveries, **options)


def _fan_out(system, systems, subcommand):
    return measure(subcommand, address=system.address, subscribers=systems.scale.fan_out,
                   messages=systems.scale.broadcasts)


def _nats(systems, server):
    return measure("nats-publish", url=f"nats://{server.address}", server_pid=server.pid, **_window(systems))


def _inbox_get(systems, threads):
    return measure("inbox-get", address=systems.signalbox.address, threads=threads,
                   seconds=min(1, systems.scale.seconds))


def _client_idle(systems, **options):
    measure("prepare-runs", address=systems.signalbox.address, run_prefix="idle", runs=1, finished=0, pending=0)
    return measure("client-idle", address=systems.signalbox.address, run="idle-00000",
                   seconds=systems.scale.idle_seconds, **options)


def _with_history(systems, messages, subcommand, **options):
    server = systems.with_history(messages)
    return _load(server, systems, subcommand, **options)


def _history_pair(name, subcommand, **options):
    """The same on a database where nothing is over, and on one where much is."""
    def with_scale(systems):
        runs = systems.scale.runs if subcommand == "publish" else max(1, systems.scale.runs // 10)
        return {"runs": runs, **options}

    return {f"{name}-no-history": lambda s: _with_history(s, 0, subcommand, **with_scale(s)),
            f"{name}-history": lambda s: _with_history(s, s.scale.history, subcommand, **with_scale(s))}


MEASUREMENTS = {
    # Calls, 256 in flight and one.
    "echo": _echo,
    "etcd-put": lambda s: _load(s.etcd, s, "etcd-put", server_pid=s.etcd.pid),
    "publish": _publish,
    "least": _least,
    "publish-hot": lambda s: _publish(s, hot=True),
    "least-hot": lambda s: _least(s, hot=True),
    "publish-setting": lambda s: _publish(s, setting=True),
    "nats-synchronous": lambda s: _nats(s, s.synchronous_nats),
    "nats": lambda s: _nats(s, s.nats),
    "redis": lambda s: measure("redis-publish", port=s.redis.port, server_pid=s.redis.pid, **_window(s)),
    "ack": _ack,
    "least-ack": _least_ack,
    "get-all": lambda s: _signalbox(s, "get-all", run_prefix=s.reading, runs=s.scale.read_runs),
    "echo-1": lambda s: _echo(s, in_flight=1),
    "postgres-insert": lambda s: _statements(s, "postgres-insert"),
    "publish-1": lambda s: _publish(s, in_flight=1),
    "least-1": lambda s: _least(s, in_flight=1),
    # Many in a call.
    "publish-many": lambda s: _signalbox(s, "publish-many", runs=s.scale.runs, batch=100, in_flight=2),
    "least-many": lambda s: _least(s, "echo-many", batch=100, in_flight=2),
    "postgres-groups": lambda s: _statements(s, "postgres-groups"),
    "postgres-acks": _updates,
    "ack-100": lambda s: _ack(s, ids=100),
    "storage": storage,
    # Delivery.
    "etcd-watch": lambda s: _deliveries(s, "etcd-watch", address=s.etcd.address),
    "postgres-notify": lambda s: _deliveries(s, "postgres-notify", database_url=s.statements_url),
    "deliver": lambda s: _deliveries(s, "deliver", address=s.signalbox.address),
    "deliver-replica": lambda s: _deliveries(s, "deliver", address=s.signalbox.address,
                                             inbox_address=s.replica.address),
    "least-deliver": lambda s: _deliveries(s, "echo-deliver", address=s.least.address),
    "echo-fan-out": lambda s: _fan_out(s.echo, s, "echo-fan-out"),
    "fan-out": lambda s: _fan_out(s.signalbox, s, "fan-out"),
    # Waiting.
    "echo-idle-subscribers": idle_listeners,
    "idle-subscribers": idle_subscribers,
    "reconnect": reconnect,
    "inbox-get": lambda s: _inbox_get(s, 1),
    "inbox-get-2": lambda s: _inbox_get(s, 2),
    "bare-stream": lambda s: _client_idle(s, bare=True),
    "idle-inbox": _client_idle,
    "start-postgres": start_postgres,
    "start": start_server,
    # Growth.
    **_history_pair("publish", "publish"),
    **_history_pair("get-all", "get-all"),
    **_history_pair("subscribe", "subscribe"),
    **_history_pair("list-messages", "list-messages", page_size=10),
}
