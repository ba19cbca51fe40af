"""What the probes without attention read of the tokens: their mean and standard deviation, standardised."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Tokens, batches, check_tokens
from .standardise import Standardiser


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


def smooth_moments(tokens: Tensor) -> Tensor:
    """`token_moments` of tokens ``(B, N, D)`` through which gradients flow."""
    tokens = tokens.double()
    if tokens.shape[1] == 1:
        return tokens[:, 0]
    # The derivative of the root is infinite where all tokens are equal; the floor is far below any spread.
    return torch.cat([tokens.mean(1), (tokens.var(1, correction=0) + 1e-24).sqrt()], 1)


class StandardMoments:
    """`token_moments`, each shifted and scaled to mean 0 and standard deviation 1 on the training windows."""

    def fit(self, tokens: Tokens) -> Self:
        """Take the statistics from these windows."""
        self._scaled = Standardiser().fit(token_moments(tokens))
        return self

    def __call__(self, tokens: Tokens) -> Tensor:
        """Features with shape ``(windows, F)``, float64.

        Raises:
            PhysrepError: the tokens have another width than those of `fit`.
        """
        moments = token_moments(tokens)
        check_width(moments, self._scaled)
        return self._scaled(moments)


def check_width(moments: Tensor, fitted: Standardiser) -> None:
    """Refuse features of another number than the statistics.

    Raises:
        PhysrepError: the tokens have another width than those of the fit.
    """
    if moments.shape[1] != len(fitted.mean):
        raise PhysrepError(f"tokens give {moments.shape[1]} features; this probe was fitted on {len(fitted.mean)}.")
