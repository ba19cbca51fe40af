r"""Draws made wider, narrower or shifted until the truths of other trajectories lie among them as they should.

With mean m and standard deviation σ of the draws of a trajectory, ``φ' = m + b σ + T (φ - m)``. If z is the normal
quantile of the rank of the truth among the draws, a calibrated posterior has ``z ~ N(0, 1)``; for each parameter

    b = Σ z / (n + κ),        T² = (Σ (z - b)² + κ) / (n + κ)

over n trajectories that the flows did not learn from. The κ = `PRIOR` pseudo-observations of a calibrated posterior
keep few trajectories from spoiling what was right.

Source: Guo et al., "On calibration of modern neural networks", 2017, https://arxiv.org/abs/1706.04599 (temperature).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

PRIOR = 50.0


@dataclass
class Tempering:
    """One factor T and one shift b per parameter, with shape ``(P,)``."""

    factor: Tensor
    shift: Tensor

    @classmethod
    def fit(cls, draws: Tensor, truth: Tensor) -> Self:
        """From draws ``(L, n, P)`` and truths ``(n, P)``."""
        rank = ((draws < truth).sum(0) + 0.5) / (len(draws) + 1)
        z = torch.special.ndtri(rank.double())
        count = len(z) + PRIOR
        shift = z.sum(0) / count
        factor = (((z - shift).square().sum(0) + PRIOR) / count).sqrt()
        return cls(factor.float(), shift.float())

    def apply(self, draws: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        """Of draws ``(L, n, P)``, whose moments are ``(n, P)``."""
        return mean + self.shift * std + self.factor * (draws - mean)

    def undo(self, phi: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        """The draw ``(n, P)`` that `apply` makes ``phi`` of."""
        return mean + (phi - mean - self.shift * std) / self.factor


def moments(draws: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the draws ``(L, n, P)``."""
    return draws.mean(0), draws.std(0).clamp_min(1e-6)
