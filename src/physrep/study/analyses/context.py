"""What every analysis of a study is given, and the form of its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...metrics.skill import Estimate
from ...tokens import LatentTrajectories
from ..config import StudyConfig
from ..data import StudyData
from ..folds import fold_count, outer_folds

LEVELS = {"simulation": "mean over time", "three": "first, middle and last", "frame": "each frame"}
"""What of a simulation a probe reads."""

Stores = Mapping[str, LatentTrajectories]
Rows = list[dict[str, Any]]


class Context:
    """Configuration, simulations, stores and folds.

    Attributes:
        config, data: of the study.
        stores: per modality.
        nuisance: per further colour map, stores per modality.
        arrays: what analyses leave for figures and answers, by name.
    """

    def __init__(self, config: StudyConfig, data: StudyData, stores: Stores, nuisance: Mapping[str, Stores]) -> None:
        self.config, self.data, self.stores, self.nuisance = config, data, stores, nuisance
        self.arrays: dict[str, np.ndarray] = {}
        self._folds = [outer_folds(config, data, seed) for seed in range(config.splits)]

    def divisions(self, name: str | None, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Train and test rows of one set (None: of all) for every outer fold of one seed."""
        own = np.arange(len(self.data)) if name is None else self.data.rows(name)
        for fold in range(fold_count(self.config)):
            inside = self._folds[seed][own] == fold
            if inside.any() and not inside.all():
                yield own[~inside], own[inside]

    def pixels(self) -> list[str]:
        """Names of the pixel modalities."""
        return [m for m in self.stores if self.config.encoders[m].kind == "pixels"]

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Number of each simulation in its set; two that start alike share theirs."""
        return np.array([self.data.simulations[i]["number"] for i in rows])


def features(store: LatentTrajectories, rows: np.ndarray, level: str) -> np.ndarray:
    """What a probe reads: ``(n, D)`` for ``simulation``, ``(n, 3 D)`` for ``three``, ``(n, t, D)`` for ``frame``."""
    frames = np.asarray(store.frames[rows], np.float64)
    if level == "simulation":
        return frames.mean(1)
    if level == "three":
        return frames[:, [0, frames.shape[1] // 2, -1]].reshape(len(rows), -1)
    return frames


def result(
    analysis: str, set_name: str, target: str, level: str, modality: str, metric: str, found: Estimate,
    splits: Sequence[float] = (),
) -> dict[str, Any]:  # fmt: skip
    """A row of the long table."""
    return {
        "analysis": analysis,
        "set": set_name,
        "target": target,
        "level": level,
        "modality": modality,
        "metric": metric,
        "value": float(found.value),
        "low": float(found.low),
        "high": float(found.high),
        "splits": [float(v) for v in splits],
    }


def column(found: Any) -> Estimate:
    """The first parameter of an `Interval` or `Difference`."""
    return Estimate(float(found.value[0]), float(found.low[0]), float(found.high[0]))
