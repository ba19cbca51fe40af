r"""Half widths that follow the estimate: wide where the probe errs much, narrow where it errs little.

Known are n estimates ``x_i`` (z-scored, of all parameters) with their absolute errors ``r_i``. What size of error is
usual at a place is a kernel mean of the errors of the *other* places,

    σ_i = (λ r̄ + Σ_j w_ij r_j) / (λ + Σ_j w_ij),      w_ij = exp(-|x_i - x_j|² / (2 h²)),   j ≠ i,

with their plain mean r̄, which counts like λ neighbours: far from all others the width is that of a constant one. A new
recording with the estimate x and the error r that nobody knows would be the (n + 1)-th of them, and a neighbour of all
others. Its interval holds every r for which ``r / σ`` is among the ``⌈(n + 1) level⌉`` smallest of the n + 1 scores
``r_i / σ_i``. As r grows its own score grows and the others fall, so that each score i is overtaken once, at the
positive root of

    (λ/n + w_i) r² + (λ (n r̄ - r_i) / n + Σ_j w_ij r_j) r = r_i σ (λ + w_i + Σ_j w_ij)

and the half width is the ``⌈(n + 1) level⌉``-th smallest root: full conformal prediction in closed form. No error is
spent on σ alone, and if all n + 1 are drawn alike the truth is inside with a probability of at least ``level``, exactly
``⌈(n + 1) level⌉ / (n + 1)`` where no two scores are equal, for every n, h and λ.

Source: Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005, chapter 2; normalised scores:
Papadopoulos, Vovk and Gammerman, "Regression conformal prediction with nearest neighbours", 2011,
https://arxiv.org/abs/1401.3880; Lei et al., "Distribution-free predictive inference for regression", 2018, section 5.2,
https://arxiv.org/abs/1604.04173.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
import torch
from torch import Tensor

BANDWIDTH, PRIOR = 0.5, 1.0
"""h and λ: of a grid the pair whose intervals have the smallest score on held-out errors, be there few or many."""

FEWEST = 20
"""Trajectories from which on widths follow the estimate; with fewer the kernel mean is noise."""

MOST = 2048
"""Errors that are kept; of more a seeded part."""

CHUNK = 256
"""Rows at once, which bounds the memory."""


class LocalWidth:
    """Half width of the interval of one parameter as a function of the estimates; see the module.

    Args:
        level: probability content of the intervals.
        columns: numbers of the parameters whose estimates w compares.
        bandwidth: h, in standard deviations of the training labels.
        prior: λ, in neighbours.
    """

    def __init__(self, level: float, columns: list[int], bandwidth: float = BANDWIDTH, prior: float = PRIOR) -> None:
        self.level, self.columns, self.bandwidth, self.prior = level, list(columns), bandwidth, prior

    def fit(self, estimate: np.ndarray, error: np.ndarray) -> Self:
        """Keep the errors and the sums over their neighbours.

        Args:
            estimate: z-scored, of all parameters, with shape ``(n, P)``.
            error: absolute error of this parameter, with shape ``(n,)``.
        """
        if len(error) > MOST:
            part = np.random.default_rng(0).permutation(len(error))[:MOST]
            estimate, error = estimate[part], error[part]
        self.estimate = torch.from_numpy(np.asarray(estimate, dtype=np.float64)[:, self.columns])
        self.error = torch.from_numpy(np.asarray(error, dtype=np.float64))
        weight, weighted = [], []
        for start in range(0, len(self.error), CHUNK):
            own = self._kernel(self.estimate[start : start + CHUNK])
            rows = torch.arange(len(own))
            own[rows, start + rows] = 0
            weight.append(own.sum(1))
            weighted.append(own @ self.error)
        self.weight, self.weighted = torch.cat(weight), torch.cat(weighted)
        return self

    def __call__(self, estimate: Tensor) -> Tensor:
        """Half widths with shape ``(m,)``.

        Args:
            estimate: z-scored, of all P parameters, with shape ``(m, P)``.
        """
        n = len(self.error)
        near = self._kernel(estimate[:, self.columns].double())
        total, share = self.error.sum(), self.prior / n
        usual = (share * total + near @ self.error) / (self.prior + near.sum(1))
        # a r² + b r = c, in the form of the root that has no difference of nearly equal numbers.
        a = share + near
        b = share * (total - self.error) + self.weighted
        c = self.error * usual[:, None] * (self.prior + near + self.weight)
        root = 2 * c / (b + (b * b + 4 * a * c).sqrt()).clamp_min(torch.finfo(torch.float64).tiny)
        return root.sort(dim=1).values[:, rank(n, self.level) - 1]

    def _kernel(self, estimate: Tensor) -> Tensor:
        apart = (estimate[:, None, :] - self.estimate) / self.bandwidth
        return (-0.5 * apart.square().sum(2)).exp()


def rank(n: int, level: float) -> int:
    """``⌈(n + 1) level⌉``: of n scores this one, counted from the smallest, bounds the interval.

    Args:
        n: number of scores.
        level: promised probability.
    """
    # Rounding must not raise a rank that is a whole number.
    return math.ceil((n + 1) * level - 1e-9)
