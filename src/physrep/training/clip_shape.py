"""What the clips of a data set look like, before there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..clip import Clip
from ..data.names import channel_names
from ..errors import PhysrepError

if TYPE_CHECKING:
    pass


CLIPS = 2
"""Clips that a cost is measured on."""


@dataclass(frozen=True)
class ClipShape:
    """What the clips of a data set look like.

    Attributes:
        channels: names.
        points: per axis.
        dx, periodic: per axis.
        dt: time between frames of a window.
        parameters: names of the labels.
        system: name of the data set.
    """

    channels: tuple[str, ...]
    points: tuple[int, ...]
    dx: tuple[float, ...]
    periodic: tuple[bool, ...]
    dt: float
    parameters: tuple[str, ...]
    system: str

    def clip(self, frames: int, points: Sequence[int], device: str, clips: int = CLIPS) -> Clip:
        """Clips of random numbers."""
        shape = (clips, len(self.channels), frames, *points)
        generator = torch.Generator().manual_seed(0)
        fields = torch.empty(shape, device="meta") if device == "meta" else torch.randn(shape, generator=generator)
        where = torch.arange(clips, device=device)
        labels = torch.rand(clips, len(self.parameters), generator=generator).to(device)
        return Clip(
            fields.to(device), labels, self.channels, self.parameters, self.dt, self.dx, self.periodic, where, where
        )


def shape_of_system(system: str, resolution: Sequence[int] | None, save_dt: float | None, frame_step: int) -> ClipShape:
    """What clips of a system will look like that is not simulated, or not at hand.

    Raises:
        PhysrepError: no system of that name is known.
    """
    from ..systems import SYSTEMS

    if system not in SYSTEMS:
        raise PhysrepError(f"there are no data, and no system {system!r} is known; give data that exist.")
    known = SYSTEMS[system]
    names = [name for field in known.fields for name in channel_names(field.name, field.order, known.axes)]
    points = tuple(resolution or known.resolution)
    return ClipShape(
        tuple(names),
        points,
        tuple(length / n for length, n in zip(known.lengths, points, strict=True)),
        tuple(known.periodic),
        (save_dt or known.save_dt) * frame_step,
        tuple(parameter.name for parameter in known.parameters),
        system,
    )
