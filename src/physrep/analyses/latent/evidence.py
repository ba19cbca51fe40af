"""Collects what the verdict on pixels reads from the tables of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...metrics import bootstrap, paired_difference
from ...metrics.score import Score
from .verdict import Evidence

READINGS = ("simulation", "three")
"""Levels that read a whole simulation; every modality is taken at its better one."""


def best_reading(arrays: Mapping[str, np.ndarray], name: str, target: str, modality: str) -> np.ndarray:
    """Simulation, truth and prediction ``(3, n)`` at the better level."""
    found = [arrays[key] for level in READINGS if (key := f"{name}/{target}/{level}/{modality}") in arrays]
    return min(found, key=lambda own: np.square(own[1] - own[2]).sum())


def evidence(
    rows: Iterable[Mapping[str, Any]], arrays: Mapping[str, np.ndarray], name: str, modality: str, pixels: list[str]
) -> Evidence:
    """About one modality on one set.

    Args:
        rows: the long table; rows of ``parameters`` and ``falsification`` are read.
        arrays: predictions of ``parameters``.
        name: of the set.
        modality: that is judged.
        pixels: names of the pixel modalities.
    """
    rows = list(rows)
    targets = dict.fromkeys(r["target"] for r in rows if r["analysis"] == "parameters" and r["set"] == name)
    level = 1 - 0.05 / max(1, len(targets))
    found = Evidence()
    for target in targets:
        own = best_reading(arrays, name, target, modality)
        rivals = [best_reading(arrays, name, target, p) for p in pixels]
        found.r2[target] = Score.of_first(bootstrap(own[2:].T, own[1:2].T, own[0], "r2", level=level))
        if rivals:
            rival = min(rivals, key=lambda other: np.square(other[1] - other[2]).sum())
            difference = paired_difference(own[2:].T, rival[2:].T, own[1:2].T, own[0], "r2", level=level)
            found.difference[target] = Score.of_first(difference)
    shares = [
        Score(r["value"], r["low"], r["high"])
        for r in rows
        if (r["analysis"], r["set"], r["target"], r["modality"])
        == ("falsification", name, "pixels to embedding", modality)
    ]
    found.share = max(shares, key=lambda own: own.value) if shares else None
    return found
