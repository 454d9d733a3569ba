"""Postgres on a disk that loses its power: what the system had not written yet is gone."""

import fcntl
import os
import struct
import subprocess

from rig.postgres import PostgresCluster

_SHUT_DOWN = 0x8004587D  # FS_IOC_SHUTDOWN (EXT4_IOC_SHUTDOWN) of linux/fs.h,
_WITHOUT_WRITING = 2  # and its FS_SHUTDOWN_FLAGS_NOLOGFLUSH: neither data nor journal are written first.
_MEGABYTES = 2048  # Sparse; Postgres recycles its log well below that.


def has_loop_devices():
    return os.path.exists("/dev/loop-control")


class Disk:
    """A file system of its own in a sparse file, mounted at `path`. Needs root and loop devices."""

    def __init__(self, image, path):
        self._image, self.path = image, path
        os.makedirs(path)
        with open(image, "wb") as file:
            file.truncate(_MEGABYTES << 20)
        self._run("mkfs.ext4", "-q", image)
        self._mount()

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"

    def _mount(self):
        self._run("mount", "-o", "loop", self._image, self.path)

    def cut_power(self):
        """From now on nothing can be read or written, and what was not written yet never will be."""
        top = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(top, _SHUT_DOWN, struct.pack("I", _WITHOUT_WRITING))
        finally:
            os.close(top)

    def come_back(self):
        """With nobody using it any more: recovers the file system, as a machine does when it boots."""
        self.remove()
        self._mount()
        # A mount namespace made meanwhile, in whatever process, would hold the one that was shut down.
        assert not self._is_shut_down(), f"something else still holds the file system of {self.path}"

    def _is_shut_down(self):
        with open("/proc/mounts") as mounts:
            return any(line.split()[1] == self.path and "shutdown" in line.split()[3].split(",") for line in mounts)

    def remove(self):
        self._run("umount", self.path)


class PostgresOnLossyDisk(PostgresCluster):
    """A cluster whose machine can lose its power."""

    def _make_files(self):
        self._disk = Disk(os.path.join(self.directory, "disk.img"), os.path.join(self.directory, "disk"))
        self.data = os.path.join(self._disk.path, "data")
        os.mkdir(self.data, mode=0o700)
        owner = os.stat(self.directory)
        os.chown(self.data, owner.st_uid, owner.st_gid)
        try:
            super()._make_files()
        except BaseException:
            self._disk.remove()
            raise
        os.sync()

    def lose_power(self):
        """Cuts the power, and starts again from what was written."""
        self._disk.cut_power()
        self.kill()
        self._disk.come_back()
        self.start()

    def remove(self):
        self.stop()
        self._disk.remove()
        super().remove()
