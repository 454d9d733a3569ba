"""The server as a process: health, flags, refusals, migrations and the end by SIGTERM."""

import os
import signal
import subprocess
import time

import grpc
import pytest

from rig.client import Client
from rig.postgres import free_port
from rig.server import (SERVING, environment, new_database, run_signalboxd,
                        signalboxd)
from rig.waiting import Background, at_once, eventually


def test_health_is_serving(server):
    assert server.health() == SERVING


@pytest.mark.parametrize("service", [b"signalbox.v1.MessageService", b"signalbox.v1.RunService"])
def test_health_of_a_service_is_serving(server, service):
    assert server.health(service) == SERVING


def test_health_of_an_unknown_service_is_not_found(server):
    with pytest.raises(grpc.RpcError) as caught:
        server.health(b"no.such.Service")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_unknown_method_is_unimplemented(client):
    with pytest.raises(grpc.RpcError) as caught:
        client.channel.unary_unary("/signalbox.v1.MessageService/NoSuchCall")(b"", timeout=5)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", os.urandom(200)],
                         ids=["tag", "length", "random"])
def test_bytes_that_are_no_request_do_not_hurt(client, server, body):
    for name in ("Publish", "Ack", "GetAll", "CreateRun"):
        with pytest.raises(grpc.RpcError):
            getattr(client, name)(body)
    assert server.health() == SERVING


def test_help_and_version():
    shown = run_signalboxd("--help")
    assert shown.returncode == 0
    for flag in ("--listen", "--database-url", "--data-dir", "migrate"):
        assert flag in shown.stdout
    assert run_signalboxd("--version").returncode == 0


@pytest.mark.parametrize("arguments, text", [
    (["--no-such-flag"], "no-such-flag"),
    (["--listen", "nonsense"], "--listen"),
    (["--database-url", "postgresql://h/d", "--data-dir", "/tmp/x"], "--data-dir"),
])
def test_a_bad_command_line_is_refused(arguments, text):
    done = run_signalboxd(*arguments)
    assert done.returncode != 0
    assert text in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_an_address_others_can_reach_is_refused(cluster, database, host):
    done = run_signalboxd("--listen", f"{host}:{free_port()}", "--database-url", cluster.url(database))
    assert done.returncode != 0
    assert host in done.stderr and "authentication" in done.stderr


def test_it_is_allowed_when_told_so(cluster, database, start_server):
    port = free_port()
    server = start_server("--listen", f"0.0.0.0:{port}", "--allow-insecure-network",
                          "--database-url", cluster.url(database), listen=False, wait=False)
    server.address = f"127.0.0.1:{port}"
    server.wait_serving()


def test_flags_can_come_from_the_environment(cluster, database, start_server):
    port = free_port()
    server = start_server(listen=False, wait=False, env={"SIGNALBOXD_LISTEN": f"127.0.0.1:{port}",
                                                         "SIGNALBOXD_DATABASE_URL": cluster.url(database)})
    server.address = f"127.0.0.1:{port}"
    server.wait_serving()


def test_a_taken_port_is_refused(server, cluster, database):
    done = run_signalboxd("--listen", server.address, "--database-url", cluster.url(database))
    assert done.returncode != 0
    assert server.address in done.stderr


def test_an_unreachable_database_is_told(tmp_path):
    """At the start: it ends with a message, or waits for the database without serving."""
    log = open(tmp_path / "log", "w+")
    url = f"postgresql://signalbox@127.0.0.1:{free_port()}/none"
    process = subprocess.Popen([signalboxd(), "--listen", f"127.0.0.1:{free_port()}", "--database-url", url],
                               stdout=log, stderr=log, env=environment())
    try:
        eventually(lambda: process.poll() is not None or "127.0.0.1" in open(log.name).read(), 15)
        assert process.poll() != 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("url, pieces", [
    ("postgresql://ada:zebra%sure@127.0.0.1:1/x", ["zebra", "sure"]),
    ("postgresql://ada:hun/ter2@127.0.0.1:1/x", ["hun", "ter2"]),
    ("host=127.0.0.1 port=1 password=hun ter2", ["hun", "ter2"]),
], ids=["percent", "slash", "blank"])
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url, pieces):
    """libpq quotes what it stumbles over."""
    for command in ([], ["migrate"]):
        done = run_signalboxd(*command, "--listen", f"127.0.0.1:{free_port()}", "--database-url", url)
        assert done.returncode != 0
        assert "database URL" in done.stderr
        for piece in pieces:
            assert piece not in done.stdout + done.stderr


def test_several_hosts_in_the_url(cluster, database, start_server):
    """The first of the two is nobody; the server goes on to the next."""
    url = f"postgresql://signalbox@127.0.0.1:{free_port()},127.0.0.1:{cluster.port}/{database}"
    client = start_server("--database-url", url).connect()
    assert client.publish(client.create_run()).sequence == 1


def test_migrate_twice_at_once(cluster):
    name = cluster.create_database()
    done = at_once([lambda: run_signalboxd("migrate", "--database-url", cluster.url(name)) for _ in range(4)])
    assert [d.returncode for d in done] == [0] * 4, [d.stderr for d in done]
    assert run_signalboxd("migrate", "--database-url", cluster.url(name)).returncode == 0


def test_an_empty_database_is_refused_with_the_way_out(cluster):
    url = cluster.url(cluster.create_database())
    done = run_signalboxd("--listen", f"127.0.0.1:{free_port()}", "--database-url", url)
    assert done.returncode != 0
    assert "migrate" in done.stderr


def test_servers_starting_at_once_after_migrations_at_once(cluster, start_server):
    url = cluster.url(cluster.create_database())
    at_once([lambda: run_signalboxd("migrate", "--database-url", url) for _ in range(3)])
    servers = [start_server("--database-url", url, wait=False) for _ in range(3)]
    for server in servers:
        server.wait_serving()
    run = servers[0].connect().create_run()
    assert servers[2].connect().get_run(run) == run


def migrations_table(cluster, database):
    """Where the server records the schema's version: (qualified name, column)."""
    rows = cluster.sql("SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
                       "WHERE column_name = 'version' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
                       database)
    assert len(rows) == 1, rows
    return rows[0]


def test_a_newer_schema_is_refused_naming_both_versions(cluster):
    name = new_database(cluster)
    table, column = migrations_table(cluster, name)
    newest = cluster.sql(f"SELECT max({column}) FROM {table}", name)[0][0]
    cluster.sql(f"UPDATE {table} SET {column} = 4711 WHERE {column} = {newest}", name)
    for command in ([], ["migrate"]):
        done = run_signalboxd(*command, "--listen", f"127.0.0.1:{free_port()}", "--database-url", cluster.url(name))
        assert done.returncode != 0
        assert "4711" in done.stderr and newest in done.stderr


def test_a_changed_migration_is_refused(cluster):
    name = new_database(cluster)
    table, _ = migrations_table(cluster, name)
    checksums = cluster.sql("SELECT column_name, data_type FROM information_schema.columns WHERE "
                            f"table_schema || '.' || table_name = '{table}' AND column_name LIKE '%checksum%'", name)
    assert checksums, "a checksum is recorded"
    column, data_type = checksums[0]
    other = "decode('00', 'hex')" if data_type == "bytea" else "0" if "int" in data_type else "'0'"
    cluster.sql(f"UPDATE {table} SET {column} = {other}", name)
    done = run_signalboxd("--listen", f"127.0.0.1:{free_port()}", "--database-url", cluster.url(name))
    assert done.returncode != 0
    assert "checksum" in done.stderr


@pytest.mark.parametrize("streams", [0, 20])
def test_sigterm_ends_within_10_s_with_open_streams(cluster, database, start_server, streams):
    server = start_server("--database-url", cluster.url(database))
    client = server.connect()
    run = client.create_run()
    message = client.publish(run)
    opened = [server.connect().subscribe(run) for _ in range(streams)]
    for stream in opened:
        stream.synced(1)
    waiting = Background(lambda: client.await_message(message, timeout=25))
    server.health()
    began = time.monotonic()
    assert server.terminate(timeout=15) == 0
    assert time.monotonic() - began < 10
    for stream in opened:
        assert stream.end(5) == grpc.StatusCode.UNAVAILABLE
        assert stream.withdrawn() == []
    try:
        assert waiting.result().id == message.id
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE


def test_sigint_ends_it_too(cluster, database, start_server):
    server = start_server("--database-url", cluster.url(database))
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(15) == 0


def test_a_drain_is_not_cut_short_by_being_stopped_and_continued(cluster, database, start_server):
    """A wait for signals is interrupted by that, which once counted as a second SIGTERM."""
    server = start_server("--database-url", cluster.url(database))
    streams = [server.connect().subscribe(server.connect().create_run()) for _ in range(20)]
    for stream in streams:
        stream.synced(0)
    server.process.send_signal(signal.SIGTERM)
    for _ in range(2000):
        if server.process.poll() is not None:
            break
        server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGCONT)
    assert server.process.wait(15) == 0
    assert "drain_cut_short" not in server.log()


def test_the_log_has_one_structured_line_per_event_and_no_content(cluster, database, start_server):
    server = start_server("--database-url", cluster.url(database))
    client = Client(server.address)
    run = client.create_run()
    client.publish(run, "line\u2028break", "secret-canary-value", reason="a\nb")
    client.close()
    server.terminate()
    lines = server.log().splitlines()
    assert lines
    assert "secret-canary-value" not in server.log()
    assert all(line.strip() for line in lines)
    assert len({line[:1] for line in lines}) == 1, "every line has the same shape"
