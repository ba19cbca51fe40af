r"""Tokens of a window: θ, and the logarithms of the coefficients that it moves most.

A parameter that acts as 1/Re over decades is read linearly from log w, not from w; so beside θ the token holds
E[log |w_k|] over the posterior of θ, for the coefficients w = W₀ + θV that never change their sign over the training
trajectories and whose change moves the prediction most. w is kept in the range that it has in training: there the
logarithm of a coefficient that noise drowned is the mean over what is possible, and not that of a number near 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .low_rank import Operator

COEFFICIENTS = 10
DRAWS = 64


def influential(operator: Operator, theta: Tensor, diagonal: Tensor, count: int = COEFFICIENTS) -> Tensor:
    """Flat indices k C + c of coefficients of fixed sign, most influential first, ``(≤ count,)``.

    Args:
        operator: in the columns of the library.
        theta: of the training trajectories, ``(n, P)``.
        diagonal: of the mean Gram matrix, ``(K,)``.
        count: at most.
    """
    w = operator.at(theta)
    fixed = w.sign().sum(0).abs() == len(w)
    influence = (w.var(0) * diagonal[:, None] * operator.weights.diagonal() * fixed).flatten()
    order = influence.argsort(descending=True)[: min(count, int(fixed.sum()))]
    return order[influence[order] > 0]


def normal_draws(directions: int) -> Tensor:
    """Fixed points ``(DRAWS, P)`` that stand for N(0, 1): a scrambled Sobol sequence, and its mirror image."""
    if not directions:
        return torch.zeros(DRAWS, 0, dtype=torch.float64)
    uniform = torch.quasirandom.SobolEngine(directions, scramble=True, seed=0).draw(DRAWS // 2).double()
    half = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    return torch.cat([half, -half])


def tokens(mean: Tensor, covariance: Tensor, w0: Tensor, v: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """``(B, 1, P + n)``.

    Args:
        mean, covariance: of θ of B windows or trajectories, ``(B, P)`` and ``(B, P, P)``.
        w0, v: of the n chosen coefficients, ``(n,)`` and ``(P, n)``.
        low, high: range of each coefficient's size in training, ``(n,)``.
    """
    draws = normal_draws(v.shape[0]).to(mean)
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp_min(0).sqrt().unsqueeze(1)
    theta = mean.unsqueeze(1) + draws @ root.transpose(1, 2)
    size = (w0 + theta @ v).abs()
    # Outside the range of training the clean estimate keeps its value: only the spread of an uncertain one is cut.
    centre = (w0 + mean @ v).abs().unsqueeze(1)
    lower, upper = torch.minimum(low, centre), torch.maximum(high, centre)
    logs = torch.maximum(torch.minimum(size, upper), lower.clamp_min(1e-30)).log().mean(1)
    return torch.cat([mean, logs], 1).unsqueeze(1)
