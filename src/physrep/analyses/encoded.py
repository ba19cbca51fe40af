"""What else is encoded: physical quantities that were never labels, read from frozen tokens by ridge regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..metrics import COLLAPSE, bootstrap
from ..probes import RidgeProbe
from ..probes.base import take
from ..progress import each
from ..tokens import TokenStore
from .base import IDENTITY, Analysis, Context, Rows
from .frame_quantities import frame_quantities
from .targets import targets
from .token_moments import moments_by_split

REFERENCE = {"run": "parameters", "title": "parameters", "learner": "parameters", "encoder": "", "kind": "reference",
             "seed": 0}  # fmt: skip
"""Identity of the row that predicts from the true parameters and the time of the window, without any field."""


MOST_TOKENS = 200_000
"""Tokens whose rank is measured; more cost memory and change nothing."""


class Encoded(Analysis):
    """Test R² of every quantity of `physrep.quantities` from the pooled tokens of every run, and the tokens' rank.

    ``R² = 1 - Σ(ŷ - y)² / Σ(y - ȳ)²`` over test windows, y the quantity (its logarithm where it spans decades),
    z-scored; ridge regression on mean and standard deviation of a window's tokens, fitted on train, its penalty chosen
    on valid, scored once on test. Interval: bootstrap over trajectories.

    The run ``parameters`` is a reference that sees no field: the quantity predicted from the true parameters and the
    start time of the window (all products up to degree 2). What a run has above it is state, not parameter.

    Rows with the quantity ``tokens`` measure the tokens themselves (`physrep.metrics.COLLAPSE`), on test: at
    most `MOST_TOKENS` of them, in evenly spaced windows.
    """

    columns = (*IDENTITY, "quantity", "symbol", "scale", "metric", "value", "ci_low", "ci_high", "n_trajectories",
               "penalty")  # fmt: skip

    def rows(self, context: Context) -> Rows:
        """See `Analysis.rows`."""
        if not context.runs:
            return []
        found = frame_quantities(context)
        quantities = found["train"].quantities
        stores = context.stores(context.runs[0])
        values = {split: found[split].of_store(store, context) for split, store in stores.items()}
        target, kept = targets(quantities, values)
        described = [{"quantity": q.name, "symbol": q.symbol, "scale": q.scale} for q in (quantities[k] for k in kept)]
        rows: Rows = []
        if described:
            reference = {split: _parameters(context, store) for split, store in stores.items()}
            rows += _rows(REFERENCE, described, reference, target, stores["test"], context.n_resamples)
        for run in each(context.runs, "encoded", "runs"):
            store = context.stores(run)["test"]
            windows = max(2, MOST_TOKENS // store.tokens.shape[1])
            sample = take(store.tokens, slice(None, None, -(-len(store) // windows)))
            if described:
                features = moments_by_split(context, run)
                rows += _rows(run.identity(), described, features, target, store, context.n_resamples)
            rows += [
                {**run.identity(), "quantity": "tokens", "symbol": "", "scale": "", "metric": name,
                 "value": measure(sample), "ci_low": "", "ci_high": "",
                 "n_trajectories": store.n_trajectories, "penalty": ""}
                for name, measure in COLLAPSE.items()
            ]  # fmt: skip
        return rows


def ridge_r2(
    features: dict[str, Tensor], target: dict[str, Tensor], cluster: np.ndarray, n_resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """R² on test with limits of its interval, and the chosen penalty, per column of the targets."""
    probe = RidgeProbe()
    probe.fit(features["train"][:, None], target["train"], features["valid"][:, None], target["valid"])
    prediction = probe.predict(features["test"][:, None])
    score = bootstrap(prediction.numpy(), target["test"].numpy(), cluster, "r2", n_resamples=n_resamples)
    return score.value[:-1], score.low[:-1], score.high[:-1], probe.best_params_["penalty"]


def _rows(
    identity: dict[str, Any],
    described: list[dict[str, Any]],
    features: dict[str, Tensor],
    target: dict[str, Tensor],
    test: TokenStore,
    n_resamples: int,
) -> Rows:
    columns = ridge_r2(features, target, test.trajectory, n_resamples)
    return [
        {**identity, **named, "metric": "r2", "value": float(value), "ci_low": float(low), "ci_high": float(high),
         "n_trajectories": test.n_trajectories, "penalty": penalty}
        for named, value, low, high, penalty in zip(described, *columns, strict=True)
    ]  # fmt: skip


def _parameters(context: Context, store: TokenStore) -> Tensor:
    """Z-scored parameters and start time, with all products up to degree 2, ``(windows, F)``."""
    labels = context.scaler.transform(store.labels, store.parameter_names).double()
    start = torch.from_numpy(store.start.astype(np.float64))[:, None]
    plain = torch.cat([labels, start / max(float(start.max()), 1.0)], 1)
    first, second = torch.triu_indices(plain.shape[1], plain.shape[1])
    return torch.cat([plain, plain[:, first] * plain[:, second]], 1)
