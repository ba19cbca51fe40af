r"""Which directions of θ are parameters: those along which the windows of one trajectory agree.

A parameter is one number for a trajectory. A direction may be worth its place in the fit and be none: noise takes some,
and where the library only approximates the law, the best approximation moves with the state that a window shows, which
lasts into the next window. Then θ differs within a trajectory as well as between them. With the covariances of θ within
trajectories, W, and between them, B, of one-way analysis of variance, the intraclass correlations ρ are the eigenvalues
of

    B v = ρ (B + W) v,      W = Σ_ti w_ti r_ti r_tiᵀ / Σ_t (S_t - Q_t/S_t),      r_ti = θ_ti - θ̄_t,
    B = [Σ_t S_t d_t d_tᵀ - (Σ_t Q_t/S_t - Q/S) W] / (S - Σ_t S_t²/S),           d_t = θ̄_t - θ̄,

over windows i of trajectories t that count w_ti, S_t = Σ_i w_ti, Q_t = Σ_i w_ti², S and Q their sums over t. w is the
share of the prior's variance that a window takes from θ. The eigenvectors are the linear combinations of θ that agree
most, whatever basis θ has. As many parameters vary as ρ are above one half: along these trajectories differ more from
one another than windows within them do.

Sources: Shrout and Fleiss, Intraclass correlations: uses in assessing rater reliability, Psychological Bulletin 86
(1979) 420, ICC(1, 1); canonical variates, Rao, J. R. Stat. Soc. B 10 (1948) 159.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .posterior import WindowPosterior

AGREE = 0.5
"""Intraclass correlation above which a direction is a parameter."""
FEWEST = 8
"""Trajectories of several windows from which on this is asked."""
TRAJECTORIES = 24
"""Trajectories of each split that are asked, at least, if there are as many."""


def repeatability(found: Sequence[WindowPosterior], trajectory: Sequence[Tensor]) -> Tensor:
    """Intraclass correlations of θ of the windows of some batches, see `intraclass_correlations`.

    Args:
        found: of the batches.
        trajectory: that each window is of.
    """
    if not found:
        return torch.zeros(0, dtype=torch.float64)
    theta, covariance = torch.cat([one.mean for one in found]), torch.cat([one.covariance for one in found])
    told = 1 - covariance.diagonal(dim1=1, dim2=2).mean(1)
    return intraclass_correlations(theta, torch.cat(list(trajectory)).to(theta.device), told.clamp_min(0))


def intraclass_correlations(theta: Tensor, trajectory: Tensor, weight: Tensor) -> Tensor:
    """ρ of every direction, greatest first, ``(P,)``; empty if fewer than `FEWEST` trajectories hold two windows.

    Args:
        theta: of windows, ``(n, P)``.
        trajectory: that each is of, ``(n,)``.
        weight: what each counts, ``(n,)``, at least 0.
    """
    counted = weight > 0
    theta, trajectory, w = theta[counted], trajectory[counted], weight[counted].unsqueeze(1)
    _, place, number = trajectory.unique(return_inverse=True, return_counts=True)
    if int((number > 1).sum()) < FEWEST:
        return theta.new_zeros(0)

    def sums(x: Tensor) -> Tensor:
        return x.new_zeros(len(number), x.shape[1]).index_add(0, place, x)

    own, square, total = sums(w), sums(w.square()), w.sum()
    centre = sums(w * theta) / own
    rest, spread = theta - centre[place], centre - (w * theta).sum(0) / total
    within = rest.T @ (w * rest) / (own - square / own).sum()
    chance = (square / own).sum() - square.sum() / total
    between = (spread.T @ (own * spread) - chance * within) / (total - own.square().sum() / total)
    unit = (between + within).diagonal().clamp_min(1e-300).rsqrt()
    values, vectors = torch.linalg.eigh((between + within) * unit[:, None] * unit)
    root = unit[:, None] * vectors / values.clamp_min(1e-12).sqrt()
    return torch.linalg.eigvalsh(root.T @ between @ root).flip(0)


def parameters(correlations: Sequence[float], directions: int) -> int:
    """How many parameters vary; all directions where too few trajectories told of it.

    Args:
        correlations: see `intraclass_correlations`.
        directions: P.
    """
    return sum(value > AGREE for value in correlations) if correlations else directions
