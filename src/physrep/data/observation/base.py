"""The contract of a step of the observer: trajectories of fields in, what an instrument would have recorded out."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import PhysrepError


@dataclass(frozen=True)
class Scene:
    """What a trajectory of fields ``(C, T, *S)`` is, before or after a step.

    Attributes:
        channels: names of the C components.
        components: per channel the axis indices of the tensor component, see `physrep.data.WellFile.components`.
        axes: names of the spatial axes.
        shape: points per axis.
        dx: spacing per axis.
        coordinates: per axis its points, ascending, or None where they are ``dx`` apart.
        periodic: per axis.
        dt: time between frames.
        stored_step: distance between frames, in frames of the file.
        source: what to name in messages.
    """

    channels: tuple[str, ...]
    components: tuple[tuple[int, ...], ...]
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dx: tuple[float, ...]
    coordinates: tuple[np.ndarray | None, ...]
    periodic: tuple[bool, ...]
    dt: float
    stored_step: int = 1
    source: str = "observation"

    def per_axis(self, given: int | Mapping[str, int], what: str) -> tuple[int, ...]:
        """A number for every axis: the same for all, or by name, then 1 for those that are not named.

        Raises:
            PhysrepError: a name that is no axis, or a number below 1.
        """
        numbers = dict(given) if isinstance(given, Mapping) else dict.fromkeys(self.axes, given)
        unknown = next((axis for axis in numbers if axis not in self.axes), None)
        if unknown is not None or any(int(n) != n or n < 1 for n in numbers.values()):
            raise PhysrepError(
                f"{self.source}: {what} is {given}; give a whole number of at least 1, or one per axis by name "
                f"({', '.join(self.axes)})."
            )
        return tuple(int(numbers.get(axis, 1)) for axis in self.axes)


class Draws:
    """Random numbers of one step for one trajectory; they depend on nothing but these names.

    Args:
        seed: of the observation.
        split, file, trajectory: which trajectory, by the name of its file and its place in it.
        step: number of the step in the list.
    """

    def __init__(self, seed: int, split: str, file: str, trajectory: int, step: int) -> None:
        self.key = [seed, zlib.crc32(split.encode()), zlib.crc32(file.encode()), trajectory, step]

    def trajectory(self) -> np.random.Generator:
        """The generator of what is one draw for the whole trajectory."""
        return np.random.default_rng(np.random.SeedSequence(self.key, spawn_key=(0,)))

    def frame(self, number: int) -> np.random.Generator:
        """The generator of a frame, the same whatever other frames there are."""
        return np.random.default_rng(np.random.SeedSequence(self.key, spawn_key=(1, number)))


class Step(ABC):
    """A step of the observer. Its options are the arguments of its constructor."""

    def scene(self, scene: Scene) -> Scene:
        """What a trajectory is after this step.

        Raises:
            PhysrepError: the step does not suit these fields.
        """
        return scene

    def frames(self, frames: int) -> int:
        """How many of this many frames are left."""
        return frames

    @abstractmethod
    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        """Observe one trajectory.

        Args:
            fields: ``(C, T, *S)``, float32; it may be overwritten.
            scene: what they are, before this step.
            draws: random numbers of this trajectory.
        """


def bounds(given: float | Sequence[float], what: str) -> tuple[float, float]:
    """A number as a range of one point, or ``[low, high]``.

    Raises:
        PhysrepError: not a range, or it begins below 0.
    """
    pair = tuple(given) if isinstance(given, Sequence) else (given, given)
    if len(pair) != 2 or not 0 <= float(pair[0]) <= float(pair[1]) < np.inf:
        raise PhysrepError(f"observation: {what} is {given}; give a number of at least 0, or [low, high].")
    return float(pair[0]), float(pair[1])


def log_uniform(generator: np.random.Generator, limits: tuple[float, float], size: int | None = None) -> np.ndarray:
    """Draws whose logarithm is uniform between the limits; a limit of 0 makes them uniform."""
    low, high = limits
    if low == high:
        return np.full(() if size is None else size, low)
    if low == 0:
        return np.asarray(generator.uniform(low, high, size))
    return np.exp(generator.uniform(np.log(low), np.log(high), size))


def spread(fields: np.ndarray) -> np.ndarray:
    """Standard deviation of every channel over the trajectory, shaped to multiply the fields."""
    flat = fields.reshape(len(fields), -1).astype(np.float64)
    return flat.std(1).reshape(-1, *(1,) * (fields.ndim - 1))
