"""True and predicted parameters of test trajectories, of the entries that a page shows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..metrics import cluster_means
from .directory import Bench
from .entries import Entry, headline


def prediction_rows(bench: Bench, system: str) -> pd.DataFrame:
    """Every test trajectory of the best floor, learner and ceiling: true and predicted value in physical units.

    Of the first run of each entry, and the mean of the predictions of a trajectory's windows: of the logarithm where
    the parameter is logarithmic, as the score averages z-scores.
    """
    parts = [pd.DataFrame(columns=["system", "label", "probe", "run", "trajectory", "parameter", "true", "predicted"])]
    scales = {parameter["name"]: parameter["scale"] for parameter in bench.parameters(system)}
    for entry in shown_entries(bench, system):
        if not (predictions := bench.predictions(entry)):
            continue
        part = predictions[0]
        for k, name in enumerate(part.parameter_names):
            both = np.stack([part.target_physical[:, k], part.prediction_physical[:, k]], axis=1)
            log = scales.get(name) == "log"
            with np.errstate(over="ignore", divide="ignore"):
                means, trajectories = cluster_means(np.log10(both) if log else both, part.trajectory)
                means = 10**means if log else means
            named = {"system": system, "label": entry.label, "probe": entry.probe, "run": entry.runs[0]}
            values = {"trajectory": trajectories, "parameter": name, "true": means[:, 0], "predicted": means[:, 1]}
            parts.append(pd.DataFrame({**named, **values}).dropna(subset=["true"]))
    return pd.concat(parts[1:], ignore_index=True) if len(parts) > 1 else parts[0]


def shown_entries(bench: Bench, system: str) -> list[Entry]:
    """Best floor, learner and ceiling, as far as there are any."""
    found = headline(bench.entries, system)
    return [entry for entry in (found.floor, found.learner, found.ceiling) if entry is not None]
