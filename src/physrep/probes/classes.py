"""A multinomial logistic regression for each of several penalties, with its log loss on valid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse penalties C, of which one is chosen on valid."""


def logistic_path(
    x: np.ndarray,
    target: np.ndarray,
    x_valid: np.ndarray,
    target_valid: np.ndarray,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> list[tuple[np.ndarray, np.ndarray, float, float]]:
    """Weights and offsets of ``p_k ~ exp(w_k·x + b_k)`` with penalty ``|w|²/2C``, and the log loss on valid, by C.

    Args:
        x, x_valid: standardised features ``(windows, F)``.
        target, target_valid: classes, integers from 0; every class occurs in train.
        strengths: grid of C.
        seed: of the solver.

    Returns:
        Weights ``(K, F)``, offsets ``(K,)``, C and its log loss on valid, for every C.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found = []
    model = LogisticRegression(max_iter=300, tol=1e-3, random_state=seed, warm_start=True)
    for strength in strengths:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # Weak penalties may stop early; then valid decides on what was reached.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, target)
        loss = log_loss(model.predict_proba(x_valid), target_valid)
        weights, offset = np.array(model.coef_), np.array(model.intercept_)
        if len(weights) == 1:  # of two classes there is one line, that of the second
            weights, offset = np.concatenate([0 * weights, weights]), np.concatenate([0 * offset, offset])
        found.append((weights, offset, float(strength), loss))
    return found


def log_loss(probability: np.ndarray, target: np.ndarray) -> float:
    """Mean of ``-ln p(true class)``, probabilities below 1e-12 counted as that; 0 without samples."""
    chosen = probability[np.arange(len(target)), target]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean()) if len(target) else 0.0
