r"""Tokens of a window: θ, and the logarithms of the coefficients that it moves most.

A parameter that acts as 1/Re over decades is read linearly from log w, not from w; so beside θ the token holds
E[log |w_k|] over the posterior of θ, for the coefficients w = W₀ + θV that never change their sign over the training
trajectories and whose change moves the prediction most. A logarithm of what comes as near to 0 as its error runs away
where a probe has to extrapolate: a coefficient that is not resolved from 0 is read through θ alone. w is kept in the
range that it has in training: there the logarithm of a coefficient that noise drowned is the mean over what is
possible, and not that of a number near 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .low_rank import Operator
from .posterior import KNOWN, WindowPosterior, rests

COEFFICIENTS = 10
DRAWS = 64
CHI_SQUARED = 0.4549
"""Median of χ² with one degree of freedom."""
RESOLVED = 0.1
"""Largest error of a coefficient, as a share of its smallest size in training, with which its logarithm is a token."""


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


def resolved(found: Sequence[WindowPosterior], trajectory: Sequence[Tensor], v: Tensor, low: Tensor) -> Tensor:
    """Which coefficients windows tell from 0 also where they are smallest, ``(n,)``; no label is read.

    The squared error of a coefficient v_k of θ is the variance of v_k m_i within trajectories, m_i the means of θ, and
    v_kᵀ S_i v_k with the posterior covariance S_i. Both are medians over windows that tell θ well (that of squares by
    the median of χ² with one degree of freedom): one window in a hundred that errs by far does not decide.

    Args:
        found: of batches of windows, several per trajectory.
        trajectory: that each window is of.
        v: how θ moves the coefficients, ``(P, n)``.
        low: smallest size of each in training, ``(n,)``.
    """
    covariance = torch.cat([one.covariance for one in found])
    known = torch.linalg.eigvalsh(covariance).amax(1) < KNOWN
    mean = torch.cat([one.mean for one in found])
    rest, windows = rests(mean[known] @ v, torch.cat(list(trajectory))[known])
    several = windows > 1
    if not several.any():
        return torch.zeros_like(low, dtype=torch.bool)
    number = windows[several].to(rest).unsqueeze(1)
    own = torch.einsum("pn,bpq,qn->bn", v, covariance[known], v)
    scatter = (rest[several].square() * number / (number - 1)).median(0).values / CHI_SQUARED
    error = scatter + own.median(0).values
    return error.sqrt() <= RESOLVED * low


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
