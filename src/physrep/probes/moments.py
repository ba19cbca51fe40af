"""What the probes without attention read of the tokens: their mean and standard deviation, standardised."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Tokens, batches, check_tokens


def token_moments(tokens: Tokens, batch_size: int = 256) -> Tensor:
    """Mean and standard deviation over the tokens of each window, with shape ``(windows, 2 D)``, float64.

    A window of one token has no spread: its features are the token itself, with shape ``(windows, D)``.
    """
    check_tokens(tokens)
    parts = []
    for batch in batches(tokens, batch_size):
        if batch.shape[1] == 1:
            parts.append(batch[:, 0].double())
        else:
            std, mean = torch.std_mean(batch.double(), dim=1, correction=0)
            parts.append(torch.cat([mean, std], dim=1))
    return torch.cat(parts)


class StandardMoments:
    """`token_moments`, each shifted and scaled to mean 0 and standard deviation 1 on the training windows."""

    def fit(self, tokens: Tokens) -> Self:
        """Take the statistics from these windows."""
        std, self.mean = torch.std_mean(token_moments(tokens), dim=0, correction=0)
        # A feature that is constant up to float32 rounding carries nothing; its centred values must not be blown up.
        # Rounding is relative to the feature itself, or, where it should be zero, to what it is the difference of.
        least = torch.maximum(1e-6 * self.mean.abs(), 1e-7 * std.median())
        self.std = torch.where(std > least, std, torch.inf)
        return self

    def __call__(self, tokens: Tokens) -> Tensor:
        """Features with shape ``(windows, F)``, float64.

        Raises:
            PhysrepError: the tokens have another width than those of `fit`.
        """
        moments = token_moments(tokens)
        if moments.shape[1] != len(self.mean):
            raise PhysrepError(f"tokens give {moments.shape[1]} features; this probe was fitted on {len(self.mean)}.")
        return (moments - self.mean) / self.std
