"""Structure functions: how fields differ over a distance in space or in time."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import PhysrepError
from .window import SMALL, Feature, Window, logarithm, separations

DISTANCES = (1, 2, 4, 8)
"""Distances along the axes of space, in points."""


class Increments(Feature):
    r"""Of increments ``δ = f(x + r) - f(x)`` along each axis and in time: ``½ ln S₂``, skewness and ``ln`` flatness.

    S_p = <δ^p> over points and frames; skewness ``S₃ / S₂^{3/2}``, flatness ``S₄ / S₂²``. Distances are 1, 2, 4 and 8
    points (around periodic axes) and 1, 2, 4 … frames.
    """

    def width(self, channels: int, frames: int, bins: int) -> int:
        return 3 * channels * (2 * len(DISTANCES) + len(separations(frames)))

    def compute(self, window: Window) -> Tensor:
        x, parts = window.x, []
        for axis, periodic in enumerate(window.clip.periodic, 3):
            if x.shape[axis] <= DISTANCES[-1]:
                raise PhysrepError(
                    f"classical: increments reach over {DISTANCES[-1]} points, but an axis has {x.shape[axis]}; leave "
                    "'increments' out of parts."
                )
            for distance in DISTANCES:
                if periodic:
                    parts.append(_moments(x.roll(-distance, axis) - x))
                else:
                    parts.append(_moments(_difference(x, axis, distance)))
        parts += [_moments(_difference(x, 2, lag)) for lag in separations(window.frames)]
        return torch.stack(parts, 1).flatten(1)


def _difference(x: Tensor, axis: int, distance: int) -> Tensor:
    n = x.shape[axis]
    return x.narrow(axis, distance, n - distance) - x.narrow(axis, 0, n - distance)


def _moments(increment: Tensor) -> Tensor:
    axes, square = tuple(range(2, increment.dim())), increment.square()
    second = square.mean(axes)
    third, fourth = (square * increment).mean(axes), square.square().mean(axes)
    # Where nothing differs, nothing is skewed, and the flatness is that of no tails.
    skewness = third / (second.pow(1.5) + SMALL)
    return torch.stack([0.5 * logarithm(second), skewness, torch.log((fourth + SMALL) / (second.square() + SMALL))], 2)
