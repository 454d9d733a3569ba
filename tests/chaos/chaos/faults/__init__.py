"""Every fault by its name."""

from chaos.faults import database, exits, jobs, network, processes
from chaos.faults.fault import Fault

FAULTS = {fault.name: fault for module in (processes, network, database, jobs, exits) for fault in module.FAULTS}

__all__ = ["FAULTS", "Fault"]
