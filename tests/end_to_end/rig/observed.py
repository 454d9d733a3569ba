"""A server whose metrics and log lines can be asked for."""

import json

from rig.metrics import read_metrics
from rig.postgres import free_port


class Observed:
    """Started with `arguments`, and connected to."""

    def __init__(self, start_server, *arguments):
        metrics = f"127.0.0.1:{free_port()}"
        self.server = start_server(*arguments, "--metrics-listen", metrics)
        self.client = self.server.connect()
        self.metric = lambda name: read_metrics(metrics)[f"signalbox_{name}"]

    def logged(self, event):
        """The lines of this event, decoded."""
        lines = (json.loads(line) for line in self.server.log().splitlines())
        return [line for line in lines if line["event"] == event]
