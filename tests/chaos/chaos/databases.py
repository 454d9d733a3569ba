"""The database below a cluster: one Postgres, one behind a pooler, one whose machine loses its power, or a primary
and its standby."""

import os
import shutil
import tempfile

from chaos.disk import PostgresOnLossyDisk
from rig.pgbouncer import PgBouncer
from rig.postgres import Pair, PostgresCluster


class Single:
    """One Postgres, by default an ordinary one."""

    def __init__(self, _proxy, postgres=PostgresCluster):
        self.primary = postgres()
        self.ports = [self.primary.port]  # Of all places that a URL names.

    def start(self):
        self.primary.start()

    def edges(self):
        """Between the databases."""
        return []

    def remove(self):
        self.primary.remove()


class Pooled(Single):
    """One behind a pooler in transaction mode, with fewer sessions than the servers have threads."""

    def __init__(self, proxy):
        super().__init__(proxy)
        self._directory = tempfile.mkdtemp(prefix="signalbox-pooler-", dir="/tmp")
        os.chmod(self._directory, 0o755)  # The pooler may be another user.
        self._pooler = PgBouncer(self._directory, self.primary, sessions=8)
        self.ports = [self._pooler.port]

    def start(self):
        super().start()
        self._pooler.start()

    def remove(self):
        self._pooler.stop()
        super().remove()
        shutil.rmtree(self._directory, ignore_errors=True)


class OnLossyDisk(Single):
    """One whose machine can lose its power."""

    def __init__(self, proxy):
        super().__init__(proxy, PostgresOnLossyDisk)


class Replicated:
    """A primary and a synchronous standby, with an edge between them."""

    def __init__(self, proxy):
        self._proxy = proxy
        self.replication = None
        self._pair = Pair(between=self._through_edge)
        self.ports = [self._pair.primary.port, self._pair.standby.port]
        self._place = 0  # Of the primary.

    def _through_edge(self, port):
        if self.replication is None:
            self.replication = self._proxy.edge("replication", "127.0.0.1", port)
        self.replication.set(target=["127.0.0.1", port])
        return self.replication.port

    @property
    def primary(self):
        return self._pair.primary

    @property
    def standby(self):
        return self._pair.standby

    def start(self):
        pass  # They are made running.

    def edges(self):
        return [self.replication]

    def replace_lost_primary(self):
        """Gives the promoted standby a standby of its own; returns (place, port) of what is new."""
        place, self._place = self._place, 1 - self._place
        self._pair.replace_lost_primary()
        self.ports[place] = self._pair.standby.port
        return place, self.ports[place]

    def remove(self):
        self._pair.remove()
