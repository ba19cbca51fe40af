r"""What white noise in the fields does to the columns of the library.

    N = E[(X(u + σn) - X(u))ᵀ (X(u + σn) - X(u))] / σ²

Added to the normal equations of (W₀, V) as σ²N it is the expectation of the squared error that noise of that level
brings into the prediction: of equations that say the same (derivatives can be traded for one another) the fit then
takes the one that amplifies noise least.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .weak_form import WeakRows

REFERENCE = 0.05
"""Level σ of the noise that is added to measure N, in standard deviations of the channels."""
LEVELS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Levels that an operator is fitted for; between them coefficients are interpolated in log σ."""
CAUTION = 0.2
"""The penalty of a window with noise σ is that of CAUTION σ: half views leave less to guard against than N says. Chosen
on valid windows of shear flow by the error of θ at 1 and 20 % noise, without labels."""


def noise_gram(rows: WeakRows, x: Tensor, clean: Tensor, generator: torch.Generator) -> Tensor:
    """``(K, K)``: N of these windows, summed over them.

    Args:
        rows: of the windows' geometry.
        x: normalised fields ``(B, C, T, H, W)``.
        clean: columns of the first view of ``x``, ``(B, R, K)``.
        generator: of the noise.
    """
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.device)
    change = (rows(x + REFERENCE * noise).x_a - clean).flatten(0, 1) / REFERENCE
    return change.T @ change


def interpolation(level: Tensor) -> Tensor:
    """Shares ``(B, len(LEVELS))`` of the operators for windows of these noise levels ``(B,)``; sums are 1."""
    anchors = torch.tensor(LEVELS[1:], dtype=torch.float64, device=level.device).log()
    place = level.double().clamp(LEVELS[1], LEVELS[-1]).log()
    upper = torch.bucketize(place, anchors).clamp(1, len(anchors) - 1)
    share = (place - anchors[upper - 1]) / (anchors[upper] - anchors[upper - 1])
    table = torch.zeros(len(level), len(LEVELS), dtype=torch.float64, device=level.device)
    row = torch.arange(len(level), device=level.device)
    table[row, upper], table[row, upper + 1] = 1 - share, share
    # Below the first level the penalty fades out to none.
    faint = level < LEVELS[1]
    table[faint] = 0
    table[faint, 0] = 1 - level[faint].double() / LEVELS[1]
    table[faint, 1] = level[faint].double() / LEVELS[1]
    return table
