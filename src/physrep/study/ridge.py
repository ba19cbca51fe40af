"""Ridge regression whose penalty is tuned inside the training simulations: the inner loop of the cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PENALTIES = np.array([10.0**k for k in np.arange(-4, 5.01, 0.5)])
"""Candidates λ, for standardised features: the penalty is λ times the number of samples."""


@dataclass
class Ridge:
    """``prediction = ((x - mean) / scale) weights + offset``.

    Attributes:
        mean, scale: of the features, with shape ``(D,)``.
        weights: with shape ``(D, P)``.
        offset: with shape ``(P,)``.
        penalty: λ that was chosen for each target, with shape ``(P,)``.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    penalty: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """With shape ``(n, P)``."""
        return (np.asarray(features, np.float64) - self.mean) / self.scale @ self.weights + self.offset


class _Decomposition:
    """Standardised features in the eigenvectors of the smaller of XᵀX and XXᵀ: every λ is then a division."""

    def __init__(self, features: np.ndarray, targets: np.ndarray, alike: bool) -> None:
        self.mean, scale = features.mean(0), features.std(0)
        if alike:
            scale = np.full_like(self.mean, np.sqrt(np.square(scale).mean()) or np.inf)
        else:
            # A feature without variance says nothing; a scale of rounding error would blow it up.
            scale = np.where(scale > 1e-7 * np.maximum(1e-12, np.abs(features).max(0)), scale, np.inf)
        self.scale, self.offset, self.n = scale, targets.mean(0), len(features)
        x, y = (features - self.mean) / scale, targets - self.offset
        self.wide = x.shape[1] > self.n
        values, vectors = np.linalg.eigh(x @ x.T if self.wide else x.T @ x)
        self.values, self.x = np.maximum(values, 0), x
        self.back = vectors
        self.projected = vectors.T @ (y if self.wide else x.T @ y)

    def shrunk(self, penalty: np.ndarray) -> np.ndarray:
        """Coefficients in the eigenvectors for one λ per target ``(P,)``."""
        return self.projected / (self.values[:, None] + penalty * self.n)

    def predict(self, features: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """For all λ, with shape ``(len(penalties), n, P)``."""
        x = (features - self.mean) / self.scale
        rotated = (x @ self.x.T if self.wide else x) @ self.back
        return np.stack([rotated @ self.shrunk(np.array([p])) + self.offset for p in penalties])

    def solve(self, penalty: np.ndarray) -> Ridge:
        inner = self.back @ self.shrunk(penalty)
        return Ridge(self.mean, self.scale, self.x.T @ inner if self.wide else inner, self.offset, penalty)


def fit_ridge(
    features: np.ndarray, targets: np.ndarray, groups: np.ndarray, folds: int = 4, seed: int = 0, alike: bool = False
) -> Ridge:
    """Fit, for each target with the λ of the least squared error on held-out groups.

    Untuned, 1000 features on 40 samples interpolate the training set, and a comparison of encoders is one of their
    dimensions.

    Args:
        features: with shape ``(n, D)``.
        targets: with shape ``(n, P)``.
        groups: simulation of each row; a simulation is never on both sides of a fold.
        folds: parts of the inner cross-validation.
        seed: of the folds.
        alike: all features share one scale, as principal components should: the small ones are noise.
    """
    features, targets = np.asarray(features, np.float64), np.asarray(targets, np.float64)
    names, index = np.unique(groups, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % folds)[index]
    errors = np.zeros((len(PENALTIES), targets.shape[1]))
    for k in range(min(folds, len(names))):
        inside = fold != k
        predicted = _Decomposition(features[inside], targets[inside], alike).predict(features[~inside], PENALTIES)
        errors += np.square(predicted - targets[~inside]).sum(1)
    return _Decomposition(features, targets, alike).solve(PENALTIES[errors.argmin(0)])
