"""Scores of predicted classes, with intervals over trajectories, and of their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .uncertainty import bootstrap_of_sums

BINS = 10
"""Equal bins of confidence on [0, 1] for `calibration_bins`."""


def confusion(target: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts with shape ``(classes, classes)``: rows are true, columns predicted."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (target, predicted), 1.0)
    return counts


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean over the classes that occur of ``F1 = 2 TP / (2 TP + FP + FN)``, from ``(..., K, K)`` to ``(...)``."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, predicted = counts.sum(-1), counts.sum(-2)
    total = true + predicted
    score = np.divide(2 * hits, total, out=np.zeros_like(total), where=total > 0)
    return _mean_of_present(score, true)


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean over the classes that occur of the share that is recognised, from ``(..., K, K)`` to ``(...)``."""
    hits, true = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1)
    return _mean_of_present(np.divide(hits, true, out=np.zeros_like(true), where=true > 0), true)


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of samples that are recognised, from ``(..., K, K)`` to ``(...)``."""
    return np.diagonal(counts, axis1=-2, axis2=-1).sum(-1) / np.maximum(counts.sum((-2, -1)), 1)


def _mean_of_present(score: np.ndarray, true: np.ndarray) -> np.ndarray:
    present = true > 0
    return (score * present).sum(-1) / np.maximum(present.sum(-1), 1)


SCORES = {"macro_f1": macro_f1, "balanced_accuracy": balanced_accuracy}


def score_classes(
    target: np.ndarray,
    predicted: np.ndarray,
    cluster: np.ndarray,
    classes: int,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    scores: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
) -> dict[str, tuple[float, float, float]]:
    """Scores of classes, each with a 95% interval by the BCa bootstrap over clusters.

    Args:
        target, predicted: class of each sample, integers below ``classes``, with shape ``(N,)``.
        cluster: trajectory of each sample.
        classes: number of classes.
        n_resamples, seed: of the bootstrap.
        scores: functions of confusion counts by name; default macro-F1 and balanced accuracy.

    Returns:
        Value, low and high by name of the score; low and high are NaN with fewer than two clusters.
    """
    names, index = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(names), classes, classes))
    np.add.at(sums, (index, target, predicted), 1.0)
    result = {}
    for name, score in (SCORES if scores is None else scores).items():
        interval, _ = bootstrap_of_sums(
            sums, lambda s, score=score: np.asarray(score(s))[..., None], n_resamples, 0.95, seed
        )
        result[name] = tuple(float(part[0]) for part in interval)
    return result


def calibration_bins(probability: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Expected calibration error ``Σ_b n_b/n |accuracy_b - confidence_b|`` over equal bins of the top probability.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks (ICML 2017).

    Args:
        probability: of each class, ``(N, K)``, rows sum to 1.
        target: true class, ``(N,)``.

    Returns:
        The error, and per bin the count, mean confidence and accuracy, ``(BINS, 3)``; the last two NaN if it is empty.
    """
    confidence = probability.max(1)
    right = probability.argmax(1) == target
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    table = np.full((BINS, 3), np.nan)
    table[:, 0] = np.bincount(index, minlength=BINS)
    for k in np.flatnonzero(table[:, 0]):
        table[k, 1:] = confidence[index == k].mean(), right[index == k].mean()
    filled = table[table[:, 0] > 0]
    return float((filled[:, 0] * np.abs(filled[:, 2] - filled[:, 1])).sum() / len(target)), table
