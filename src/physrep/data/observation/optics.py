"""What lies between a field and the sensor: blur, the second derivative that a shadowgraph sees, missing pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...errors import PhysrepError
from .base import Draws, Scene, Step, bounds


class Blur(Step):
    """A Gaussian point spread, the same for all frames of a trajectory; open ends are mirrored.

    Args:
        sigma: standard deviation in points, or ``[low, high]``, drawn uniformly per trajectory.
    """

    def __init__(self, sigma: float | Sequence[float] = (0.0, 0.5)) -> None:
        self.sigma = bounds(sigma, "sigma of blur")

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        sigma = float(draws.trajectory().uniform(*self.sigma))
        if sigma > 0:
            for axis, wraps in enumerate(scene.periodic, start=2):
                fields = gaussian_filter1d(fields, sigma, axis=axis, mode="wrap" if wraps else "reflect")
        return fields


class Laplacian(Step):
    """``∇²f`` of scalars, as a shadowgraph sees a density: brightness is the second derivative along the sheet.

    Differences of neighbours over their distances, around periodic axes; in the outer rows of others that of the row
    beside them.
    """

    def scene(self, scene: Scene) -> Scene:
        vectors = [name for name, index in zip(scene.channels, scene.components, strict=True) if index]
        if vectors:
            raise PhysrepError(f"{scene.source}: laplacian is for scalars, not {vectors[0]}; choose fields before it.")
        return scene

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        total = np.zeros_like(fields)
        for axis, (wraps, dx) in enumerate(zip(scene.periodic, scene.dx, strict=True)):
            f = np.moveaxis(fields, axis + 2, -1)
            second = np.moveaxis(total, axis + 2, -1)
            points = scene.coordinates[axis]
            if wraps:
                second += (np.roll(f, 1, -1) - 2 * f + np.roll(f, -1, -1)) / dx**2
                continue
            points = dx * np.arange(f.shape[-1]) if points is None else points
            slope = np.diff(f, axis=-1) / np.diff(points)
            inner = np.diff(slope, axis=-1) / (np.diff(points)[1:] + np.diff(points)[:-1]) * 2
            second += np.concatenate([inner[..., :1], inner, inner[..., -1:]], -1)
        return total


class Mask(Step):
    """Missing values: dead pixels and dead lines, the same in all frames of a trajectory, and dropped frames.

    A missing value is filled with the mean of the channel over the trajectory's other values, a dropped frame with the
    frame before it (the first frame is never dropped).

    Args:
        pixels: share of points that are dead.
        lines: share of lines along the last axis that are dead.
        frames: chance that a frame is dropped.
    """

    def __init__(self, pixels: float = 0.0, lines: float = 0.0, frames: float = 0.0) -> None:
        for name, share in (("pixels", pixels), ("lines", lines), ("frames", frames)):
            if not 0 <= share < 1:
                raise PhysrepError(f"observation: {name} of mask is {share}; give a share of at least 0 and below 1.")
        self.pixels, self.lines, self.dropped = pixels, lines, frames

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        generator = draws.trajectory()
        dead = generator.random(scene.shape) < self.pixels
        dead |= (generator.random(scene.shape[:-1]) < self.lines)[..., None]
        if dead.any() and not dead.all():
            for channel in fields:
                channel[:, dead] = channel[:, ~dead].mean(dtype=np.float64)
        for frame in range(1, fields.shape[1]):
            if self.dropped and draws.frame(frame).random() < self.dropped:
                fields[:, frame] = fields[:, frame - 1]
        return fields
