r"""θ of a window: an estimate, its error, and the posterior under N(0, 1).

    A_pq = Σ_r d_rp Λ_r d_rqᵀ,       b_p = Σ_r d_rp Λ_r (y_r - x_r W₀)ᵀ,       d_rp = x_r V_p,      θ̂ = A⁻¹ b
    C = A⁻¹ (Σ_r s_r s_rᵀ) A⁻¹,      s_rp = d_rp Λ_r (y_r - x_r w)ᵀ
    mean = (C⁻¹ + 1)⁻¹ C⁻¹ θ̂,        covariance = (C'⁻¹ + 1)⁻¹

Λ_r is the inverse covariance of the errors of row r over the channels (`row_errors`), scaled for every channel to the
residuals of this very window, so that a channel with noise of its own counts less. C is the sandwich estimate: it
asks the residuals of the rows how large the error is, not a model of them. C', what is told, has s_r / (1 - h_r) in
place of s_r (HC3): h_r, the share of a row in its own prediction, is taken from its residual. It is larger by
ν/(ν - 2), ν = (Σh)²/Σh² the rows that count. Both matter where few modes say most; the mean is better off without them.

Sources: White, Maximum likelihood estimation of misspecified models, Econometrica 50 (1982); MacKinnon and White, Some
heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties, Journal of
Econometrics 29 (1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .weak_form import Rows

FLOOR = 1e-5
"""Eigenvalues of A below this share of a typical one of training count as this much: that direction says nothing."""
PASSES = 3
LARGEST_LEVERAGE = 0.9
"""h is counted as this at most."""
FEWEST = 4.0
"""Least number ν of rows that count, (Σh)² / Σh²; C is larger by ν / (ν - 2)."""
KNOWN = 0.25
"""Largest variance of θ, of its 1 before a window was seen, of windows that are asked how much they scatter."""
LARGEST_SCALE = 1e3
"""Errors of a channel are told apart from those expected up to this factor."""


@dataclass
class WindowPosterior:
    """Of B windows.

    Attributes:
        mean: of θ, ``(B, P)``.
        covariance: ``(B, P, P)``.
        residual: share of the change of each channel that the operator does not explain, ``(B, C)``; then of the
            channels that relations of one moment give.
    """

    mean: Tensor
    covariance: Tensor
    residual: Tensor


def posterior(rows: Rows, w0: Tensor, v: Tensor, covariance: Tensor, signal: Tensor) -> WindowPosterior:
    """θ of every window of a batch.

    Args:
        rows: of B windows.
        w0, v: the operator, ``(K, C)`` and ``(P, K, C)``.
        covariance: expected errors of every row, ``(B, R, C, C)``.
        signal: what θ moves in a row of a training window of this size, ``(B, C, C)``.
    """
    p, k, c = v.shape
    batch, count = rows.x_a.shape[:2]
    coefficients = torch.cat([w0.unsqueeze(0), v]).permute(1, 0, 2).reshape(k, (p + 1) * c)
    views = []
    for x, y in ((rows.x_a, rows.y_a), (rows.x_b, rows.y_b)):
        predicted = (x @ coefficients).view(batch, count, p + 1, c)
        views.append((predicted[:, :, 1:], y - predicted[:, :, 0]))
    (d_a, r_a), (d_b, r_b) = views
    change = (rows.y_a * rows.y_b).sum(1)
    theta = torch.zeros(batch, p, dtype=w0.dtype, device=w0.device)
    spread = torch.eye(p, dtype=w0.dtype, device=w0.device).expand(batch, p, p)
    precision = torch.linalg.inv(covariance)
    expected = covariance.diagonal(dim1=2, dim2=3).sum(1)
    typical = torch.einsum("brcd,bcd->b", precision, signal)
    scale = torch.ones(batch, c, dtype=w0.dtype, device=w0.device)
    eye = torch.eye(p, dtype=w0.dtype, device=w0.device)
    for number in range(PASSES if p else 0):
        if number:
            # Of each view by itself: their product, free of noise, may vanish by chance.
            own = (_rest(d_a, r_a, theta).square() + _rest(d_b, r_b, theta).square()).sum(1) / 2
            scale = (expected / own.clamp_min(1e-300)).sqrt().clamp(1 / LARGEST_SCALE, LARGEST_SCALE)
        own_precision = precision * (scale[:, :, None] * scale[:, None, :]).unsqueeze(1)
        # Both views in the same rows: each is multiplied with what the rows of the other count.
        e_a, e_b = d_a @ own_precision, d_b @ own_precision
        a = torch.einsum("brpc,brqc->bpq", e_a, d_b)
        b = (torch.einsum("brpc,brc->bp", e_a, r_b) + torch.einsum("brpc,brc->bp", e_b, r_a)) / 2
        values, vectors = torch.linalg.eigh((a + a.transpose(1, 2)) / 2)
        values = torch.maximum(values, FLOOR * typical.unsqueeze(1).clamp_min(1e-30))
        inverse = (vectors / values.unsqueeze(1)) @ vectors.transpose(1, 2)
        estimate = (inverse @ b.unsqueeze(2)).squeeze(2)
        score = torch.einsum("brpc,brc->brp", e_a, _rest(d_b, r_b, estimate))
        score = (score + torch.einsum("brpc,brc->brp", e_b, _rest(d_a, r_a, estimate))) / 2
        plain = inverse @ (score.transpose(1, 2) @ score) @ inverse * (count / max(count - p, 1))
        # (C⁻¹ + 1)⁻¹ = C (C + 1)⁻¹: no inverse of an error that is zero.
        gain = torch.linalg.solve(plain + eye, eye.expand_as(plain))
        theta = (gain @ estimate.unsqueeze(2)).squeeze(2)
        if number < PASSES - 1:
            continue
        # A row that drags the estimate towards itself shows a residual that is too small.
        own = torch.einsum("brpc,bpq,brqc->br", e_a, inverse, d_b).clamp(0, LARGEST_LEVERAGE)
        score = score / (1 - own).unsqueeze(2)
        # Few rows that say most leave as few residuals to read their size from: Student's variance, not Gauss's.
        rows_that_count = (own.sum(1).square() / own.square().sum(1).clamp_min(1e-30)).clamp_min(FEWEST)
        error = inverse @ (score.transpose(1, 2) @ score) @ inverse
        error = error * (rows_that_count / (rows_that_count - 2)).view(-1, 1, 1)
        spread = error @ torch.linalg.solve(error + eye, eye.expand_as(error))
    spread = (spread + spread.transpose(1, 2)) / 2
    residual = _product(d_a, r_a, d_b, r_b, theta) / change.clamp_min(1e-30)
    return WindowPosterior(theta, spread, residual)


def rests(value: Tensor, trajectory: Tensor) -> tuple[Tensor, Tensor]:
    """What windows differ in from the mean of their trajectory, ``(B, P)``, and how many windows that is of, ``(B,)``.

    Args:
        value: of windows, ``(B, P)``.
        trajectory: that each is of, ``(B,)``.
    """
    _, place, counts = trajectory.unique(return_inverse=True, return_counts=True)
    centres = value.new_zeros(len(counts), value.shape[1]).index_add(0, place, value) / counts.unsqueeze(1)
    return value - centres[place], counts[place]


def _rest(d: Tensor, r: Tensor, theta: Tensor) -> Tensor:
    """Residual ``(B, R, C)`` at θ."""
    return r - torch.einsum("brpc,bp->brc", d, theta)


def _product(d_a: Tensor, r_a: Tensor, d_b: Tensor, r_b: Tensor, theta: Tensor) -> Tensor:
    return (_rest(d_a, r_a, theta) * _rest(d_b, r_b, theta)).sum(1)
