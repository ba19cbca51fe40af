"""From the tokens of a clip to one vector."""

from __future__ import annotations

import torch
from torch import Tensor


def pooled(tokens: Tensor) -> Tensor:
    """Mean and standard deviation over the tokens ``(B, N, D)`` of each clip, with shape ``(B, 2 D)``.

    The variance has a small floor, so that the gradient of the root stays finite where all tokens are equal.
    """
    return torch.cat([tokens.mean(1), (tokens.var(1, correction=0) + 1e-6).sqrt()], dim=1)
