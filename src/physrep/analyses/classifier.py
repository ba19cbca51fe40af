"""The classifier of the analysis `regimes`: multinomial logistic regression on frozen features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..probes.classes import logistic_path
from ..probes.standardise import Standardiser


def fit_classes(
    features: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray], classes: int, seed: int = 0
) -> tuple[np.ndarray, float]:
    """Probabilities on test of a logistic regression on features standardised with train, C chosen on valid.

    Args:
        features: by split (train, valid, test), ``(windows, F)``.
        target: classes of train and valid, integers below ``classes``; every class occurs in train.
        classes: number of classes.
        seed: of the solver.

    Returns:
        Probabilities ``(test windows, classes)`` and the chosen C.
    """
    scaled = Standardiser().fit(torch.from_numpy(np.asarray(features["train"], np.float64)))
    x = {split: scaled(torch.from_numpy(np.asarray(part, np.float64))).numpy() for split, part in features.items()}
    path = logistic_path(x["train"], target["train"], x["valid"], target["valid"], seed=seed)
    weights, offset, strength, _ = min(path, key=lambda found: found[3])
    assert len(weights) == classes
    return torch.softmax(torch.from_numpy(x["test"] @ weights.T + offset), 1).numpy(), strength
