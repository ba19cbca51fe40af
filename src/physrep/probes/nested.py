"""Probes in nested cross-validation by trajectory: every trajectory of the pool is in test once per seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ..renamed import takes_former_names
from ..tokens.labels import LabelScaler
from ..tokens.protocol import Division
from ..tokens.store import TokenStore
from .base import Probe
from .fit import SCORED, SCORES, n_training, predict_splits, split_scores
from .predictions import Predictions

if TYPE_CHECKING:
    from pandas import DataFrame


@takes_former_names
def evaluate_nested(
    make: Callable[[], Probe],
    stores: Mapping[str, TokenStore],
    scaler: LabelScaler,
    division: Division,
    *,
    name: str,
    n_resamples: int = 2000,
    metrics: Sequence[str] = SCORES,
) -> tuple[DataFrame, dict[str, Predictions]]:
    """Fit a probe for every fold of every seed, and score what it predicts out of fold.

    For fold k, the trajectories of k are test, those of k + 1 (of 0 after the last) valid, on which the probe chooses
    its settings, all others train. The folds of a seed are scored together; value and limits of a row are their means
    over seeds, which divide the same trajectories: the interval is over trajectories, not over seeds.

    Args:
        make: gives an unfitted probe.
        stores: tokens of the splits.
        scaler: z-scores labels.
        division: see `physrep.tokens.protocol.divide`.
        name: value of the column ``probe``.
        n_resamples: of the bootstrap over trajectories.
        metrics: names of the scores.

    Returns:
        A frame as of `physrep.probes.evaluate`, and the predictions of the first seed; trajectories are numbered
        through the pooled splits.

    Raises:
        PhysrepError: see `physrep.probes.evaluate`.
    """
    import pandas as pd

    whole = pooled_store([stores[split] for split in division.pool])
    tables: list[list[dict[str, Any]]] = []
    first: dict[str, Predictions] = {}
    for folds in division.folds:
        parts: dict[str, list[Predictions]] = {split: [] for split in SCORED}
        train: dict[str, int] = {}
        for fold in range(division.count):
            cut = fold_stores(whole, folds, test=fold, valid=(fold + 1) % division.count)
            train = n_training(cut["train"], scaler)
            for split, part in predict_splits(make(), cut, scaler, name).items():
                parts[split].append(part)
        together = {split: _together(own) for split, own in parts.items()}
        first = first or together
        rows = [
            (s, row)
            for s, own in together.items()
            for row in split_scores(own, n_resamples=n_resamples, metrics=metrics)
        ]
        counts = [train.get(row["parameter"], train["mean"]) for _, row in rows]
        tables.append(
            [
                {"probe": name, "split": split, "n_train_trajectories": count, **row}
                for (split, row), count in zip(rows, counts, strict=True)
            ]
        )
    means = [
        {**rows[0], **{key: float(np.mean([row[key] for row in rows])) for key in ("value", "ci_low", "ci_high")}}
        for rows in zip(*tables, strict=True)
    ]
    return pd.DataFrame(means), first


def pooled_store(stores: Sequence[TokenStore]) -> TokenStore:
    """Several splits as one store; trajectories are numbered through."""
    trajectory, count = [], 0
    for store in stores:
        trajectory.append(np.unique(store.trajectory, return_inverse=True)[1] + count)
        count += store.n_trajectories
    return TokenStore(
        np.concatenate([np.asarray(store.tokens) for store in stores]),
        np.concatenate([store.labels for store in stores]),
        np.concatenate(trajectory),
        np.concatenate([store.start for store in stores]),
        stores[0].parameter_names,
    )


def fold_stores(store: TokenStore, folds: np.ndarray, test: int, valid: int) -> dict[str, TokenStore]:
    """The trajectories of one fold as test, of another as valid, all others as train; a fold without any is left out.

    Args:
        store: of all trajectories, numbered through.
        folds: fold of every trajectory.
        test, valid: numbers of the folds.
    """
    of_row = folds[store.trajectory]
    inside = {"test": of_row == test, "valid": of_row == valid}
    rows = {"train": ~(inside["test"] | inside["valid"]), **inside}
    return {split: _rows(store, np.flatnonzero(own)) for split, own in rows.items() if own.any()}


def _rows(store: TokenStore, rows: np.ndarray) -> TokenStore:
    return TokenStore(
        store.tokens[rows], store.labels[rows], store.trajectory[rows], store.start[rows], store.parameter_names
    )


def _together(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of all folds, sorted by trajectory and start."""
    arrays = {
        own.name: np.concatenate([getattr(part, own.name) for part in parts])
        for own in fields(Predictions)
        if own.name != "parameter_names"
    }
    order = np.lexsort((arrays["start"], arrays["trajectory"]))
    return Predictions(parts[0].parameter_names, **{key: value[order] for key, value in arrays.items()})
