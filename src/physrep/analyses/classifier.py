"""The classifier of the analysis `regimes`: multinomial logistic regression on frozen features."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import torch

from ..probes.standardise import Standardiser

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse penalties C, of which one is chosen on valid."""


def fit_classes(
    features: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray], classes: int, seed: int = 0
) -> tuple[np.ndarray, float]:
    """Probabilities on test of a multinomial logistic regression ``p_k ~ exp(w_k·x + b_k)`` with penalty ``|w|²/2C``.

    Features are standardised with train. C is chosen by the log loss on valid.

    Args:
        features: by split (train, valid, test), ``(windows, F)``.
        target: classes of train and valid, integers below ``classes``; every class occurs in train.
        classes: number of classes.
        seed: of the solver.

    Returns:
        Probabilities ``(test windows, classes)`` and the chosen C.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    scaled = Standardiser().fit(torch.from_numpy(np.asarray(features["train"], np.float64)))
    x = {split: scaled(torch.from_numpy(np.asarray(part, np.float64))).numpy() for split, part in features.items()}
    best: tuple[float, float, np.ndarray] | None = None
    model = LogisticRegression(max_iter=300, tol=1e-3, random_state=seed, warm_start=True)
    for strength in STRENGTHS:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # Weak penalties may stop early; then valid decides on what was reached.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x["train"], target["train"])
        loss = log_loss(model.predict_proba(x["valid"]), target["valid"])
        if best is None or loss < best[0]:
            best = (loss, strength, model.predict_proba(x["test"]))
    assert best is not None and best[2].shape[1] == classes
    return best[2], best[1]


def log_loss(probability: np.ndarray, target: np.ndarray) -> float:
    """Mean of ``-ln p(true class)``, probabilities below 1e-12 counted as that; 0 without samples."""
    chosen = probability[np.arange(len(target)), target]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean()) if len(target) else 0.0
