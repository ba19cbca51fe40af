"""Fit a probe on train, choose on valid, score once on valid and test: rows of the long table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..metrics import bootstrap, cluster_means
from ..metrics.classification import accuracy, macro_f1, score_classes
from ..metrics.uncertainty import find_metric
from ..renamed import takes_former_names
from ..tokens.labels import LabelScaler
from ..tokens.store import TokenStore
from .base import Probe, check_tokens
from .partial import for_labels, with_labels
from .predictions import Predictions

if TYPE_CHECKING:
    from pandas import DataFrame

SCORED = ("valid", "test")
SCORES = ("mse", "r2")
"""Metrics of every table unless others are named."""


def fit_splits(probe: Probe, stores: Mapping[str, TokenStore], labels: Mapping[str, Tensor]) -> Probe:
    """A probe, fitted on the stores and labels of train, its settings chosen on valid."""
    return probe.fit(stores["train"].tokens, labels["train"], stores["valid"].tokens, labels["valid"])


@takes_former_names
def evaluate(
    probe: Probe,
    stores: Mapping[str, TokenStore],
    scaler: LabelScaler,
    *,
    name: str,
    n_resamples: int = 2000,
    seed: int = 0,
    metrics: Sequence[str] = SCORES,
) -> tuple[DataFrame, dict[str, Predictions]]:
    """Fit and score a probe.

    The probe gets the labels of train and valid. The labels of test are read after all predictions are made. Windows
    without a label (NaN) are left out; where parameters are known for different windows, a copy of the probe is fitted
    for each set of them (`physrep.probes.partial`).

    Args:
        probe: an unfitted probe.
        stores: tokens of the splits ``"train"``, ``"valid"`` and ``"test"``.
        scaler: z-scores labels; fitted on train.
        name: value of the column ``probe``.
        n_resamples, seed: of the bootstrap over trajectories.
        metrics: names in `physrep.metrics.METRICS`, or import paths.

    Returns:
        A frame with the columns probe, split, n_train_trajectories, level, parameter, metric, value, ci_low, ci_high
        and n_trajectories, one row per score, and the predictions of valid and test. The level ``"window"`` scores
        every window, ``"trajectory"`` the mean prediction of a trajectory's windows; the parameter ``"mean"`` is the
        mean over parameters.

    Raises:
        PhysrepError: a split is missing, or tokens are of a wrong shape, of different shapes, or not finite.
    """
    import pandas as pd

    predictions = predict_splits(probe, stores, scaler, name)
    train = n_training(stores["train"], scaler)
    rows: list[dict[str, Any]] = []
    for split, part in predictions.items():
        for row in split_scores(part, n_resamples=n_resamples, seed=seed, metrics=metrics):
            count = train.get(row["parameter"], train["mean"])
            rows.append({"probe": name, "split": split, "n_train_trajectories": count, **row})
    return pd.DataFrame(rows), predictions


def n_training(train: TokenStore, scaler: LabelScaler) -> dict[str, int]:
    """Training trajectories with a label, by name of the parameter; ``mean``: with any."""
    labels = scaler.transform(train.labels, train.parameter_names, unknown="keep").numpy()
    return known_trajectories(labels, train.trajectory, scaler.names)


def known_trajectories(target: np.ndarray, trajectory: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    """How many trajectories have a target that is not NaN, by name of the column; ``mean``: of any column."""
    known = ~np.isnan(target)
    counts = {name: len(np.unique(trajectory[rows])) for name, rows in zip(names, known.T, strict=True)}
    labels = {name.partition("=")[0]: count for name, count in counts.items()}  # of classes, without the class
    return {**labels, **counts, "mean": len(np.unique(trajectory[known.any(axis=1)]))}


def predict_splits(
    probe: Probe, stores: Mapping[str, TokenStore], scaler: LabelScaler, name: str
) -> dict[str, Predictions]:
    """Fit a probe and predict valid and test, windows with a label; see `evaluate`."""
    missing = [split for split in ("train", *SCORED) if split not in stores]
    if missing:
        raise PhysrepError(f"there are no tokens of the split {missing[0]!r}; embed train, valid and test.")
    # Labels of test are not looked at before it is predicted.
    stores = {split: store if split == "test" else with_labels(store, scaler) for split, store in stores.items()}
    train, valid = stores["train"], stores["valid"]
    for split, store in stores.items():
        check_tokens(store.tokens, f"{split} tokens")
        if store.tokens.shape[1:] != train.tokens.shape[1:]:
            raise PhysrepError(
                f"{split} tokens {store.tokens.shape[1:]} differ in shape from train tokens {train.tokens.shape[1:]}; "
                "embed all splits with the same encoder and frames."
            )
    check_trajectories(train, "train")
    labels = [scaler.transform(s.labels, s.parameter_names, unknown="keep").float() for s in (train, valid)]
    probe = for_labels(probe, stores, scaler)
    probe.fit(train.tokens, labels[0], valid.tokens, labels[1])
    predicted = {split: probe.predict(stores[split].tokens) for split in SCORED}

    predictions: dict[str, Predictions] = {}
    for split, prediction in predicted.items():
        store = stores[split]
        if prediction.shape != (len(store), len(scaler.names)) or not torch.isfinite(prediction).all():
            raise PhysrepError(f"probe {name!r} gave NaN or {tuple(prediction.shape)} on {split}; it is faulty.")
        check_trajectories(store, split)
        target = scaler.transform(store.labels, store.parameter_names, unknown="keep")
        known = ~target.isnan().all(dim=1)
        prediction, target = prediction[known], target[known]
        predictions[split] = Predictions(
            scaler.names,
            prediction.numpy(),
            target.numpy(),
            scaler.inverse(prediction.double()).numpy(),
            scaler.inverse(target).numpy(),
            np.asarray(store.trajectory)[known.numpy()],
            np.asarray(store.start)[known.numpy()],
        )
    return predictions


def check_trajectories(store: TokenStore, split: str) -> None:
    """Require that all windows of a trajectory have the same labels.

    Raises:
        PhysrepError: they do not: then trajectory ids and labels belong to different windows, and every score per
            trajectory and every interval would be wrong.
    """
    names, first, index = np.unique(store.trajectory, return_index=True, return_inverse=True)
    own = np.asarray(store.labels)
    others = own[first][index]
    differ = ((own != others) & ~(np.isnan(own) & np.isnan(others))).any(axis=1)
    if differ.any():
        raise PhysrepError(
            f"{split} tokens: windows of trajectory {names[index[differ][0]]} have different labels, so trajectory ids "
            "and labels do not belong together; embed this split again."
        )


def split_scores(
    predictions: Predictions, *, n_resamples: int = 2000, seed: int = 0, metrics: Sequence[str] = SCORES
) -> list[dict[str, Any]]:
    """Scores of one split on both levels, per parameter and mean, with intervals from a bootstrap over trajectories.

    Args:
        predictions: of the split.
        n_resamples, seed, metrics: as in `evaluate`.

    Returns:
        Rows with the columns level, parameter, metric, value, ci_low, ci_high and n_trajectories.
    """
    levels = _by_level(predictions.prediction, predictions.target, predictions.trajectory)
    counts = known_trajectories(predictions.target, predictions.trajectory, predictions.parameter_names)
    rows = []
    for level, data in levels.items():
        for metric in map(find_metric, metrics):
            interval = bootstrap(*data, metric, n_resamples=n_resamples, seed=seed)
            for k, parameter in enumerate((*predictions.parameter_names, "mean")):
                place = {"level": level, "parameter": parameter, "metric": metric.name}
                rows.append({**place, **interval.cells(k), "n_trajectories": counts[parameter]})
    return rows + class_scores(predictions, n_resamples=n_resamples, seed=seed)


def _by_level(
    prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Prediction, target and trajectory of every window, and of every trajectory the means over its windows."""
    mean, names = cluster_means(prediction, trajectory)
    return {
        "window": (prediction, target, trajectory),
        "trajectory": (mean, cluster_means(target, trajectory)[0], names),
    }


def class_scores(predictions: Predictions, *, n_resamples: int = 2000, seed: int = 0) -> list[dict[str, Any]]:
    """Accuracy and macro-F1 of every label of classes, on both levels, with intervals over trajectories.

    A label of classes is one whose indicators ``label=class`` are among the parameters. The class of a window is that
    of the largest prediction (of one indicator: above 1/2), of a trajectory that of the mean over its windows.

    Args:
        predictions: of the split.
        n_resamples, seed: of the bootstrap.

    Returns:
        Rows as those of `split_scores`, the label as their parameter, and ``mean`` over labels without an interval.
    """
    labels: dict[str, list[int]] = {}
    for k, name in enumerate(predictions.parameter_names):
        if "=" in name:
            labels.setdefault(name.partition("=")[0], []).append(k)
    if not labels:
        return []
    levels = _by_level(predictions.prediction_physical, predictions.target_physical, predictions.trajectory)
    rows = []
    for level, (prediction, target, trajectory) in levels.items():
        values: dict[str, list[float]] = {}
        for label, columns in labels.items():
            known = ~np.isnan(target[:, columns]).any(axis=1)
            count = len(np.unique(trajectory[known]))
            first, second = (_class_of(part[known][:, columns]) for part in (target, prediction))
            found = score_classes(
                first, second, trajectory[known], max(2, len(columns)), n_resamples=n_resamples, seed=seed,
                scores={"accuracy": accuracy, "macro_f1": macro_f1},
            )  # fmt: skip
            for metric, (value, low, high) in found.items():
                rows.append({"level": level, "parameter": label, "metric": metric, "value": value, "ci_low": low,
                             "ci_high": high, "n_trajectories": count})  # fmt: skip
                values.setdefault(metric, []).append(value)
        for metric, each in values.items():
            only = next(row for row in rows if row["level"] == level and row["metric"] == metric)
            if len(labels) > 1:
                only = {**only, "value": float(np.mean(each)), "ci_low": float("nan"), "ci_high": float("nan")}
            rows.append({**only, "parameter": "mean"})
    return rows


def _class_of(indicators: np.ndarray) -> np.ndarray:
    return indicators.argmax(1) if indicators.shape[1] > 1 else (indicators[:, 0] > 0.5).astype(int)
