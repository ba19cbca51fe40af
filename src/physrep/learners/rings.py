r"""Spatial modes of fields, and the rings of wavenumber that they lie in: what all spectral floors share.

Periodic axes take the Fourier transform, with k = 2π m/L. Axes with ends take the cosine transform (DCT-II), with
k = π m/L: it continues the field evenly, so that different values at the two ends are no jump.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..clip import Clip

EMPTY = 1e-12
"""Power below this, of fields with variance 1, counts as this."""


def cosine_matrix(n: int, like: Tensor) -> Tensor:
    """Orthonormal DCT-II, ``(n, n)``: rows are frequencies m = 0 … n - 1."""
    m = torch.arange(n, dtype=torch.float64)
    matrix = math.sqrt(2 / n) * torch.cos(math.pi * m[:, None] * (m[None] + 0.5) / n)
    matrix[0] /= math.sqrt(2)
    return matrix.to(like)


def spatial_modes(x: Tensor, periodic: Sequence[bool]) -> Tensor:
    """Complex modes ``(..., *S)`` of fields ``(..., *S)``; ``Σ |modes|²`` is the mean square of a field."""
    axes = range(-len(periodic), 0)
    modes = x.to(torch.complex64) / math.sqrt(math.prod(x.shape[axis] for axis in axes))
    for axis, wraps in zip(axes, periodic, strict=True):
        if wraps:
            modes = torch.fft.fft(modes, dim=axis, norm="ortho")
        else:
            matrix = cosine_matrix(x.shape[axis], modes)
            modes = (modes.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
    return modes


def fields_of_modes(modes: Tensor, periodic: Sequence[bool]) -> Tensor:
    """The inverse of `spatial_modes` for real fields."""
    axes = range(-len(periodic), 0)
    x = modes * math.sqrt(math.prod(modes.shape[axis] for axis in axes))
    for axis, wraps in zip(axes, periodic, strict=True):
        if wraps:
            x = torch.fft.ifft(x, dim=axis, norm="ortho")
        else:
            x = (x.movedim(axis, -1) @ cosine_matrix(x.shape[axis], x)).movedim(-1, axis)
    return x.real


def squared_modulus(modes: Tensor) -> Tensor:
    """``|z|²`` without the root that `torch.abs` takes, which costs several times as much."""
    return modes.real.square() + modes.imag.square()


def wavenumbers(clip: Clip) -> list[Tensor]:
    """Wavenumbers of the modes along every axis of space, float64, in radians per unit of length."""
    axes = []
    for n, dx, periodic in zip(clip.fields.shape[3:], clip.dx, clip.periodic, strict=True):
        if periodic:
            axes.append(2 * math.pi * torch.fft.fftfreq(n, dx, dtype=torch.float64))
        else:
            axes.append(math.pi * torch.arange(n, dtype=torch.float64) / (n * dx))
    return axes


def ring_edges(clip: Clip, bins: int) -> Tensor:
    """Bounds of rings of equal width from 0 to the smallest of the largest wavenumbers of the axes, ``(bins + 1,)``.

    In radians per unit of length; a ring holds its upper bound.
    """
    largest = min(math.pi / dx for dx in clip.dx)
    return torch.linspace(0, largest, bins + 1, dtype=torch.float64)


def ring_of_modes(clip: Clip, bins: int) -> Tensor:
    """Ring (of three axes: shell) of every mode, ``(*S)``: 1 to ``bins``, 0 for the mean and beyond the last ring."""
    k = torch.zeros((), dtype=torch.float64)
    for along in wavenumbers(clip):
        k = (k[..., None].square() + along.square()).sqrt()
    # Modes that lie on a bound must not fall on either side of it by rounding.
    ring = torch.bucketize(k * (1 - 1e-9), ring_edges(clip, bins))
    return torch.where(ring > bins, 0, ring)


def ring_members(clip: Clip, bins: int, like: Tensor) -> Tensor:
    """1 where a mode lies in a ring, ``(points, bins)``: what to multiply flattened powers with for sums over rings."""
    ring = ring_of_modes(clip, bins).flatten()
    return (ring[:, None] == torch.arange(1, bins + 1)).to(like.device, torch.float32)
