"""Fields as pictures: a colour map with a stated range, the same for every simulation and frame of a set.

A range of its own per picture would hide amplitudes, and one per simulation would leak them into the contrast. Fields
of both signs (waves) get a range that is symmetric about zero, so that zero has one colour everywhere. Pictures have
the first stored axis (x) downwards and the second (y) to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError, nearest

LEVELS = 256
"""Colours of a map: pictures have 8 bits."""


@dataclass(frozen=True)
class ColourScale:
    """A colour map and the values that its ends stand for.

    Attributes:
        name: Matplotlib's name of the map, or ``physrep_diverging``.
        low, high: values at its ends; what lies outside takes the end colours.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise PhysrepError(f"the colour range [{self.low}, {self.high}] is empty; give low < high.")

    @property
    def table(self) -> np.ndarray:
        """The 256 colours, float32 in [0, 1] with shape ``(256, 3)``."""
        import matplotlib

        from ..palette import diverging

        if self.name == "physrep_diverging":
            return diverging()(np.arange(LEVELS))[:, :3].astype(np.float32)
        if self.name not in matplotlib.colormaps:
            raise PhysrepError(
                f"there is no colour map {self.name!r}; {nearest(self.name, list(matplotlib.colormaps))}"
            )
        colours = matplotlib.colormaps[self.name](np.linspace(0, 1, LEVELS))
        return np.asarray(colours)[:, :3].astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"colour_map": self.name, "low": self.low, "high": self.high}


def fixed_range(fields: np.ndarray, rows: Sequence[int] | np.ndarray) -> tuple[float, float]:
    """``(0, largest)`` over these simulations, or ``(-m, m)`` with the largest magnitude m where values are negative.

    A value below zero by less than a thousandth of the largest is rounding, not a sign.
    """
    low = min(float(fields[i].min()) for i in rows)
    high = max(float(fields[i].max()) for i in rows)
    largest = max(abs(low), abs(high))
    if largest == 0:
        raise PhysrepError("the fields are zero everywhere, so there is nothing to draw; check the set's settings.")
    return (-largest, largest) if low < -1e-3 * largest else (0.0, largest)


def render(fields: np.ndarray | Tensor, scale: ColourScale, size: int | None = None) -> Tensor:
    """Pictures of fields, as an 8-bit video would hold them.

    Args:
        fields: with shape ``(B, T, H, W)``.
        scale: colour map and range.
        size: side of the picture; default that of the grid. Larger: bilinear in the field; smaller: area means.

    Returns:
        float32 in [0, 1] with shape ``(B, T, 3, H, W)``.
    """
    values = resized(torch.as_tensor(np.array(fields, np.float32) if isinstance(fields, np.ndarray) else fields), size)
    position = ((values - scale.low) / (scale.high - scale.low) * (LEVELS - 1)).round().clamp(0, LEVELS - 1)
    colours = torch.from_numpy(np.round(scale.table * 255) / 255).to(values)
    return colours[position.long()].permute(0, 1, 4, 2, 3).contiguous()


def render_components(fields: Tensor, limit: float, size: int | None = None) -> Tensor:
    """Two or three fields as the colours of one picture: red, green, and the third or the magnitude of two as blue.

    Args:
        fields: with shape ``(B, 2 or 3, T, H, W)``, z-scored.
        limit: standard deviations that are shown on both sides of 0.
        size: as in `render`.

    Returns:
        float32 in [0, 1] with shape ``(B, T, 3, H, W)``.
    """
    parts = [resized(fields[:, c], size) for c in range(fields.shape[1])]
    colours = [((part / limit + 1) / 2).clamp(0, 1) for part in parts]
    if len(colours) == 2:
        magnitude = torch.stack(parts).square().sum(0).sqrt()
        colours.append((magnitude / (2**0.5 * limit)).clamp(0, 1))
    return torch.stack(colours, 2)


def resized(values: Tensor, size: int | None) -> Tensor:
    """Fields ``(B, T, H, W)`` on a square of another size: bilinear where it is larger, area means where smaller."""
    if size is None or tuple(values.shape[-2:]) == (size, size):
        return values
    flat = values.flatten(0, 1).unsqueeze(1)
    if size < values.shape[-1]:
        flat = F.adaptive_avg_pool2d(flat, size)
    else:
        flat = F.interpolate(flat, size=(size, size), mode="bilinear", align_corners=False)
    return flat.squeeze(1).unflatten(0, values.shape[:2])
