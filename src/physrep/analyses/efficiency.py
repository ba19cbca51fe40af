"""How many labelled trajectories does a probe need? Scores against the share of trajectories that have labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ..errors import PhysrepError
from ..metrics import cluster_means, mse
from ..probes import Probe
from ..probes.fit import fit_splits
from ..progress import each
from ..tokens import LabelScaler, TokenStore
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows

SMALLEST = 3
"""Trajectories with labels below which nothing is fitted; as many of valid are always kept."""


class Efficiency(Analysis):
    """Test MSE per trajectory of a probe that was given the labels of a share of the trajectories.

    Whole trajectories are drawn. The subsets of one draw are nested: whoever is in the 5 % is in the 10 %. Labels of
    valid, by which a probe chooses its penalty, are cut to the same share, since they are labels too. The encoder saw
    all training trajectories without their labels.

    Args:
        fractions: shares of the training trajectories, from 0 to 1; those that give fewer than `SMALLEST` are left out.
        draws: random orders of the trajectories; the full set has one, since all its draws are the same.
        probes: which of the benchmark's probes to fit; default ``ridge``.
        seeds: seeds of the runs; default all.
        seed: of the draws.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "probe", "fraction", "n_train_trajectories", "n_valid_trajectories", "draw", "parameter", "mse",
    )  # fmt: skip

    def __init__(
        self,
        fractions: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
        draws: int = 5,
        probes: Sequence[str] = ("ridge",),
        seeds: Sequence[int] | None = None,
        seed: int = 0,
    ) -> None:
        if not fractions or min(fractions) <= 0 or max(fractions) > 1 or draws < 1:
            raise PhysrepError("efficiency: fractions must lie in (0, 1], and draws must be at least 1.")
        self.fractions, self.draws, self.probes, self.seed = sorted(fractions), draws, list(probes), seed
        self.seeds = None if seeds is None else list(seeds)

    def rows(self, context: Context) -> Rows:
        runs = [run for run in context.runs if self.seeds is None or run.seed in self.seeds]
        rows: Rows = []
        for run in each(runs, "data efficiency", "encoders"):
            rows += self._of_run(context, run)
        return rows

    def _of_run(self, context: Context, run: FrozenRun) -> Rows:
        stores = context.loaded_stores(run)
        rows: Rows = []
        for name in self.probes:
            for draw in range(self.draws):
                for fraction in self.fractions:
                    if fraction == 1.0 and draw:
                        continue
                    parts = subset(stores, fraction, [self.seed, draw])
                    if parts is None:
                        continue
                    probe = context.build_probe(name, seed=run.seed)
                    scores = trajectory_mse(probe, parts, context.scaler)
                    common = {
                        **run.identity(), "probe": name, "fraction": fraction, "draw": draw,
                        "n_train_trajectories": parts["train"].n_trajectories,
                        "n_valid_trajectories": parts["valid"].n_trajectories,
                    }  # fmt: skip
                    rows += [{**common, "parameter": key, "mse": value} for key, value in scores.items()]
        return rows


def subset(
    stores: dict[str, TokenStore], fraction: float, seed: Sequence[int], smallest: int = SMALLEST
) -> dict[str, TokenStore] | None:
    """The first ``fraction`` of train and of valid in a random order of trajectories, and all of test.

    Returns:
        None if fewer than ``smallest`` trajectories of train are left; of valid at least that many are kept.
    """
    parts = {"test": stores["test"]}
    for number, split in enumerate(("train", "valid")):
        store = stores[split]
        names = np.unique(store.trajectory)
        order = np.random.default_rng([*seed, number]).permutation(names)
        count = round(fraction * len(names))
        if split == "train" and count < smallest:
            return None
        parts[split] = windows_of(store, np.isin(store.trajectory, order[: max(count, smallest)]))
    return parts


def windows_of(store: TokenStore, rows: np.ndarray) -> TokenStore:
    """A store with some of the windows of another."""
    if rows.all():
        return store
    parts: dict[str, Any] = {
        name: np.asarray(getattr(store, name)[rows]) for name in ("tokens", "labels", "trajectory", "start")
    }
    return replace(store, **parts)


def trajectory_mse(probe: Probe, stores: dict[str, TokenStore], scaler: LabelScaler) -> dict[str, float]:
    """Fit on train and valid; test MSE per trajectory of each parameter, and their mean."""
    labels = scaler.of_stores(stores)
    fit_splits(probe, stores, labels)
    test = stores["test"]
    prediction, _ = cluster_means(probe.predict(test.tokens).numpy(), test.trajectory)
    target, _ = cluster_means(labels["test"].numpy(), test.trajectory)
    each = mse(prediction, target)
    return {**dict(zip(scaler.names, each.tolist(), strict=True)), "mean": float(each.mean())}


def area(fractions: Sequence[float], values: Sequence[float]) -> float:
    """Mean of a curve over the logarithm of its fractions, by the trapezoidal rule; its value if there is one point."""
    x, y = np.log(np.asarray(fractions, float)), np.asarray(values, float)
    if len(x) < 2:
        return float(y[0])
    return float(np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2) / (x[-1] - x[0]))


def trajectories_until(numbers: Sequence[float], values: Sequence[float], level: float) -> float:
    """Number of labelled trajectories at which a curve first comes down to ``level``, interpolated in its logarithm.

    Returns:
        Infinity if it stays above, the first number if it starts below.
    """
    x, y = np.log(np.asarray(numbers, float)), np.asarray(values, float)
    below = np.flatnonzero(y <= level)
    if len(below) == 0:
        return float("inf")
    k = int(below[0])
    if k == 0:
        return float(numbers[0])
    share = (y[k - 1] - level) / (y[k - 1] - y[k])
    return float(np.exp(x[k - 1] + share * (x[k] - x[k - 1])))
