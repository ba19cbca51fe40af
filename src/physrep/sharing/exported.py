"""An encoder, and if wanted its readout, as one module of tensors in and tensors out: what `export` writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..learners.base import Learner

if TYPE_CHECKING:
    from ..readout.readout import Readout


@dataclass(frozen=True)
class ExportedWindow:
    """What a window of the data is: all that a program keeps of them.

    Attributes:
        channels: their names, in the order of the input.
        frames: per window, T.
        shape: points per axis, (H, W).
        dt, dx, periodic: time between frames, spacing and boundary per axis.
    """

    channels: tuple[str, ...]
    frames: int
    shape: tuple[int, ...]
    dt: float
    dx: tuple[float, ...]
    periodic: tuple[bool, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """Shape of a window, (C, T, H, W)."""
        return (len(self.channels), self.frames, *self.shape)

    def clip(self, fields: Tensor) -> Clip:
        """Raw fields ``(B, C, T, H, W)`` as a clip without labels."""
        batch = fields.shape[0]
        nowhere = torch.full((batch,), -1, dtype=torch.int64)
        return Clip(
            fields, torch.zeros((batch, 0)), self.channels, (), self.dt, self.dx, self.periodic, nowhere, nowhere
        )


def _fix_channels(learner: Learner) -> None:
    """Make the names of the channels, which are bytes in a buffer, a constant: a program holds no text."""
    kind = type(learner)
    learner.__class__ = type(kind.__name__, (kind,), {"channels": learner.channels, "__module__": kind.__module__})


class ExportedEncoder(nn.Module):
    """Raw fields ``(B, C, T, H, W)`` to tokens ``(B, N, D)``; the normalisation is part of it."""

    outputs: Sequence[str] = ("tokens",)

    def __init__(self, learner: Learner, window: ExportedWindow) -> None:
        super().__init__()
        self.learner, self.window = learner, window
        for part in learner.modules():
            if isinstance(part, Learner):
                _fix_channels(part)

    def forward(self, fields: Tensor) -> Any:
        return self.learner.encode(self.window.clip(fields))


class ExportedReadout(ExportedEncoder):
    """The same with the readout of every window: tokens, estimate, low and high ``(B, P)`` in physical units."""

    outputs = ("tokens", "estimate", "low", "high")

    def __init__(self, learner: Learner, window: ExportedWindow, readout: Readout) -> None:
        super().__init__(learner, window)
        assert readout.probe is not None
        self.probe, self.scaler, self.intervals = readout.probe, readout.scaler, readout.windows

    def forward(self, fields: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        tokens = super().forward(fields)
        scaled = self.probe.predict(tokens.float()).double()
        half = self.intervals.widths(scaled)
        edges = (scaled, scaled - half, scaled + half)
        estimate, low, high = (self.scaler.inverse(values) for values in edges)
        return tokens, estimate, low, high
