"""Names of probes and metrics in tables and figures."""

from __future__ import annotations

_READINGS = {"head": "own head", "direct": "no label", "": "–"}
"""What is no probe: a learner's own reading of the parameters."""

_OF_CLASSES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
"""Scores of labels of classes, beside the metrics of numbers."""


def higher_is_better(metric: str) -> bool:
    """Whether more of it is better: what the metric says, and of scores of classes always."""
    from ..metrics import METRICS

    return not METRICS[metric].lower_is_better if metric in METRICS else metric in _OF_CLASSES


def probe_name(probe: str) -> str:
    """Name of a probe in tables and figures; of an import path the class."""
    return _READINGS.get(probe, probe.rpartition(":")[2])


def metric_name(metric: str) -> str:
    """Name of a metric in tables; one that is not registered goes by its own name."""
    from ..metrics import METRICS

    return METRICS[metric].label if metric in METRICS else _OF_CLASSES.get(metric, metric)
