"""Test fields on a coarser grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor
from torch.nn import functional as F

from ...clip import Clip
from ...errors import PhysrepError
from ...systems.grids.fourier_grid import resample_axis
from .probed import ProbedRun
from .shift import FieldShift, Outcome
from .study import ShiftStudy


class Resolution(FieldShift):
    """Fields with ``1 / factor`` of the points along each axis: what is left of a coarser data set.

    Periodic axes keep the modes that the coarser grid holds, as a spectral solver on it would; along other axes
    neighbouring points are averaged. The coarse fields are shown twice: on their own grid (``as it is``; an encoder
    that reads one size only refuses, and a sentence says so) and interpolated back to the grid of training.

    Args:
        factor: of the coarsening.
    """

    may_refuse = True

    def __init__(self, factor: int = 2) -> None:
        if factor < 2:
            raise PhysrepError(f"generalisation: resolution factor is {factor}; it must be at least 2.")
        self.factor = factor

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        shape = study.test.shape
        if any(n % self.factor for n in shape):
            yield f"The grid {'x'.join(map(str, shape))} cannot be divided by {self.factor}."
            return
        yield from super().outcomes(study, run)

    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        fields = clip.fields
        whole = fields.shape[3:]
        for axis, periodic in enumerate(clip.periodic, 3):
            points = fields.shape[axis] // self.factor
            fields = resample_axis(fields, axis, points) if periodic else averaged(fields, axis, self.factor)
        name = f"{'x'.join(map(str, fields.shape[3:]))} points"
        spacing = tuple(dx * self.factor for dx in clip.dx)
        rows = tuple(None if c is None else averaged(c, 0, self.factor) for c in clip.coordinates)
        yield name, "as it is", replace(clip, fields=fields.contiguous(), dx=spacing, coordinates=rows)
        for axis, (periodic, points) in enumerate(zip(clip.periodic, whole, strict=True), 3):
            fields = resample_axis(fields, axis, points) if periodic else stretched(fields, axis, points)
        yield name, "interpolated back", replace(clip, fields=fields.contiguous())


def averaged(fields: Tensor, axis: int, factor: int) -> Tensor:
    """Means of ``factor`` neighbours along an axis."""
    return fields.unflatten(axis, (-1, factor)).mean(axis + 1)


def stretched(fields: Tensor, axis: int, points: int) -> Tensor:
    """Linear interpolation along an axis, points taken as centres of cells."""
    moved = fields.movedim(axis, -1)
    flat = F.interpolate(moved.reshape(-1, 1, moved.shape[-1]), size=points, mode="linear", align_corners=False)
    return flat.reshape(*moved.shape[:-1], points).movedim(-1, axis)
