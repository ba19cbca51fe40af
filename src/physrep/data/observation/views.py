"""Where and when an instrument looks: a part of the domain, coarser pixels, fewer frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...errors import PhysrepError
from .base import Draws, Scene, Step, bounds


class Crop(Step):
    """A part of the domain, whose ends are open: a cropped axis is periodic no more.

    Args:
        window: ``{axis: [first, last]}`` in points, the same for all trajectories, or ``{axis: points}``, a window of
            that many points anywhere, drawn per trajectory (around periodic axes).
    """

    def __init__(self, window: Mapping[str, int | Sequence[int]]) -> None:
        self.window = dict(window)
        if not self.window:
            raise PhysrepError("observation: crop names no axis; give e.g. {x: [0, 32]} or {x: 32}.")

    def scene(self, scene: Scene) -> Scene:
        shape, periodic, coordinates = list(scene.shape), list(scene.periodic), list(scene.coordinates)
        for axis, given in self.window.items():
            if axis not in scene.axes:
                raise PhysrepError(f"{scene.source}: crop names axis {axis!r}, but the axes are {list(scene.axes)}.")
            i = scene.axes.index(axis)
            n, points = scene.shape[i], coordinates[i]
            first, last = (0, given) if isinstance(given, int) else tuple(given)
            if not 0 <= first < last <= n:
                raise PhysrepError(f"{scene.source}: crop {given} of axis {axis} does not fit its {n} points.")
            if isinstance(given, int) and points is not None and last < n:
                raise PhysrepError(
                    f"{scene.source}: axis {axis} has rows at unequal distances, so a window anywhere would have other "
                    "rows in every trajectory; give [first, last]."
                )
            shape[i] = last - first
            periodic[i] = periodic[i] and last - first == n
            coordinates[i] = None if points is None else points[first:last]
        return replace(scene, shape=tuple(shape), periodic=tuple(periodic), coordinates=tuple(coordinates))

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        generator = draws.trajectory()
        for axis, given in self.window.items():
            i = scene.axes.index(axis)
            n = scene.shape[i]
            if isinstance(given, int):
                first = int(generator.integers(n if scene.periodic[i] else n - given + 1)) if given < n else 0
                rows = (first + np.arange(given)) % n
            else:
                rows = np.arange(*given)
            fields = np.take(fields, rows, axis=i + 2)
        return fields


class Coarsen(Step):
    """Pixels that average over blocks of points; what they do not resolve is lost, not filtered out before.

    Rows at unequal distances count with their distances.

    Args:
        factor: points per pixel, along all axes or by name.
    """

    def __init__(self, factor: int | Mapping[str, int] = 2) -> None:
        self.factor = factor

    def scene(self, scene: Scene) -> Scene:
        factors = scene.per_axis(self.factor, "factor of coarsen")
        if any(n % m for n, m in zip(scene.shape, factors, strict=True)):
            raise PhysrepError(f"{scene.source}: {scene.shape} points cannot be averaged in blocks of {factors}.")
        blocks = zip(scene.coordinates, factors, strict=True)
        return replace(
            scene,
            shape=tuple(n // m for n, m in zip(scene.shape, factors, strict=True)),
            dx=tuple(d * m for d, m in zip(scene.dx, factors, strict=True)),
            coordinates=tuple(None if c is None else (c * _shares(c, m)).reshape(-1, m).sum(1) for c, m in blocks),
        )

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        for i, factor in enumerate(scene.per_axis(self.factor, "factor of coarsen")):
            points, moved = scene.coordinates[i], np.moveaxis(fields, i + 2, -1)
            weights = np.full(moved.shape[-1], 1 / factor) if points is None else _shares(points, factor)
            blocks = (moved * weights.astype(np.float32)).reshape(*moved.shape[:-1], -1, factor)
            fields = np.moveaxis(blocks.sum(-1), -1, i + 2)
        return np.ascontiguousarray(fields)


def _shares(points: np.ndarray, factor: int) -> np.ndarray:
    """Share of its block that belongs to every row, by cells that end half way between rows."""
    middle = (points[1:] + points[:-1]) / 2
    edges = np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])
    width = np.diff(edges).reshape(-1, factor)
    return (width / width.sum(1, keepdims=True)).ravel()


class FrameStep(Step):
    """Every ``step``-th frame, at moments that may be off.

    Args:
        step: distance between the frames that are recorded; ``[low, high]`` for an unknown frame rate: every trajectory
            has a whole number of its own between these, all with as many frames as the slowest has, and learners are
            told the time step of ``low``.
        jitter: every frame is taken up to this share of the new interval early or late, uniformly, by linear
            interpolation between stored frames; learners are told the nominal time step.
    """

    def __init__(self, step: int | Sequence[int] = 2, jitter: float = 0.0) -> None:
        steps = [step] if isinstance(step, int | float) else list(step)
        whole = len(steps) in (1, 2) and all(isinstance(n, int | float) and int(n) == n and n >= 1 for n in steps)
        if not whole or steps[0] > steps[-1] or not 0 <= jitter <= 0.5:
            raise PhysrepError(
                f"observation: frame_step has step {step} and jitter {jitter}; give a whole number of at least 1, or "
                "two ascending ones, and a share of at most 0.5."
            )
        self.step, self.slowest = int(steps[0]), int(steps[-1])
        self.jitter = bounds(jitter, "jitter of frame_step")[0]

    def scene(self, scene: Scene) -> Scene:
        return replace(scene, dt=scene.dt * self.step, stored_step=scene.stored_step * self.step)

    def frames(self, frames: int) -> int:
        return (frames - 1) // self.slowest + 1

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        last = fields.shape[1] - 1
        step = self.step
        if self.slowest > step:
            step = int(draws.trajectory().integers(step, self.slowest + 1))
        nominal = np.arange(self.frames(last + 1)) * step
        if not self.jitter:
            return fields[:, nominal]
        shift = np.array([draws.frame(k).uniform(-1, 1) for k in range(len(nominal))])
        moment = np.clip(nominal + self.jitter * step * shift, 0, last)
        before = np.minimum(moment.astype(int), max(last - 1, 0))
        after = np.minimum(before + 1, last)
        share = (moment - before).astype(np.float32).reshape(-1, *(1,) * len(scene.shape))
        return fields[:, before] * (1 - share) + fields[:, after] * share
