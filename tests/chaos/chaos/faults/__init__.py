"""Every fault by its name."""

from chaos.faults import (database, exits, jobs, network, processes, replication, retention, streams, subscribers,
                          time)
from chaos.faults.fault import Fault

_MODULES = (processes, network, database, replication, retention, jobs, exits, subscribers, streams, time)
FAULTS = {fault.name: fault for module in _MODULES for fault in module.FAULTS}

__all__ = ["FAULTS", "Fault"]
