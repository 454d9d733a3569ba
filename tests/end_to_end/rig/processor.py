"""What processes take of the processor."""

import os


def processor_seconds(pid):
    """Seconds of processor time, of its own and of the system's for it, since it began."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
