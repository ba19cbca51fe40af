"""The box of the prior, and coordinates in which it has no edges."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MARGIN = 0.01
"""Share of the box by which it is widened on every side: training values lie on its edges, which are at infinity."""


@dataclass
class Box:
    """``low <= θ <= high``, mapped to φ = log(u / (1 - u)) with u = (θ - low) / (high - low).

    A density of φ cannot leak out of the box, whatever a flow makes of it.

    Attributes:
        low, high: with shape ``(P,)``, margin included.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def around(cls, low: Tensor, high: Tensor) -> Box:
        """The box with its margin; an empty side has the width 1."""
        width = torch.where(high > low, high - low, torch.ones_like(low))
        return cls((low - MARGIN * width).float(), (high + MARGIN * width).float())

    def open(self, theta: Tensor) -> Tensor:
        """φ of θ with shape ``(..., P)``; values beyond the box are taken as its edge."""
        share = (theta.float() - self.low) / (self.high - self.low)
        return torch.logit(share.clamp(1e-4, 1 - 1e-4))

    def holds(self, theta: Tensor) -> Tensor:
        """Whether θ lies in it, with shape ``(...,)``."""
        return ((theta >= self.low) & (theta <= self.high)).all(-1)

    def close(self, phi: Tensor) -> Tensor:
        """θ of φ."""
        return self.low + (self.high - self.low) * torch.sigmoid(phi)

    def log_slope(self, phi: Tensor) -> Tensor:
        """``log |dφ/dθ|`` summed over parameters, with shape ``(...,)``."""
        inside = torch.nn.functional.logsigmoid
        return -(inside(phi) + inside(-phi) + (self.high - self.low).log()).sum(-1)
