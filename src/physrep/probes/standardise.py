"""Features of unit variance, without those that vary by rounding only."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor


class Standardiser:
    """``(x - mean) / scale`` with the statistics of the rows that it was fitted on.

    A feature that is constant up to float32 rounding carries nothing, and its centred values must not be blown up: it
    becomes 0 (its scale is infinite). Rounding is relative to the feature itself, or, where it should be zero, to what
    it is the difference of: constant is what varies by less than 1e-6 of its mean or 1e-7 of the median deviation.

    Args:
        common: one scale for all features, the root of their mean variance. So it should be for principal components,
            of which the small ones are noise.

    Attributes:
        mean, scale: with shape ``(F,)``, after `fit`.
    """

    def __init__(self, common: bool = False) -> None:
        self.common = common

    def fit(self, x: Tensor) -> Self:
        """Take the statistics (population deviation) of rows ``(n, F)``."""
        std, self.mean = torch.std_mean(x, dim=0, correction=0)
        if self.common:
            whole = std.square().mean().sqrt()
            self.scale = torch.full_like(std, float(whole) or torch.inf)
        else:
            least = torch.maximum(1e-6 * self.mean.abs(), 1e-7 * std.median())
            self.scale = torch.where(std > least, std, torch.inf)
        return self

    def __call__(self, x: Tensor) -> Tensor:
        """Rows ``(..., F)``, scaled."""
        return (x - self.mean) / self.scale
