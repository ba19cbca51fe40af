"""What an equation's library is given: the channels of a window by name, and integrals on its grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ...systems import System
from ...systems.description import Parameter
from .weak import Boxes, WeakForm

SMALLEST = 1e-12
"""Coefficients that the equation says are positive are clipped to this from below, so that their logarithm exists."""


VALUE, DT, DX, DY = (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)
"""Derivatives of a test function, orders along time, first and second axis."""


@dataclass(frozen=True)
class Equation:
    """An equation of data of others: it can be regressed, but there is no solver for it here.

    Its data lie on equally spaced points, and the clips say which of the axes x and y are periodic.

    Attributes:
        name: key of `ORACLES`.
        parameters: what is estimated, with the ranges and scales of the data.
    """

    name: str
    parameters: tuple[Parameter, ...]
    axes: tuple[str, str] = ("x", "y")
    periodic: tuple[bool, bool] = (True, True)

    def grid(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Places of the points in units of their spacing."""
        return {axis: torch.arange(float(n)) for axis, n in zip(self.axes, shape, strict=True)}


class OracleWindow:
    """A batch of windows as an oracle reads it.

    Args:
        clip: physical fields.
        system: the equation, with its own grid.
        uniform: whether the points of axes with walls are equally spaced cell centres although the system's are not
            (rows that were resampled spectrally).
        boxes: size of the test functions.
    """

    def __init__(
        self, clip: Clip, system: System | Equation, uniform: bool = False, boxes: Boxes | None = None
    ) -> None:
        self.clip, self.system = clip, system
        shape = tuple(clip.fields.shape[3:])
        if len(shape) != 2 or len(system.axes) != 2:
            raise PhysrepError(f"{system.name}: the oracle reads two spatial axes, not {len(shape)}.")
        own = system.grid(shape)
        points, periods = [], []
        for axis, n, dx, periodic, given in zip(
            system.axes, shape, clip.dx, clip.periodic, system.periodic, strict=True
        ):
            # A crop of a periodic axis has ends; walls keep the rows of the system.
            stored = not periodic and not given and not uniform
            points.append(own[axis].double() if stored else dx * torch.arange(n, dtype=torch.float64))
            periods.append(dx * n if periodic else None)
        self.integral = WeakForm(clip.fields.shape[2], clip.dt, points, periods, boxes)

    def __getitem__(self, channel: str) -> Tensor:
        """Values of a channel with shape ``(B, T, H, W)``, float64.

        Raises:
            PhysrepError: the window does not hold it.
        """
        if channel not in self.clip.channels:
            raise PhysrepError(
                f"{self.system.name}: the equation needs the channel {channel!r}, the data have "
                f"{', '.join(self.clip.channels)}; add its field to data.fields."
            )
        return self.clip.fields[:, self.clip.channels.index(channel)].double()


Library = Callable[[OracleWindow], dict[str, Tensor]]
"""From windows to the system's parameters, ``{name: (B,)}``."""


def positive(coefficient: Tensor) -> Tensor:
    """The coefficient, clipped to `SMALLEST` from below."""
    return coefficient.clamp_min(SMALLEST)
