"""The metrics of a server that was started with --metrics-listen, read as Prometheus would."""

import re
import urllib.request

_LINE = re.compile(r"^(?P<name>[a-z_]+(?:\{[^}]*\})?) (?P<value>\S+)$")


def read_metrics(address):
    """By name with its labels, as in the text: {'signalbox_publishes_total{code="OK"}': 3.0, …}."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # The environment may name a proxy.
    with opener.open(f"http://{address}/metrics", timeout=5) as response:
        assert response.headers.get_content_type() == "text/plain"
        lines = response.read().decode().splitlines()
    matches = [_LINE.match(line) for line in lines if line and not line.startswith("#")]
    assert all(matches), lines
    return {match["name"]: float(match["value"]) for match in matches}
