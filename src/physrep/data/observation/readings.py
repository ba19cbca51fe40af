"""What an instrument reports of a field: which ones, in which units, with how many digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import PhysrepError
from ..names import select_channels
from .base import Draws, Scene, Step, bounds, log_uniform, spread


class Fields(Step):
    """Only these fields or components are observed.

    Args:
        names: fields (all their components) or single components.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = [names] if isinstance(names, str) else list(names)
        if not self.names:
            raise PhysrepError("observation: fields names none; name at least one.")

    def _chosen(self, scene: Scene) -> list[int]:
        groups: dict[str, list[str]] = {}
        for channel, index in zip(scene.channels, scene.components, strict=True):
            groups.setdefault(channel.rsplit("_", 1)[0] if index else channel, []).append(channel)
        names = select_channels(groups, self.names, scene.source)
        return [scene.channels.index(name) for name in names]

    def scene(self, scene: Scene) -> Scene:
        chosen = self._chosen(scene)
        return replace(
            scene,
            channels=tuple(scene.channels[i] for i in chosen),
            components=tuple(scene.components[i] for i in chosen),
        )

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        return fields[self._chosen(scene)]


class Gain(Step):
    """Unknown units: every trajectory is multiplied by a factor of its own.

    Args:
        factor: ``[low, high]``; its logarithm is uniform.
        shared: one factor for all channels, as for the components of one vector, or one for each.
    """

    def __init__(self, factor: Sequence[float] = (0.5, 2.0), shared: bool = True) -> None:
        self.factor, self.shared = bounds(factor, "factor of gain"), shared
        if self.factor[0] <= 0:
            raise PhysrepError(f"observation: factor of gain is {list(factor)}; it must be above 0.")

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        drawn = log_uniform(draws.trajectory(), self.factor, 1 if self.shared else len(fields))
        return fields * drawn.astype(np.float32).reshape(-1, *(1,) * (fields.ndim - 1))


class Offset(Step):
    """Unknown zero: every channel of a trajectory is shifted, uniformly within ± ``size`` of its standard deviation.

    Args:
        size: largest shift, in standard deviations of the channel in the trajectory.
    """

    def __init__(self, size: float = 1.0) -> None:
        self.size = bounds(size, "size of offset")[1]

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        drawn = draws.trajectory().uniform(-self.size, self.size, len(fields)).reshape(-1, *(1,) * (fields.ndim - 1))
        return fields + (drawn * spread(fields)).astype(np.float32)


class Quantise(Step):
    """A reading in ``2^bits`` levels between the smallest and the largest value of a channel in the trajectory.

    Args:
        bits: of the converter; 8 for a usual camera.
    """

    def __init__(self, bits: int = 8) -> None:
        if not 1 <= bits <= 16:
            raise PhysrepError(f"observation: quantise has {bits} bits; give 1 to 16.")
        self.bits = bits

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        axes = tuple(range(1, fields.ndim))
        low = fields.min(axes, keepdims=True).astype(np.float64)
        width = (fields.max(axes, keepdims=True) - low) / (2**self.bits - 1)
        width = np.where(width > 0, width, 1.0)
        return (low + np.round((fields - low) / width) * width).astype(np.float32)
