"""What a physical quantity of a window is: a number per frame, and how a window's frames become one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .grid import Grid


@dataclass(frozen=True)
class Quantity:
    """A number that a window has by physics, without any label.

    Attributes:
        name, symbol: in tables and figures.
        unit: in the system's units of length L, time T and field; ``"1"`` if dimensionless.
        formula: what it is, in one line.
        series: from a clip in physical units and its grid to one number per frame, float64 ``(B, T)``.
        channels: channel names that `series` reads.
        window: ``"mean"`` over the frames, or ``"decay"``, the rate ``-d ln(series)/dt`` by least squares over them.
        scale: ``"log"`` where the quantity is positive and spans decades; scores are then those of its logarithm.
        parameters: names of parameters that `series` reads too.
    """

    name: str
    symbol: str
    unit: str
    formula: str
    series: Callable[[Clip, Grid], Tensor]
    channels: tuple[str, ...]
    window: Literal["mean", "decay"] = "mean"
    scale: Literal["linear", "log"] = "linear"
    parameters: tuple[str, ...] = ()

    def of_window(self, series: Tensor, dt: float) -> Tensor:
        """One number per window from its frames ``(B, T)``, with shape ``(B,)``.

        Args:
            series: one number per frame.
            dt: time between two frames.
        """
        if self.window == "mean":
            return series.mean(1)
        time = dt * torch.arange(series.shape[1], dtype=torch.float64)
        centred = time - time.mean()
        # A field that has died out to rounding decays no further; the floor keeps its logarithm finite.
        logarithm = torch.log(series.double().clamp_min(1e-12))
        return -(logarithm @ centred) / centred.square().sum()


def channel(clip: Clip, name: str) -> Tensor:
    """One component in float64 with shape ``(B, T, H, W)``.

    Args:
        clip: windows with their channels' names.
        name: of the channel.

    Raises:
        PhysrepError: the clip does not hold it.
    """
    if name not in clip.channels:
        raise PhysrepError(f"the clip has no channel {name!r}, only {', '.join(clip.channels)}; read it from the data.")
    return clip.fields[:, clip.channels.index(name)].double()


def velocity(clip: Clip) -> tuple[Tensor, Tensor]:
    """The two velocity components along H and W, in float64 with shape ``(B, T, H, W)``."""
    names = velocity_channels(clip.channels)
    return channel(clip, names[0]), channel(clip, names[1])


def velocity_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """Names of the velocity's components in storage order."""
    return tuple(name for name in channels if name.startswith("velocity_"))


def measure(quantities: Sequence[Quantity], clip: Clip, grid: Grid) -> Tensor:
    """Numbers of every frame, float64 ``(B, T, Q)``.

    Args:
        quantities: what to measure, in the order of the last axis.
        clip: windows of fields in physical units.
        grid: their points.
    """
    return torch.stack([quantity.series(clip, grid) for quantity in quantities], dim=-1)
