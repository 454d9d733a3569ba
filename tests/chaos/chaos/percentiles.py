"""How long things took, in the few figures that matter."""

import numpy


def percentiles(milliseconds):
    """Median, 99th percentile and most, by name; empty of nothing."""
    if not milliseconds:
        return {}
    values = numpy.percentile(numpy.array(milliseconds), (50, 99, 100))
    return {name: round(float(value), 1) for name, value in zip(("p50", "p99", "max"), values)}
