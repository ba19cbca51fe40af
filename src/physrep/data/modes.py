r"""Fingerprints of frames that survive shifts, rounding and small noise, and the pairs of trajectories that they find.

The fingerprint of a frame is the magnitude of its low Fourier modes per channel,

    a_k = |\frac{1}{N} \sum_x f(x) e^{-2 \pi i k x / L}|,   1 \le |k_i| \le 4 along every axis,

divided by the root of the sum of their squares; profiles along one axis, which all trajectories of a layer share, do
not enter. A periodic shift turns phases only; rounding and noise of relative size
``e`` change a mode by about ``e / \sqrt{N}``. Two frames are taken for the same where the relative differences
``2 |a_k - b_k| / (a_k + b_k)`` of the modes above ``FLOOR`` are below ``TOLERANCE`` on average, and where at least
``ENOUGH`` modes are above it in both: frames with few modes (a single wave) look alike without being copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

MODES = 4
FLOOR = 3e-3
TOLERANCE = 0.02
ENOUGH = 12
PAIRS = 4096
STRIDE = 8
"""Of a reference trajectory every eighth frame is kept; of one that is looked up eight in a row, at three places, so
that a copy that is shifted in time by any number of frames meets one of them."""


class FrameSource(Protocol):
    """Trajectories whose frames can be looked up."""

    @property
    def lengths(self) -> Sequence[int]: ...
    def frames(self, trajectory: int, indices: Sequence[int]) -> np.ndarray:
        """``(C, len(indices), *S)``."""
        ...


@dataclass(frozen=True)
class Twins:
    """Frames of two trajectories that are the same up to shifts, rounding and small noise.

    Attributes:
        trajectory, frame: the one, in the reference.
        other, other_frame: the other.
        difference: mean relative difference of the modes.
        starts: the first frames of the two are the same.
    """

    trajectory: int
    frame: int
    other: int
    other_frame: int
    difference: float
    starts: bool


def fingerprints(frames: np.ndarray) -> np.ndarray:
    """Magnitudes of the low modes, float32 with shape ``(F, C * modes)``, of frames ``(C, F, *S)``."""
    values = frames.astype(np.float32, copy=False)
    # Transforms of single axes as products with small matrices, the last axis first: only low modes are needed.
    modes: np.ndarray = values - values.mean(axis=tuple(range(2, values.ndim)), keepdims=True)
    for axis in range(values.ndim - 1, 1, -1):
        n = values.shape[axis]
        most = min(MODES, (n - 1) // 2)
        # Of a real field the modes k and -k are conjugate, so that half of those of one axis are enough.
        own = np.arange(1, most + 1) if axis == values.ndim - 1 else np.r_[-most:0, 1 : most + 1]
        waves = (np.exp(-2j * np.pi * np.outer(np.arange(n), own) / n) / n).astype(np.complex64)
        modes = np.moveaxis(np.moveaxis(modes, axis, -1) @ waves, -1, axis)
    magnitudes = np.abs(modes).reshape(*values.shape[:2], -1)
    scale = np.sqrt((magnitudes**2).sum(-1, keepdims=True))
    # Below the rounding of the values themselves there is nothing to compare.
    spread = np.abs(values).reshape(*values.shape[:2], -1).max(-1, keepdims=True)
    magnitudes = np.where(scale > 1e-5 * spread, magnitudes / np.maximum(scale, 1e-30), 0)
    return np.ascontiguousarray(magnitudes.transpose(1, 0, 2)).reshape(values.shape[1], -1).astype(np.float32)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean relative difference of modes above the floor, of fingerprints ``(..., M)``; infinite where too few are."""
    used = (a > FLOOR) | (b > FLOOR)
    both = ((a > FLOOR) & (b > FLOOR)).sum(-1)
    relative = np.where(used, 2 * np.abs(a - b) / np.maximum(a + b, 1e-30), 0)
    mean = relative.sum(-1) / np.maximum(used.sum(-1), 1)
    return np.where(both >= ENOUGH, mean, np.inf)


class Fingerprints:
    """The fingerprints of every `STRIDE`-th frame of a split, to look others up in."""

    def __init__(self, split: FrameSource) -> None:
        self.split = split
        self.places = [(i, t) for i, n in enumerate(split.lengths) for t in range(0, n, STRIDE)]
        parts = [fingerprints(split.frames(i, range(0, n, STRIDE))) for i, n in enumerate(split.lengths)]
        self.known = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)

    def twins(self, other: FrameSource) -> Iterator[Twins]:
        """Pairs of trajectories of this and another split that share frames, one pair of frames for each."""
        for j, length in enumerate(other.lengths):
            frames = _asked(length)
            own = fingerprints(other.frames(j, frames))
            for pair in self._near(own, j, frames):
                first = fingerprints(self.split.frames(pair.trajectory, [0]))[0]
                yield replace(pair, starts=bool(difference(first, own[0]) < TOLERANCE))

    def _near(self, own: np.ndarray, trajectory: int, frames: Sequence[int]) -> list[Twins]:
        """The nearest pair of frames per trajectory of the reference, where it is near enough."""
        found: dict[int, Twins] = {}
        sizes = (own**2).sum(1)[:, None]
        # A product of matrices leaves few pairs, of which the modes are then compared one by one.
        squared = (self.known**2).sum(1)[None] - 2 * own @ self.known.T + sizes
        near = np.argwhere(squared < (3 * TOLERANCE) ** 2 * sizes)
        for part in np.array_split(near, max(1, len(near) // PAIRS)):
            values = difference(own[part[:, 0]], self.known[part[:, 1]])
            for (q, k), value in zip(part[values < TOLERANCE], values[values < TOLERANCE].tolist(), strict=True):
                known, frame = self.places[k]
                if known not in found or value < found[known].difference:
                    found[known] = Twins(known, frame, trajectory, frames[q], value, False)
        return list(found.values())


def _asked(length: int) -> list[int]:
    """Frames that are looked up: runs of `STRIDE` at the start, in the middle and at the end."""
    starts = (0, max(0, length // 2 - STRIDE // 2), max(0, length - STRIDE))
    return sorted({t for start in starts for t in range(start, min(start + STRIDE, length))})


def split_pairs(splits: Mapping[str, FrameSource]) -> Iterator[tuple[str, str, Twins]]:
    """All twins among splits, with the names of the two splits; they have the same channels and grid."""
    names = [name for name in splits if len(splits[name].lengths)]
    for i, name in enumerate(names[:-1]):
        reference = Fingerprints(splits[name])
        for other in names[i + 1 :]:
            for pair in reference.twins(splits[other]):
                yield name, other, pair
