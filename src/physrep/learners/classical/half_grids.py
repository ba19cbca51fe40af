"""Power without the bias of noise: the cross-spectrum of two interleaved halves of the grid."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rings import squared_modulus
from .window import Feature, Window

UNIT = 1e-4
"""Power per ring, of fields with variance 1, below which the compressed value is linear and above which it is a
logarithm: an estimate without bias may be negative, so it has no logarithm."""


def half_grid_power(window: Window) -> Tensor:
    r"""Power per ring and frame, ``(B, C, T, bins)``, to which white noise adds nothing on average.

    The points with even and with odd i + j (+ k in space) are two fields A and B on disjoint halves of the grid, each
    zero on the other's points. Noise that is independent from point to point is independent in A and B, so that the
    cross-spectrum ``4 Re F_A F_B*`` holds the power of the field alone; a plain spectrum holds the power of the noise
    besides. With the sign s = ±1 of the two halves, ``A = (x + s x)/2`` and ``B = (x - s x)/2``, this is
    ``|F[x]|² - |F[s x]|²``: the power at k less that at k + (π/Δx, π/Δy). Where the field itself reaches that far
    corner of the spectrum, its power there is subtracted.
    """
    corner = torch.zeros((), dtype=torch.long, device=window.raw.device)
    for n in window.raw.shape[3:]:
        corner = (corner[..., None] + torch.arange(n, device=corner.device)) % 2
    other = window.modes_of(window.raw * (1 - 2 * corner))
    return window.power - window.rings(squared_modulus(other))


class HalfGridPower(Feature):
    """`half_grid_power` of the first and of the last frame and over all frames, as ``asinh(P / 10⁻⁴)``."""

    def width(self, channels: int, frames: int, bins: int) -> int:
        return 3 * channels * bins

    def compute(self, window: Window) -> Tensor:
        power = half_grid_power(window)
        chosen = torch.stack([power[:, :, 0], power[:, :, -1], power.mean(2)], 2)
        return torch.asinh(chosen / UNIT).flatten(1)
