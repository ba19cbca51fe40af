r"""How far rows miss, and which errors go together: the covariance behind θ of a window.

    Cov(e_rc, e_rd)  =  √(E_c E_d) M_rcd  +  σ² N_rcd(σ)

e = Y - X (W₀ + θV) of a row r (mode of the test functions) in channels c, d; E_c is the change of the window's channel.
M is what the library leaves unexplained, measured on training windows as they are; N what noise of level σ adds to the
residual, measured on the same windows with noise added. So a short
wave counts for much in a clean window and for little in a noisy one, without a label.

Source: generalised least squares, Aitken, Proc. R. Soc. Edinburgh 55 (1936).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .low_rank import SMALLEST
from .noise import LEVELS, interpolation
from .row_weights import RowScale, cropped
from .weak_form import Rows


@dataclass
class RowErrors:
    """Covariances of the residuals by mode.

    Attributes:
        model: M, ``(*modes, C, C)``.
        noise: N of every level of `LEVELS` but 0, ``(L - 1, *modes, C, C)``.
        signal: ``Σ_p d_pc d_pd / √(E_c E_d)`` per row and direction, d = X V_p, ``(C, C)``: what θ moves.
    """

    model: Tensor
    noise: Tensor
    signal: Tensor

    def covariance(
        self, size: Tensor, level: Tensor, shape: Sequence[int], halves: Sequence[bool], bumps: int
    ) -> Tensor:
        """Of every row of every window, ``(B, R, C, C)``.

        Args:
            size: E, ``(B, C)``.
            level: σ, ``(B,)``.
            shape, halves: see `physrep.learners.operator_discovery.row_weights.cropped`.
            bumps: rows per mode: bumps in time, times 2 for real and imaginary part.
        """
        unit = size.sqrt()
        outer = unit[:, :, None] * unit[:, None, :]
        last = len(shape) - 1
        model = cropped(self.model, shape, halves).flatten(0, last)
        noise = torch.stack([cropped(one, shape, halves).flatten(0, last) for one in self.noise])
        share = interpolation(level)[:, 1:] * level.square().unsqueeze(1)
        own = outer.unsqueeze(1) * model + torch.einsum("bl,lrcd->brcd", share, noise)
        return (own + SMALLEST * torch.diag_embed(size).unsqueeze(1)).repeat(1, bumps, 1, 1)


def residuals(rows: Rows, w: Tensor) -> tuple[Tensor, Tensor]:
    """e of both views at coefficients ``(B, K, C)``, ``(B, R, C)`` each."""
    return rows.y_a - rows.x_a @ w, rows.y_b - rows.x_b @ w


def row_errors(
    clean: Rows,
    noisy: Sequence[Rows],
    coefficients: Tensor,
    directions: Tensor,
    scale: RowScale,
    spectrum: Tensor,
) -> RowErrors:
    """Measured on some training windows.

    Args:
        clean: rows of the windows as they are.
        noisy: of the windows with noise of every level of `LEVELS` but 0 added.
        coefficients: ``(B, K, C)``, at the θ of the windows' trajectories.
        directions: V, ``(P, K, C)``.
        scale: sizes of the change.
        spectrum: s of every row, ``(R,)``.
    """
    shape = scale.spectrum.shape
    size = scale.size(clean, spectrum)
    unit = size.rsqrt().unsqueeze(1)
    model = torch.stack([_by_mode(e * unit, shape) for e in residuals(clean, coefficients)]).mean(0)
    noise = []
    for level, rows in zip(LEVELS[1:], noisy, strict=True):
        added = [
            _by_mode((with_noise - without) / level, shape)
            for with_noise, without in zip(residuals(rows, coefficients), residuals(clean, coefficients), strict=True)
        ]
        noise.append(torch.stack(added).mean(0))
    moved = torch.stack([clean.x_a @ v for v in directions]) if len(directions) else clean.y_a.unsqueeze(0)
    moved = moved * unit
    signal = torch.einsum("pbrc,pbrd->cd", moved, moved) / (moved.shape[0] * moved.shape[1] * moved.shape[2])
    return RowErrors(model, torch.stack(noise), signal)


def _by_mode(e: Tensor, shape: Sequence[int]) -> Tensor:
    """Mean of ``e_c e_d`` over windows, bumps and parts, ``(*shape, C, C)``."""
    own = e.unflatten(1, (-1, math.prod(shape)))
    return (torch.einsum("btmc,btmd->mcd", own, own) / (own.shape[0] * own.shape[1])).unflatten(0, tuple(shape))
