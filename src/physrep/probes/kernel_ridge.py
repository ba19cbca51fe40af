r"""Kernel ridge regression on the mean and standard deviation of the tokens.

The strong reader of few, smooth features. With standardised features x and ``k(x, z) = exp(-|x - z|² / (2 h²))`` it
minimises over functions of the kernel's space

    mean_n |y_n - f(x_n)|² + penalty |f|²,        f(x) = offset + Σ_j c_j k(x, z_j)

The centres z are the training windows, all of them up to a number, beyond that a seeded random part (the subset of
regressors, also called the Nyström approximation). With the Cholesky factor ``K(z, z) = L Lᵀ`` and ``Φ = K(x, z) L⁻ᵀ``
this is ridge regression on Φ, and with all windows as centres it is exact kernel ridge regression, since ``Φ Φᵀ = K``.
One reduction to a band per bandwidth serves the whole grid of penalties.

Source: Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables" (1998); Williams and
Seeger, "Using the Nyström method to speed up kernel machines" (2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..renamed import takes_former_names
from .base import Probe, Tokens, check_pair
from .left_out import left_out
from .moments import StandardMoments
from .ridge import PENALTIES, RidgePath
from .valid_grid import ValidGrid

JITTER = 1e-9
"""Added to the diagonal of K(z, z), whose entries are 1: equal windows must not make it singular."""

SAMPLE = 1024
"""Windows whose distances give the unit of the bandwidths."""


@takes_former_names
class KernelRidgeProbe(Probe):
    """Kernel ridge regression with a Gaussian kernel; bandwidth and penalty are chosen for each parameter on valid.

    Args:
        bandwidths: grid of h, as multiples of the median distance between training windows.
        alphas: grid of penalties, per sample.
        centres: largest number of training windows that carry a kernel.
        seed: of the choice of centres.

    Raises:
        PhysrepError: an empty grid, a bandwidth that is not positive, or fewer than 2 centres.
    """

    def __init__(
        self,
        bandwidths: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0),
        alphas: Sequence[float] = PENALTIES,
        centres: int = 2048,
        seed: int = 0,
    ) -> None:
        self.bandwidths, self.alphas = tuple(bandwidths), tuple(alphas)
        if not self.bandwidths or min(self.bandwidths) <= 0 or not self.alphas or centres < 2:
            raise PhysrepError(
                f"kernel_ridge: bandwidths are {list(bandwidths)}, alphas {list(alphas)}, centres {centres}; "
                "give positive bandwidths, at least one penalty and 2 centres."
            )
        self.centres, self.seed = centres, seed

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._features = StandardMoments().fit(tokens)
        x, x_valid = self._features(tokens), self._features(tokens_valid)
        target, target_valid = labels.double(), labels_valid.double()
        self._offset = target.mean(dim=0)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(self.seed))
        self._centres = x[order[: self.centres].sort().values]
        # Windows without any difference have no distance; any unit serves a constant prediction.
        self._unit = float(_squares(x[order[:SAMPLE]], x[order[:SAMPLE]]).sqrt().median()) or 1.0
        parameters = target.shape[1]
        self.best_params_ = {"bandwidth": [0.0] * parameters, "penalty": [0.0] * parameters}
        self._coefficients = torch.zeros(len(self._centres), parameters, dtype=torch.float64)
        best = torch.full((parameters,), torch.inf, dtype=torch.float64)
        among = _squares(self._centres, self._centres)
        train, valid = _squares(x, self._centres), _squares(x_valid, self._centres)
        edges, predicted = [False] * parameters, []
        for number, bandwidth in enumerate(self.bandwidths):
            factor, features, scale = self._kernel_features(bandwidth, among, train)
            path = RidgePath(features, target).along(self.alphas)
            weights = _back(factor, path)
            predicted.append((scale * valid).exp() @ weights + self._offset)
            errors = (predicted[-1] - target_valid).square().mean(dim=1)
            for p in range(parameters):
                k = int(errors[:, p].argmin())
                if errors[k, p] < best[p]:
                    best[p] = errors[k, p]
                    self._coefficients[:, p] = weights[k, :, p]
                    self.best_params_["bandwidth"][p], self.best_params_["penalty"][p] = (
                        float(bandwidth),
                        self.alphas[k],
                    )
                    edges[p] = number in (0, len(self.bandwidths) - 1) or k in (0, len(self.alphas) - 1)
        self.valid_grid_ = ValidGrid.of_each(torch.cat(predicted), target_valid)
        self.best_params_ |= {"valid_mse": best.tolist(), "centres": len(self._centres), "at_edge": edges}
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        distance = _squares(self._features(tokens), self._centres)
        columns = []
        for p, bandwidth in enumerate(self.best_params_["bandwidth"]):
            kernel = (-0.5 / (bandwidth * self._unit) ** 2 * distance).exp()
            columns.append(kernel @ self._coefficients[:, p])
        return (torch.stack(columns, dim=1) + self._offset).float()

    def predict_left_out(self, tokens: Tokens, labels: Tensor, trajectory: np.ndarray) -> Tensor:
        y, among = labels.double(), _squares(self._centres, self._centres)
        train = _squares(self._features(tokens), self._centres)
        found = torch.empty_like(y)
        for bandwidth in set(self.best_params_["bandwidth"]):
            _, features, _ = self._kernel_features(bandwidth, among, train)
            columns = [p for p, own in enumerate(self.best_params_["bandwidth"]) if own == bandwidth]
            penalties = [self.best_params_["penalty"][p] for p in columns]
            found[:, columns] = left_out(features, y[:, columns], penalties, trajectory)
        return found

    def _kernel_features(self, bandwidth: float, among: Tensor, train: Tensor) -> tuple[Tensor, Tensor, float]:
        """L of the centres, Φ of train, and what squared distances are multiplied by."""
        scale = -0.5 / (bandwidth * self._unit) ** 2
        kernel = (scale * among).exp()
        kernel.diagonal().add_(JITTER)
        factor = torch.linalg.cholesky(kernel)
        return factor, torch.linalg.solve_triangular(factor, (scale * train).exp().T, upper=False).T, scale


def _squares(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances with shape ``(len(x), len(y))``."""
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp_min_(0)


def _back(factor: Tensor, path: Tensor) -> Tensor:
    """Coefficients of the centres, ``(alphas, centres, P)``, from weights of Φ."""
    flat = path.movedim(1, 0).reshape(len(factor), -1)
    solved = torch.linalg.solve_triangular(factor.T, flat, upper=True)
    return solved.view(len(factor), len(path), -1).movedim(1, 0)
