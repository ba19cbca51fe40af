"""Derivatives of fields on their grid, along each axis as it is: spectral where it is periodic, else by differences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def derivative(
    fields: Tensor,
    order: Sequence[int],
    dx: Sequence[float],
    periodic: Sequence[bool],
    coordinates: Sequence[Tensor | None] = (),
) -> Tensor:
    """``∂ₓ^a ∂_y^b … f`` of fields ``(…, *S)``.

    On periodic axes by Fourier modes (the highest one of an even grid has no odd derivative), on others by differences
    of second order, one-sided at the ends.

    Args:
        fields: last axes are those of space.
        order: a, b, … along each axis.
        dx: spacing per axis.
        periodic: whether each axis is.
        coordinates: per axis its points, or None where they lie ``dx`` apart; empty for all.
    """
    first = fields.dim() - len(order)
    for i, times in enumerate(order):
        if not times:
            continue
        axis, n = first + i, fields.shape[first + i]
        if periodic[i]:
            k = 2 * math.pi * torch.fft.rfftfreq(n, dx[i], dtype=fields.dtype, device=fields.device)
            factor = (1j * k) ** times
            if times % 2 and n % 2 == 0:
                factor[-1] = 0
            shape = [1] * fields.dim()
            shape[axis] = -1
            fields = torch.fft.irfft(torch.fft.rfft(fields, dim=axis) * factor.view(shape), n, dim=axis)
            continue
        points = coordinates[i] if coordinates else None
        spacing = dx[i] if points is None else points.to(fields)
        for _ in range(times):
            (fields,) = torch.gradient(fields, spacing=(spacing,), dim=axis, edge_order=2)
    return fields
