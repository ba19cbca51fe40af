r"""θ of a window: an estimate, its error, and the posterior under N(0, 1).

    A_pq = Σ_c λ_c V_pcᵀ G V_qc,     b_p = Σ_c λ_c V_pcᵀ (B_c - G W₀c),     θ̂ = A⁻¹ b
    C = A⁻¹ (Σ_r s_r s_rᵀ) A⁻¹,      s_r = Σ_c λ_c V_cᵀ x_r (y_rc - x_r w_c)
    mean = (C⁻¹ + 1)⁻¹ C⁻¹ θ̂,        covariance = (C⁻¹ + 1)⁻¹

λ_c is the inverse residual variance of the channel in this very window, so that a channel with noise of its own counts
less. C is the sandwich estimate: it asks the residuals of the rows how large the error is, not a model of them.

Source: White, Maximum likelihood estimation of misspecified models, Econometrica 50 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .low_rank import SMALLEST
from .weak_form import Rows

FLOOR = 1e-5
"""Eigenvalues of A below this share of a typical one of training count as this much: that direction says nothing."""
PASSES = 3


@dataclass
class Posterior:
    """Of B windows.

    Attributes:
        mean: of θ, ``(B, P)``.
        covariance: ``(B, P, P)``.
        residual: share of the change of each channel that the operator does not explain, ``(B, C)``.
    """

    mean: Tensor
    covariance: Tensor
    residual: Tensor


def posterior(rows: Rows, w0: Tensor, v: Tensor, weights: Tensor, signal: Tensor) -> Posterior:
    """θ of every window of a batch.

    Args:
        rows: of B windows.
        w0, v: the operator of each window, ``(B, K, C)`` and ``(B, P, K, C)``.
        weights: inverse residual variances to start from, ``(C,)``.
        signal: what a row of a training window tells of θ through each channel, ``V_cᵀ G V_c`` per row, ``(C,)``.
    """
    batch, p, k, c = v.shape
    count = rows.x_a.shape[1]
    coefficients = torch.cat([w0.unsqueeze(1), v], 1).permute(0, 2, 1, 3).reshape(batch, k, (p + 1) * c)
    views = []
    for x, y in ((rows.x_a, rows.y_a), (rows.x_b, rows.y_b)):
        predicted = (x @ coefficients).view(batch, count, p + 1, c)
        views.append((predicted[:, :, 1:], y - predicted[:, :, 0]))
    (d_a, r_a), (d_b, r_b) = views
    change = (rows.y_a * rows.y_b).sum(1)
    theta = torch.zeros(batch, p, dtype=w0.dtype, device=w0.device)
    covariance = torch.eye(p, dtype=w0.dtype, device=w0.device).expand(batch, p, p)
    share = weights.expand(batch, c)
    eye = torch.eye(p, dtype=w0.dtype, device=w0.device)
    for number in range(PASSES if p else 0):
        if number:
            # Of each view by itself: their product, free of noise, may vanish by chance.
            own = (_rest(d_a, r_a, theta).square() + _rest(d_b, r_b, theta).square()).sum(1) / 2
            share = count / (own + SMALLEST * change.clamp_min(1e-30))
        a = torch.einsum("brpc,brqc,bc->bpq", d_a, d_b, share)
        b = (torch.einsum("brpc,brc,bc->bp", d_a, r_b, share) + torch.einsum("brpc,brc,bc->bp", d_b, r_a, share)) / 2
        values, vectors = torch.linalg.eigh((a + a.transpose(1, 2)) / 2)
        values = torch.maximum(values, FLOOR * count * (share @ signal).unsqueeze(1).clamp_min(1e-30))
        inverse = (vectors / values.unsqueeze(1)) @ vectors.transpose(1, 2)
        estimate = (inverse @ b.unsqueeze(2)).squeeze(2)
        score = torch.einsum("brpc,brc,bc->brp", d_a, _rest(d_b, r_b, estimate), share)
        score = (score + torch.einsum("brpc,brc,bc->brp", d_b, _rest(d_a, r_a, estimate), share)) / 2
        meat = score.transpose(1, 2) @ score * (count / max(count - p, 1))
        # (C⁻¹ + 1)⁻¹ = C (C + 1)⁻¹: no inverse of an error that is zero.
        error = inverse @ meat @ inverse
        gain = torch.linalg.solve(error + eye, eye.expand_as(error))
        theta = (gain @ estimate.unsqueeze(2)).squeeze(2)
        covariance = error @ gain
    covariance = (covariance + covariance.transpose(1, 2)) / 2
    residual = _product(d_a, r_a, d_b, r_b, theta) / change.clamp_min(1e-30)
    return Posterior(theta, covariance, residual)


def _rest(d: Tensor, r: Tensor, theta: Tensor) -> Tensor:
    """Residual ``(B, R, C)`` at θ."""
    return r - torch.einsum("brpc,bp->brc", d, theta)


def _product(d_a: Tensor, r_a: Tensor, d_b: Tensor, r_b: Tensor, theta: Tensor) -> Tensor:
    return (_rest(d_a, r_a, theta) * _rest(d_b, r_b, theta)).sum(1)
