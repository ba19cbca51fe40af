"""Noise: what an instrument adds to a field, of a strength that may be unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...errors import PhysrepError
from .base import Draws, Scene, Step, bounds, log_uniform, spread


class Noise(Step):
    r"""``f + level std(f) n``: normal noise, its strength a share of each channel's own spread in the trajectory.

    White by default. With ``length`` it is smoothed over that many points by a Gaussian (around periodic axes), with
    ``time`` it is a Markov process over frames, ``n_t = e^{-1/time} n_{t-1} + (1 - e^{-2/time})^{1/2} ξ_t``; in both
    cases its variance stays 1.

    Args:
        level: one for all, or ``[low, high]``, drawn once per trajectory, with a uniform logarithm.
        length: standard deviation of the smoothing, in points; 0 for white noise.
        time: correlation time, in frames; 0 for white noise.
    """

    def __init__(self, level: float | Sequence[float] = 0.05, length: float = 0.0, time: float = 0.0) -> None:
        self.level = bounds(level, "level of noise")
        self.length, self.time = bounds(length, "length of noise")[0], bounds(time, "time of noise")[0]
        if isinstance(level, Sequence) and self.level[0] == 0 < self.level[1]:
            raise PhysrepError("observation: level of noise is drawn with a uniform logarithm; begin above 0.")

    def apply(self, fields: np.ndarray, scene: Scene, draws: Draws) -> np.ndarray:
        level = log_uniform(draws.trajectory(), self.level) * spread(fields)[:, 0]
        keep = math.exp(-1 / self.time) if self.time else 0.0
        state: np.ndarray | None = None
        for frame in range(fields.shape[1]):
            fresh = self._frame(draws.frame(frame), (len(fields), *scene.shape), scene.periodic)
            state = fresh if state is None else keep * state + math.sqrt(1 - keep**2) * fresh
            fields[:, frame] += (level * state).astype(np.float32)
        return fields

    def _frame(self, generator: np.random.Generator, shape: tuple[int, ...], periodic: Sequence[bool]) -> np.ndarray:
        if not self.length:
            return generator.standard_normal(shape)
        # Beside an open end the filter must see fresh noise too, or the variance would differ there.
        margin = [0 if wraps else math.ceil(4 * self.length) for wraps in periodic]
        whole = [n + 2 * m for n, m in zip(shape[1:], margin, strict=True)]
        noise = generator.standard_normal((shape[0], *whole))
        for axis, (n, m) in enumerate(zip(shape[1:], margin, strict=True), start=1):
            noise = gaussian_filter1d(noise, self.length, axis=axis, mode="wrap")
            noise = np.take(noise, range(m, m + n), axis=axis) / _kept(self.length, whole[axis - 1])
        return noise


def _kept(length: float, n: int) -> float:
    """Standard deviation that smoothing along one axis leaves of white noise of variance 1."""
    impulse = np.zeros(n)
    impulse[n // 2] = 1.0
    return float(np.sqrt(np.square(gaussian_filter1d(impulse, length, mode="wrap")).sum()))
