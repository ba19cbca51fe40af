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
from functools import lru_cache

import torch
from torch import Tensor


def at_a_time(device: torch.device | str) -> int:
    """Windows that are read at a time: few on a CPU, so that what is made of them stays in the processor's cache."""
    return 4 if torch.device(device).type == "cpu" else 64


def can_split(shape: Sequence[int], periodic: Sequence[bool]) -> bool:
    """Whether the chess board closes around every periodic axis, and one axis at least is periodic."""
    return any(periodic) and all(n % 2 == 0 for n, around in zip(shape, periodic, strict=True) if around)


def band(shape: Sequence[int], periodic: Sequence[bool]) -> Tensor:
    """Modes that the half views keep, bool ``(*S)``; of axes with ends, which are not transformed, one entry each."""
    share = torch.zeros((), dtype=torch.float64)
    for n, around in zip(shape, periodic, strict=True):
        part = torch.fft.fftfreq(n, dtype=torch.float64).abs() if around else torch.zeros(1, dtype=torch.float64)
        share = share[..., None] + part
    return share < sum(periodic) / 4


def half_views(x: Tensor, periodic: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """Both half grids, each interpolated to all points.

    Args:
        x: fields with shape ``(..., *S)``.
        periodic: of the axes of space; `can_split` must hold.

    Returns:
        Two tensors of the same shape.
    """
    points = x.shape[x.ndim - len(periodic) :]
    axes = [axis - len(periodic) for axis, around in enumerate(periodic) if around]
    sign = torch.ones((), dtype=x.dtype)
    for n, around in zip(points, periodic, strict=True):
        sign = sign[..., None] * (torch.ones(1) if around else 1 - 2 * (torch.arange(n) % 2)).to(x.dtype)
    keep = band(points, periodic).to(x)
    # On a periodic axis the chess board's sign moves every mode by half of them: one transform serves both fields. They
    # are real, so that one transform back does, too.
    plain = torch.fft.fftn(x, dim=axes)
    moved = plain.roll([points[axis] // 2 for axis in axes], axes) * sign.to(x.device)
    both = torch.fft.ifftn((plain + 1j * moved) * keep, dim=axes)
    return both.real + both.imag, both.real - both.imag


def noise_of(x: Tensor, periodic: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """Noise of windows, from the difference of their half views, and whether the views are worth while.

    The difference holds no band-limited signal; independent noise of variance σ² at every point leaves a variance of
    ``4 σ² kept`` there, ``kept`` being the share of the modes that the views keep. Differences in time, of fourth order
    where there are frames enough, take away what the field holds beyond the band and changes slowly; what is left of
    it counts as noise.

    What lies beyond the band enters both views with opposite signs, so it biases their products as noise biases those
    of one view. Where it is the larger of the two, one view is the better choice. Noise differs from frame to frame and
    fields change slowly: the excess of the difference over its own differences in time is the field's.

    Args:
        x: fields with shape ``(B, C, T, *S)``.
        periodic: of the axes of space; `can_split` must hold.

    Returns:
        Standard deviation of white noise ``(B, C)``, and whether it is larger than what lies beyond the band ``(B,)``.
    """
    axes = tuple(axis - len(periodic) for axis, around in enumerate(periodic) if around)
    frames, *points = x.shape[2:]
    index, root = _aside(tuple(points), tuple(periodic))
    index, root = index.to(x.device), root.to(x)
    order = min(4, frames - 1)
    difference = torch.diff(torch.eye(frames, dtype=x.dtype, device=x.device), n=order, dim=0)
    noise, whole = [], []
    for part in x.split(at_a_time(x.device)):
        modes = torch.view_as_real(torch.fft.rfftn(part, dim=axes).flatten(3)[..., index] * root).flatten(3)
        changes = torch.linalg.vector_norm(difference @ modes, dim=(2, 3)).square()
        noise.append(changes / len(difference) / math.comb(2 * order, order))
        whole.append(torch.linalg.vector_norm(modes, dim=(2, 3)).square() / frames)
    level, total = torch.cat(noise), torch.cat(whole)
    return level.sqrt(), level.mean(1) > (total - level).mean(1)


@lru_cache(8)
def _aside(points: tuple[int, ...], periodic: tuple[bool, ...]) -> tuple[Tensor, Tensor]:
    """Modes of a real transform that the difference of the views keeps, flat, and the root of what each counts.

    By Parseval the mean square over the points: the difference is twice the field on the modes that lie half of an axis
    from the band.
    """
    axes = [axis for axis, around in enumerate(periodic) if around]
    last = points[axes[-1]]
    keep = band(points, periodic)
    aside = keep.roll([points[axis] // 2 for axis in axes], axes).narrow(axes[-1], 0, last // 2 + 1)
    # Of the last axis half of the modes are computed; those between its ends stand for two.
    double = torch.full((last // 2 + 1,), 2.0, dtype=torch.float64)
    double[[0, -1]] = 1.0
    weight = aside * double.reshape(-1, *[1] * (len(points) - 1 - axes[-1]))
    weight = weight / math.prod(points[axis] for axis in axes) ** 2 / keep.double().mean()
    ends = [1 if around else n for n, around in zip(points, periodic, strict=True)]
    weight = (weight / math.prod(ends)).repeat(ends)
    index = weight.flatten().nonzero()[:, 0]
    return index, weight.flatten()[index].sqrt()
