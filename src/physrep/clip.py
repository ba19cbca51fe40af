"""The one type that crosses every boundary: a batch of short windows of fields, with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(repr=False)
class Clip:
    """A batch of windows.

    Attributes:
        fields: field components with shape ``(B, C, T, H, W)``; H is the first stored spatial axis (x), W the second.
        parameters: raw physical parameters with shape ``(B, P)``.
        channels: name of each of the C components, e.g. ``("tracer", "pressure", "velocity_x", "velocity_y")``.
        parameter_names: name of each of the P parameters.
        dt: time between frames.
        dx: grid spacing per spatial axis.
        periodic: per spatial axis, whether it is periodic.
        trajectory: index of the trajectory inside its split, with shape ``(B,)``.
        start: first frame of the window, with shape ``(B,)``.
        coordinates: per spatial axis its points, ascending, float64 ``(n,)``, or None where they lie ``dx`` apart;
            empty if that holds for all axes.
        second_dt: time between frames of the second half, where a training clip is two windows at different time steps.
    """

    fields: Tensor
    parameters: Tensor
    channels: tuple[str, ...]
    parameter_names: tuple[str, ...]
    dt: float
    dx: tuple[float, ...]
    periodic: tuple[bool, ...]
    trajectory: Tensor
    start: Tensor
    coordinates: tuple[Tensor | None, ...] = ()
    second_dt: float | None = None

    def __len__(self) -> int:
        return self.fields.shape[0]

    def __repr__(self) -> str:
        frames, *grid = self.fields.shape[2:]
        values = {name: self.parameters[:, k].tolist() for k, name in enumerate(self.parameter_names)}
        known = ", ".join(
            f"{name} {min(v):.4g}" + (f" to {max(v):.4g}" if min(v) < max(v) else "") for name, v in values.items() if v
        )
        windows = "1 window" if len(self) == 1 else f"{len(self)} windows"
        points, spacing = " x ".join(map(str, grid)), ", ".join(f"{d:.4g}" for d in self.dx)
        return (
            f"Clip({windows} of {frames} frames, dt {self.dt:.6g}; channels {', '.join(self.channels)} on {points} "
            f"points, dx {spacing}; parameters {known or 'none'})"
        )

    def to(self, device: torch.device | str) -> Clip:
        """The same clip with its tensors on ``device``."""
        return replace(
            self,
            fields=self.fields.to(device, non_blocking=True),
            parameters=self.parameters.to(device, non_blocking=True),
            trajectory=self.trajectory.to(device, non_blocking=True),
            start=self.start.to(device, non_blocking=True),
        )

    def blind(self) -> Clip:
        """The same fields without what only the trainer and the probe may know: parameters are NaN, places are -1."""
        unknown = torch.full_like(self.trajectory, -1)
        return replace(
            self,
            parameters=torch.full_like(self.parameters, torch.nan),
            trajectory=unknown,
            start=torch.full_like(self.start, -1),
        )

    def frames(self, first: int, last: int) -> Clip:
        """Frames ``first`` to ``last`` (exclusive) of every window.

        Args:
            first: index of the first frame, from 0.
            last: index behind the last one.
        """
        return replace(self, fields=self.fields[:, :, first:last], start=self.start + first)


def join_clips(clips: Sequence[Clip]) -> Clip:
    """One batch of the samples of several clips of the same data, in their order."""
    return replace(
        clips[0],
        fields=torch.cat([clip.fields for clip in clips]),
        parameters=torch.cat([clip.parameters for clip in clips]),
        trajectory=torch.cat([clip.trajectory for clip in clips]),
        start=torch.cat([clip.start for clip in clips]),
    )
