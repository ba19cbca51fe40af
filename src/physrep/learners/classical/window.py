"""What the classical features read: normalised fields of a batch of windows, their modes and the rings of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import torch
from torch import Tensor

from ...clip import Clip
from ..even_rows import on_even_rows
from ..rings import ring_members, spatial_modes, squared_modulus

SMALL = 1e-10
"""Added to denominators: of fields with variance 1, what is this small is rounding."""


class Window:
    """A batch of windows.

    Args:
        x: normalised fields ``(B, C, T, *S)``, float32, on the clip's rows.
        clip: where they come from, for grid, boundaries and time step.
        bins: number of rings.
    """

    def __init__(self, x: Tensor, clip: Clip, bins: int) -> None:
        self.raw, self.clip, self.bins = x, clip, bins
        self.frames = x.shape[2]

    @cached_property
    def x(self) -> Tensor:
        """Fields on equally spaced rows."""
        return on_even_rows(self.raw, self.clip)

    @cached_property
    def members(self) -> Tensor:
        """``(points, bins)``, see `ring_members`."""
        return ring_members(self.clip, self.bins, self.raw)

    def modes_of(self, x: Tensor) -> Tensor:
        """Spatial modes of fields on the clip's rows, flattened to ``(B, C, T, points)``."""
        return spatial_modes(on_even_rows(x, self.clip), self.clip.periodic).flatten(3)

    @cached_property
    def modes(self) -> Tensor:
        """Spatial modes of the fields, ``(B, C, T, points)``."""
        return spatial_modes(self.x, self.clip.periodic).flatten(3)

    def rings(self, power: Tensor) -> Tensor:
        """Sums over rings of what the modes hold: ``(..., points)`` to ``(..., bins)``."""
        return power @ self.members

    @cached_property
    def power(self) -> Tensor:
        """Power per ring and frame, ``(B, C, T, bins)``."""
        return self.rings(squared_modulus(self.modes))


class Feature(ABC):
    """One family of classical numbers."""

    @abstractmethod
    def width(self, channels: int, frames: int, bins: int) -> int:
        """How many numbers there are."""

    @abstractmethod
    def compute(self, window: Window) -> Tensor:
        """The numbers, ``(B, width)``."""


def separations(frames: int) -> list[int]:
    """Distances in time 1, 2, 4 … that a window of this many frames holds."""
    return [2**k for k in range(frames.bit_length()) if 2**k < frames]


def logarithm(x: Tensor) -> Tensor:
    """Natural logarithm of what is positive but for rounding."""
    return torch.log(x.clamp_min(SMALL))
