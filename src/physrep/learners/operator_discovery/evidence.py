r"""Windows of a trajectory together: what each says of θ, and the posterior of all.

With mean m_i and covariance S_i of window i, both under the prior N(0, 1), its own data say

    t_i = (1 - S_i)⁻¹ m_i      with the error      E_i = S_i (1 - S_i)⁻¹ + T,

T what windows of one trajectory differ in besides (`scatter_of`), and together

    S = (1 + Σ_i E_i⁻¹)⁻¹,      m = S Σ_i E_i⁻¹ t_i.

So (E_i⁻¹, E_i⁻¹ t_i) is the evidence of a window, which adds up. The prior counts once. The mean of the m_i would be
drawn to 0 by each of them, and count windows that tell nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .posterior import KNOWN, WindowPosterior, rests


def evidence_of(found: WindowPosterior, scatter: Tensor) -> Tensor:
    """Evidence of every window, ``(B, P² + P)``: E_i⁻¹ row by row, then E_i⁻¹ t_i.

    Args:
        found: of B windows.
        scatter: T, ``(P, P)``.
    """
    own, error = _alone(found)
    precision = torch.linalg.inv(error + scatter)
    return torch.cat([precision.flatten(1), torch.einsum("bpq,bq->bp", precision, own)], 1)


def joint_posterior(evidence: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ``(n, P)`` and covariance ``(n, P, P)`` of θ of n trajectories.

    Args:
        evidence: sum over the windows of each, ``(n, P² + P)``.
    """
    p = (math.isqrt(1 + 4 * evidence.shape[1]) - 1) // 2
    precision = evidence[:, : p * p].unflatten(1, (p, p))
    spread = torch.linalg.inv(torch.eye(p).to(evidence) + precision)
    mean = torch.einsum("npq,nq->np", spread, evidence[:, p * p :])
    return mean, (spread + spread.transpose(1, 2)) / 2


def scatter_of(found: Sequence[WindowPosterior], trajectory: Sequence[Tensor], directions: int) -> Tensor:
    """T, ``(P, P)``: by how much more windows of one trajectory differ than their errors say, without any label.

    It is the mean covariance within trajectories minus the mean error, its negative eigenvalues set to 0 (the moment
    estimate of random-effects models), over windows that tell θ well (S below `KNOWN`).

    Source: DerSimonian and Laird, Meta-analysis in clinical trials, Controlled Clinical Trials 7 (1986) 177.

    Args:
        found: of batches of windows, several per trajectory.
        trajectory: that each window is of.
        directions: P.
    """
    nothing = torch.zeros(directions, directions, dtype=torch.float64)
    if not found or not directions:
        return nothing
    alone, names = [_alone(one) for one in found], torch.cat(list(trajectory))
    own, error = (torch.cat(parts) for parts in zip(*alone, strict=True))
    known = torch.linalg.eigvalsh(torch.cat([one.covariance for one in found])).amax(1) < KNOWN
    rest, windows = rests(own[known], names.to(own.device)[known])
    several = windows > 1
    if not several.any():
        return nothing.to(own)
    spread = rest.T @ rest / (1 - 1 / windows.to(own)).sum()
    values, vectors = torch.linalg.eigh(spread - error[known][several].mean(0))
    return (vectors * values.clamp_min(0)) @ vectors.T


def _alone(found: WindowPosterior) -> tuple[Tensor, Tensor]:
    """What the data of every window say without the prior: estimate ``(B, P)`` and error ``(B, P, P)``."""
    eye = torch.eye(found.mean.shape[1]).to(found.mean)
    # Nothing is known for sure, and nothing is told by what leaves the prior as it is.
    left = eye - found.covariance + 1e-9 * eye
    error = torch.linalg.solve(left, found.covariance + 1e-14 * eye)
    return torch.linalg.solve(left, found.mean.unsqueeze(2)).squeeze(2), (error + error.transpose(1, 2)) / 2
