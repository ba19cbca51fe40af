"""Frozen runs as latent trajectories: what analyses of embeddings over time are given and give back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...metrics.score import Score
from ...streams import say_line
from ...tokens import LatentTrajectories, joined_stores
from ..base import Context, FrozenRun

LEVELS = {"simulation": "mean over time", "three": "first, middle and last", "frame": "each frame"}
"""What of a simulation a probe reads."""

PIXELS = "video_pixels"
"""The learner whose tokens are pixels in their places."""


class Simulations:
    """Simulations of several sets, each with its ``set`` and its ``parameters`` ``{name: value}``."""

    simulations: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.simulations)

    def rows(self, name: str) -> np.ndarray:
        """Numbers of the simulations of one set."""
        return np.array([i for i, own in enumerate(self.simulations) if own["set"] == name], dtype=np.int64)

    def parameter(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Raw values of one parameter."""
        return np.array([self.simulations[i]["parameters"][name] for i in rows], dtype=np.float64)


@dataclass
class LatentContext(Simulations):
    """Latent trajectories of every run, with what is known of the simulations, and the division into train and test.

    Attributes:
        runs: encoders in the order of tables; their names are the keys of `stores`.
        sets: per set of simulations ``equation`` and ``parameters`` ``{name: scale}``.
        simulations: per simulation its ``set``, its ``number`` in it (two that start alike share theirs) and its
            ``parameters`` ``{name: value}``.
        stores: latent trajectories of every run, rows as in `simulations`.
        folds: per seed the fold of every simulation; -1 is never in test.
        fold_count: number of folds.
        reference: run that the others are compared with.
        out: folder below which ``analyses/`` lies.
        nuisance: per further colour map, latent trajectories of runs that see pictures.
        content: plain data that determine all of this, for caches.
        arrays: what an analysis leaves for figures and answers, by name.
    """

    runs: list[FrozenRun]
    sets: dict[str, dict[str, Any]]
    simulations: list[dict[str, Any]]
    stores: Mapping[str, LatentTrajectories]
    folds: list[np.ndarray]
    fold_count: int
    reference: str
    out: Path
    nuisance: Mapping[str, Mapping[str, LatentTrajectories]] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context) -> LatentContext:
        """Those of a benchmark: one set, its protocol's division.

        Raises:
            PhysrepError: trajectories have different lengths.
        """
        division = context.division()
        stores = {run.name: context.stores(run) for run in context.runs}
        runs = [run for run in context.runs if not stores[run.name]["train"].joined]
        for run in context.runs:
            if run not in runs:
                say_line(f"{run.name}: is left out, since its windows are joined to one token per trajectory.")
        parts = {
            run.name: joined_stores(
                [LatentTrajectories.of(stores[run.name][split], flat=run.learner == PIXELS) for split in division.pool]
            )
            for run in runs
        }
        scales = dict(zip(context.scaler.names, context.scaler.scales, strict=True))
        records: list[dict[str, Any]] = []
        for split in division.pool:
            dataset = context.splits[split]
            for row in np.asarray(dataset.parameters, np.float64):
                own = dict(zip(dataset.parameter_names, row, strict=True))
                parameters = {name: float(own[name]) for name in scales}
                records.append({"set": context.system, "number": len(records), "parameters": parameters})
        sets = {context.system: {"equation": context.system, "parameters": scales}}
        names = [run.name for run in runs]
        pixels = [run.name for run in runs if run.learner == PIXELS]
        floors = [run.name for run in runs if run.kind == "floor"]
        reference = next(iter([*pixels, *floors, *names]), "")
        return cls(
            runs, sets, records, parts, division.folds, division.count, reference, context.out,
            content=context.request(),
        )  # fmt: skip

    @property
    def seeds(self) -> int:
        """Number of divisions into folds."""
        return len(self.folds)

    def request(self) -> dict[str, Any]:
        """What determines the answers, beside the analysis itself."""
        return self.content

    def tested(self, name: str | None = None) -> np.ndarray:
        """Numbers of the simulations (of one set) that are ever in test."""
        own = np.arange(len(self)) if name is None else self.rows(name)
        return own[np.any([folds[own] >= 0 for folds in self.folds], axis=0)]

    def divisions(self, name: str | None, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Train and test rows of one set (None: of all) for every outer fold of one seed."""
        own = np.arange(len(self)) if name is None else self.rows(name)
        for fold in range(self.fold_count):
            inside = self.folds[seed][own] == fold
            if inside.any() and not inside.all():
                yield own[~inside], own[inside]

    def pixels(self) -> list[str]:
        """Names of the runs that are pixels."""
        return [run.name for run in self.runs if run.learner == PIXELS]

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Number of each simulation in its set; two that start alike share theirs."""
        return np.array([self.simulations[i]["number"] for i in rows])


def features(store: LatentTrajectories, rows: np.ndarray, level: str) -> np.ndarray:
    """What a probe reads: ``(n, D)`` for ``simulation``, ``(n, 3 D)`` for ``three``, ``(n, t, D)`` for ``frame``."""
    frames = np.asarray(store.frames[rows], np.float64)
    if level == "simulation":
        return frames.mean(1)
    if level == "three":
        return frames[:, [0, frames.shape[1] // 2, -1]].reshape(len(rows), -1)
    return frames


def result(
    analysis: str, set_name: str, target: str, level: str, modality: str, metric: str, found: Score,
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
