r"""Columns beyond the library: maps of a small local network, which is trained by what θ says of other windows.

    φ_j(u)(x, t) = net(u(·, t), u(·, t - 1), … u(·, t - m + 1))(x),      j = 1 … J

Each map stands for a field that nobody recorded: it gives the columns ∂ₓ^a ∂_y^b φ_j, a + b ≤ 2, whose derivatives lie
on the test functions like all others. With a memory m = 1 the maps see one frame, and rows stay what they are. From
several frames they could read the change itself; so there the change lies in the future, and the rows are

    (u_c(t + h) - u_c(t)) / (h Δt)  =  Σ_k W_kc φ_k(t),      at every t,

integrated against the same test functions in space.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import PhysrepError
from .library import LOCAL, Term, orders

GRADE = 6
"""Grade of the trained columns, above those of the library."""


@dataclass(frozen=True)
class BasisOptions:
    """How the trained columns are made.

    Attributes:
        maps: J.
        width: channels of the hidden layers.
        layers: convolutions of 3 x 3 points, whose spacing doubles from one to the next.
        memory: m, frames that the maps see.
        horizon: h, frames to the change that is explained where m > 1.
        steps: of the training.
        trajectories: per step; two windows of each.
        learning_rate: of Adam, with cosine decay.
        directions: P of the training; default what the library found, at least 2.
    """

    maps: int = 4
    width: int = 16
    layers: int = 3
    memory: int = 1
    horizon: int = 2
    steps: int = 300
    trajectories: int = 8
    learning_rate: float = 1e-2
    directions: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], num_frames: int) -> BasisOptions:
        """From plain options.

        Raises:
            PhysrepError: an unknown name, a number below 1, or more frames than a window has.
        """
        known = [field.name for field in fields(cls)]
        unknown = next((name for name in given if name not in known), None)
        if unknown is not None:
            raise PhysrepError(f"operator_discovery: basis has no option {unknown!r}; it has {', '.join(known)}.")
        made = cls(**given)
        low = next((n for n in known if n != "learning_rate" and (v := getattr(made, n)) is not None and v < 1), None)
        if low is not None or not made.learning_rate > 0:
            raise PhysrepError(f"operator_discovery: basis.{low or 'learning_rate'} must be positive.")
        if made.memory > 1 and made.memory + made.horizon > num_frames:
            raise PhysrepError(
                f"operator_discovery: basis.memory {made.memory} and basis.horizon {made.horizon} need windows of "
                f"{made.memory + made.horizon} frames, num_frames is {num_frames}."
            )
        return made


class TrainedBasis(nn.Module):
    """The network: normalised fields ``(B, C, T, H, W)`` to maps ``(B, J, T, H, W)``.

    Args:
        in_channels: C.
        options: see `BasisOptions`.
    """

    def __init__(self, in_channels: int, options: BasisOptions) -> None:
        super().__init__()
        self.options = options
        widths = [in_channels * options.memory, *[options.width] * options.layers]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv2d(options.width, options.maps, 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the maps among the channels of the columns."""
        return tuple(f"phi_{j + 1}" for j in range(self.options.maps))

    def terms(self) -> list[Term]:
        """The columns."""
        return [Term(((name, LOCAL),), order, GRADE) for name in self.names for order in orders(2)]

    def forward(self, x: Tensor, periodic: tuple[bool, bool]) -> Tensor:
        """Maps; before the first frame of a window stands that frame again."""
        frames, memory = x.shape[2], self.options.memory
        places = torch.arange(frames, device=x.device)
        past = torch.stack([x[:, :, (places - lag).clamp_min(0)] for lag in range(memory)], 1)
        y = past.movedim(3, 1).flatten(0, 1).flatten(1, 2)
        for depth, convolution in enumerate(self.convolutions):
            down, along = (max(1, min(2**depth, n // 4)) for n in y.shape[-2:])
            for axis, around in enumerate(periodic):
                widths = (0, 0, down, down) if axis == 0 else (along, along, 0, 0)
                y = functional.pad(y, widths, mode="circular" if around else "replicate")
            # The spacing follows the grid, so it is no attribute of the layer.
            y = functional.conv2d(y, convolution.weight, convolution.bias, dilation=(down, along))  # pyright: ignore[reportCallIssue, reportArgumentType]
            y = functional.gelu(y)
        return self.last(y).unflatten(0, (len(x), frames)).transpose(1, 2)


def forecast_matrices(frames: int, dt: float, memory: int, horizon: int) -> tuple[Tensor, Tensor]:
    """What `test_functions.time_matrices` gives, for rows whose change lies in the future: ``(times, frames)`` each."""
    times = range(memory - 1, frames - horizon)
    value, rate = torch.zeros(2, len(times), frames, dtype=torch.float64)
    for row, t in enumerate(times):
        value[row, t] = 1.0
        rate[row, t], rate[row, t + horizon] = -1 / (horizon * dt), 1 / (horizon * dt)
    return value, rate
