"""Fixtures: one Postgres a session, one database and one server a test module, more by factory."""

import itertools
import os
import signal

import pytest

from rig.postgres import Pair, PostgresCluster
from rig.server import Server, is_running, new_database, postmaster_pid
from rig.waiting import eventually

_names = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--sick-seconds", type=float, default=0.0, metavar="N",
                     help="keep a sick Postgres sick for so long at least, and print what was measured")


@pytest.fixture(scope="session")
def cluster():
    cluster = PostgresCluster()
    try:
        yield cluster.start()
    finally:
        cluster.remove()


@pytest.fixture(scope="module")
def database(cluster):
    """Name of a database of the module's own."""
    return new_database(cluster)


@pytest.fixture(scope="module")
def server(cluster, database, tmp_path_factory):
    """The module's server, on an external Postgres."""
    server = Server(tmp_path_factory.mktemp("server"), "--database-url", cluster.url(database))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(autouse=True)
def survives(request):
    """Fails the test during which the module's server died, and starts it again for the next one."""
    yield
    server = request.getfixturevalue("server") if "server" in request.fixturenames else None
    if server is not None and not server.survived():
        report = f"signalboxd ended with {server.process.returncode} during this test:\n{server.log()[-3000:]}"
        server.start()
        pytest.fail(report)


@pytest.fixture(scope="module")
def client(server):
    return server.connect()


@pytest.fixture(scope="module")
def new_run(client):
    """Makes an active run of a project of the test module."""
    return lambda **fields: client.create_run(run_id=f"run-{next(_names)}", **fields)


@pytest.fixture
def start_server(tmp_path):
    """Starts further servers: start_server(*flags) → Server."""
    servers = []

    def start(*arguments, wait=True, **options):
        servers.append(Server(tmp_path, *arguments, **options))
        return servers[-1].start(wait)

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def replica(start_server, cluster, database):
    """A second server on the module's database."""
    return start_server("--database-url", cluster.url(database))


@pytest.fixture
def private_cluster():
    """A Postgres that the test may stop and start."""
    cluster = PostgresCluster()
    try:
        yield cluster.start()
    finally:
        cluster.remove()


@pytest.fixture
def pair_of_clusters():
    """A primary and its synchronous standby, of which the test may kill and promote one."""
    pair = Pair()
    try:
        yield pair
    finally:
        pair.remove()


@pytest.fixture
def embedded(start_server, tmp_path):
    """A server with its embedded Postgres; `embedded.data_dir` tells where."""
    data_dir = tmp_path / "data"
    server = start_server("--data-dir", str(data_dir))
    server.data_dir = data_dir
    yield server
    server.close()
    end_postmaster(data_dir)


def end_postmaster(data_dir):
    """Ends a postmaster that a killed server left behind in its data directory."""
    pid = postmaster_pid(data_dir)
    if pid and is_running(pid) and os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("postgres"):
        os.kill(pid, signal.SIGQUIT)
        eventually(lambda: not is_running(pid), 10, what="the left-over postmaster's end")
