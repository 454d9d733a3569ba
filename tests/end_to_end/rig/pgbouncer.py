"""A PgBouncer before a cluster."""

import os
import shutil
import subprocess

from rig.parting import ended_with_parent
from rig.postgres import free_port
from rig.waiting import eventually


class PgBouncer:
    """Owns its process; `directory` holds its files. It refuses to run as root, so root makes it `postgres`.

    In mode "transaction" all clients of a database share `sessions` sessions, in "session" so many have one each.
    """

    def __init__(self, directory, cluster, mode="transaction", sessions=20):
        self._binary = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        assert self._binary, "PgBouncer is not installed"
        self.port = free_port()
        self._configuration = os.path.join(str(directory), "pgbouncer.ini")
        with open(self._configuration, "w") as file:
            file.write(f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=signalbox\n"
                       f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
                       f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = {sessions}\n"
                       "max_client_conn = 1000\n")
        self._log = os.path.join(str(directory), "pgbouncer.log")
        self._process = None

    def start(self):
        user = ["-u", "postgres"] if os.geteuid() == 0 else []
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(ended_with_parent("KILL", [self._binary, *user, self._configuration]),
                                             stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self._is_up, 10, what="PgBouncer listening")
        return self

    def _is_up(self):
        with open(self._log) as log:
            text = log.read()
        assert self._process.poll() is None, text
        return "process up" in text

    def url(self, database):
        return f"postgresql://signalbox@127.0.0.1:{self.port}/{database}"

    def stop(self):
        self._process.kill()
        self._process.wait(10)
