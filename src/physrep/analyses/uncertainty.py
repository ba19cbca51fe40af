"""How sure is a probe, and is it right about that? Coverage and width of prediction intervals on test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..errors import PhysrepError
from ..metrics import cluster_means
from ..probes import MLPProbe
from ..progress import each
from ..readout.conformal import conformal_quantile
from ..readout.held_out import valid_in_folds
from ..tokens import TokenStore
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows


class Uncertainty(Analysis):
    """Prediction intervals for the parameters of a test trajectory, by three methods.

    - ``conformal``: the benchmark's probe, ± the ⌈(n+1) level⌉-th smallest absolute error of the n valid trajectories,
      each predicted with settings that were chosen without it (`physrep.readout.held_out.valid_in_folds`). Its width is
      the same for all trajectories.
    - ``gaussian``: the mean and standard deviation of an MLP probe with a Gaussian head, as they are; σ of a trajectory
      is the mean of its windows', since their errors are mostly shared.
    - ``gaussian_conformal``: the same, with σ scaled by the quantile of ``|error| / σ`` on valid: widths that follow
      the difficulty of a trajectory, with the coverage of the first method.

    Conformal intervals hold a new trajectory with about the promised probability if valid and test are exchangeable.
    Where n is too small for a level, the interval is infinite.

    Source: Lei et al., Distribution-free predictive inference for regression, JASA 113 (2018),
    https://doi.org/10.1080/01621459.2017.1307116.

    Args:
        levels: promised probabilities.
        seeds: seeds of the runs.
        mlp: options of the MLP probe; default 30 epochs of batches of 128.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "method", "probe", "level", "parameter", "coverage", "ci_low", "ci_high", "width",
        "n_valid_trajectories", "n_trajectories",
    )  # fmt: skip
    version = 2

    def __init__(
        self,
        levels: Sequence[float] = (0.5, 0.8, 0.9, 0.95),
        seeds: Sequence[int] = (0,),
        mlp: dict[str, Any] | None = None,
    ) -> None:
        if not levels or min(levels) <= 0 or max(levels) >= 1:
            raise PhysrepError(f"uncertainty: levels are {list(levels)}; give probabilities between 0 and 1.")
        self.levels, self.seeds, self.mlp = list(levels), list(seeds), {"epochs": 30, "batch_size": 128, **(mlp or {})}

    def rows(self, context: Context) -> Rows:
        runs = [run for run in context.runs if run.seed in self.seeds]
        rows: Rows = []
        for run in each(runs, "prediction intervals", "encoders"):
            rows += self._of_run(context, run)
        return rows

    def _of_run(self, context: Context, run: FrozenRun) -> Rows:
        stores = context.loaded_stores(run)
        labels = context.scaler.of_stores(stores)
        arguments = (stores["train"].tokens, labels["train"], stores["valid"].tokens, labels["valid"])
        name = context.chosen_probe(run)
        point = context.build_probe(name, seed=run.seed).fit(*arguments)
        gaussian = MLPProbe(**{"head": "gaussian", "seed": run.seed, **self.mlp}).fit(*arguments)

        def per_trajectory(values: Any, split: str) -> np.ndarray:
            return cluster_means(np.asarray(values), stores[split].trajectory)[0]

        def outcome(probe: Any, split: str, spread: bool) -> SplitErrors:
            tokens = stores[split].tokens
            held = valid_in_folds(probe, stores[split].trajectory) if split == "valid" else None
            predicted = probe.predict(tokens) if held is None else held
            error = np.abs(per_trajectory(predicted, split) - per_trajectory(labels[split], split))
            scale = per_trajectory(probe.predict_std(tokens), split) if spread else np.ones_like(error)
            return SplitErrors(error, scale)

        parts = {
            "conformal": (name, outcome(point, "valid", False), outcome(point, "test", False)),
            "gaussian_conformal": ("mlp", outcome(gaussian, "valid", True), outcome(gaussian, "test", True)),
        }
        rows: Rows = []
        for level in self.levels:
            for method, (probe, valid, test) in parts.items():
                factor = conformal_quantile(valid.error / valid.scale, level)
                rows += self._scored(context, run, method, probe, level, test, factor, stores)
            normal = np.full(len(context.scaler.names), normal_quantile(level))
            test = parts["gaussian_conformal"][2]
            rows += self._scored(context, run, "gaussian", "mlp", level, test, normal, stores)
        return rows

    def _scored(
        self,
        context: Context,
        run: FrozenRun,
        method: str,
        probe: str,
        level: float,
        test: SplitErrors,
        factor: np.ndarray,
        stores: dict[str, TokenStore],
    ) -> Rows:
        rows: Rows = []
        for k, parameter in enumerate(context.scaler.names):
            half = factor[k] * test.scale[:, k]
            hits = int((test.error[:, k] <= half).sum())
            low, high = binomial_interval(hits, len(half))
            rows.append(
                {
                    **run.identity(), "method": method, "probe": probe, "level": level, "parameter": parameter,
                    "coverage": hits / len(half), "ci_low": low, "ci_high": high, "width": float(2 * half.mean()),
                    "n_valid_trajectories": stores["valid"].n_trajectories, "n_trajectories": len(half),
                }
            )  # fmt: skip
        return rows


class SplitErrors(NamedTuple):
    """Absolute errors and scales of the trajectories of a split, each with shape ``(G, P)``."""

    error: np.ndarray
    scale: np.ndarray


def normal_quantile(level: float) -> float:
    """Half width, in standard deviations, of the central normal interval."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2)


def binomial_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion (Wilson, JASA 22, 1927)."""
    z = normal_quantile(0.95)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
