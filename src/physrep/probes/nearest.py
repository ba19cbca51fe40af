"""Nearest neighbours: the mean label of the training windows whose tokens are most alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Probe, Tokens, check_pair, row_batches
from .moments import StandardMoments
from .valid_grid import ValidGrid

METRICS = ("euclidean", "cosine")


class NearestProbe(Probe):
    """k nearest neighbours on standardised moments of the tokens; nothing is fitted but k and the metric.

    ``y(x) = mean of y_i over the k training windows nearest to x``, with the Euclidean distance or the cosine of the
    angle between standardised features. Both are chosen for each parameter by its squared error on valid. A probe
    without weights shows what the geometry of the tokens holds: directions that do not matter are as loud as those that
    do.

    Args:
        neighbours: numbers k to choose from; those above the number of training windows are left out.
        metrics: distances to choose from, of ``"euclidean"`` and ``"cosine"``.

    Raises:
        PhysrepError: an unknown metric, or no k of at least 1.
    """

    def __init__(self, neighbours: Sequence[int] = (1, 2, 4, 8, 16, 32, 64), metrics: Sequence[str] = METRICS) -> None:
        self.neighbours, self.metrics = tuple(neighbours), tuple(metrics)
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise PhysrepError(f"knn: metrics are {list(self.metrics)}; choose from {', '.join(METRICS)}.")
        if not self.neighbours or min(self.neighbours) < 1:
            raise PhysrepError(f"knn: neighbours are {list(self.neighbours)}; give numbers of at least 1.")

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._features = StandardMoments().fit(tokens)
        self._train, self._labels = self._features(tokens), labels.double()
        usable = [k for k in self.neighbours if k <= len(labels)]
        if not usable:
            raise PhysrepError(f"knn: there are only {len(labels)} training windows; give a smaller k than {usable}.")
        settings = [(metric, k) for metric in self.metrics for k in usable]
        valid = self._features(tokens_valid)
        means = torch.cat([self._means(valid, metric, usable) for metric in self.metrics])
        self.valid_grid_ = ValidGrid.of_each(means, labels_valid.double())
        errors = (means - labels_valid.double()).square().mean(dim=1)
        best = errors.argmin(dim=0)
        self._chosen = [settings[k] for k in best.tolist()]
        self.best_params_ = {
            "neighbours": [k for _, k in self._chosen],
            "metric": [metric for metric, _ in self._chosen],
            "valid_mse": errors[best, torch.arange(len(best))].tolist(),
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        features = self._features(tokens)
        columns = [self._means(features, metric, [k])[0, :, p] for p, (metric, k) in enumerate(self._chosen)]
        return torch.stack(columns, dim=1).float()

    def predict_left_out(self, tokens: Tokens, labels: Tensor, trajectory: np.ndarray) -> Tensor:
        columns = [self._means(self._train, metric, [k], trajectory)[0, :, p]
                   for p, (metric, k) in enumerate(self._chosen)]  # fmt: skip
        return torch.stack(columns, dim=1)

    def _means(
        self, features: Tensor, metric: str, neighbours: Sequence[int], trajectory: np.ndarray | None = None
    ) -> Tensor:
        """Mean labels of the nearest neighbours, with shape ``(len(neighbours), windows, P)``.

        Args:
            features: of windows.
            metric, neighbours: settings.
            trajectory: of the training windows, where these are the features: those of the same one do not count.
        """
        parts, numbers = [], None if trajectory is None else torch.from_numpy(np.asarray(trajectory))
        for rows in row_batches(features, 512):
            distance = _distance(features[rows], self._train, metric)
            if numbers is not None:
                distance.masked_fill_(numbers[rows][:, None] == numbers, torch.inf)
            # A stable sort: equal distances are taken in the order of the training windows.
            order = distance.sort(dim=1, stable=True).indices[:, : max(neighbours)]
            total = self._labels[order].cumsum(dim=1)
            parts.append(torch.stack([total[:, k - 1] / k for k in neighbours]))
        return torch.cat(parts, dim=1)


def _distance(x: Tensor, y: Tensor, metric: str) -> Tensor:
    """Squared Euclidean distance up to a term of x alone, or minus the cosine, with shape ``(len(x), len(y))``."""
    if metric == "euclidean":
        return y.square().sum(dim=1) - 2 * x @ y.T
    norm = y.norm(dim=1).clamp_min(1e-300)
    return -(x @ y.T) / norm
