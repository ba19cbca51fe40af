"""Names of probes and metrics in tables and figures."""

from __future__ import annotations

_READINGS = {"head": "own head", "direct": "no label", "": "–"}
"""What is no probe: a learner's own reading of the parameters."""


def probe_name(probe: str) -> str:
    """Name of a probe in tables and figures; of an import path the class."""
    return _READINGS.get(probe, probe.rpartition(":")[2])


def metric_name(metric: str) -> str:
    """Name of a metric in tables; one that is not registered goes by its own name."""
    from ..metrics import METRICS

    return METRICS[metric].label if metric in METRICS else metric
