r"""Two views of a window whose noise is independent, and what they say of the noise.

The points of a frame are dealt out to two half grids like the fields of a chess board, (i + j) even and odd (in
space i + j + k). Each half determines the field where it is band-limited: with p periodic axes of N_a points, modes
with Σ_a |m_a|/N_a < p/4. A product of a column of one view with a column of the other then has the expectation
that it would have without noise, as long as the noise of different points is independent: an instrumental variable
against errors in variables.

Source for the principle: Fuller, Measurement Error Models, Wiley (1987), section 2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def can_split(shape: Sequence[int], periodic: Sequence[bool]) -> bool:
    """Whether the chess board closes around every periodic axis, and one axis at least is periodic."""
    return any(periodic) and all(n % 2 == 0 for n, around in zip(shape, periodic, strict=True) if around)


def half_views(x: Tensor, periodic: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """Both half grids, each interpolated to all points.

    Args:
        x: fields with shape ``(..., *S)``.
        periodic: of the axes of space; `can_split` must hold.

    Returns:
        Two tensors of the same shape.
    """
    points = x.shape[x.ndim - len(periodic) :]
    corner, share = torch.zeros((), dtype=torch.long), torch.zeros((), dtype=torch.float64)
    for n, around in zip(points, periodic, strict=True):
        corner = corner[..., None] + torch.arange(n)
        part = torch.fft.fftfreq(n, dtype=torch.float64).abs() if around else torch.zeros(n, dtype=torch.float64)
        share = share[..., None] + part
    sign = (1.0 - 2.0 * (corner % 2)).to(x)
    keep = (share < sum(periodic) / 4).to(x)
    axes = [axis - len(periodic) for axis, around in enumerate(periodic) if around]
    plain, shifted = (torch.fft.ifftn(torch.fft.fftn(f, dim=axes) * keep, dim=axes).real for f in (x, x * sign))
    return plain + shifted, plain - shifted


def noise_level(a: Tensor, b: Tensor, kept: float) -> Tensor:
    """Standard deviation of white noise in the fields, from the difference of the half views.

    ``a - b`` holds no band-limited signal; independent noise of variance σ² at every point leaves a variance of
    ``4 σ² kept`` there, ``kept`` being the share of the modes that the views keep. Differences in time, of fourth order
    where there are frames enough, take away what the field holds beyond the band and changes slowly; what is left of
    it counts as noise.

    Args:
        a, b: half views with shape ``(B, C, T, *S)``.
        kept: share of the modes that are kept.

    Returns:
        Shape ``(B, C)``.
    """
    order = min(4, a.shape[2] - 1)
    rest = torch.diff(a - b, n=order, dim=2)
    return (rest.square().flatten(2).mean(2) / (4 * kept * math.comb(2 * order, order))).sqrt()


def worth_splitting(a: Tensor, b: Tensor, kept: float) -> Tensor:
    """Whether the noise of a window is larger than what its fields hold beyond the band of the half views, ``(B,)``.

    What lies beyond the band enters both views with opposite signs, so it biases their products as noise biases those
    of one view. Where it is the larger of the two, one view is the better choice. Noise differs from frame to frame and
    fields change slowly: the excess of ``a - b`` over its differences in time is the field's.

    Args:
        a, b: half views with shape ``(B, C, T, *S)``.
        kept: share of the modes that are kept.
    """
    noise = noise_level(a, b, kept).square().mean(1)
    whole = (a - b).square().flatten(1).mean(1) / (4 * kept)
    return noise > whole - noise


def kept_share(shape: Sequence[int], periodic: Sequence[bool]) -> float:
    """Share of the modes that `half_views` keeps: about one half."""
    impulse, origin = torch.zeros(*shape, dtype=torch.float64), (0,) * len(shape)
    impulse[origin] = 1.0
    a, b = half_views(impulse, periodic)
    return float((a + b)[origin]) / 2
