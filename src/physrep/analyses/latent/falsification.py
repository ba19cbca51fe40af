"""Linear maps between embeddings and pixels, both ways: how much of the one is a linear image of the other.

The goal is the leading components of the one, the source more components of the other (principal components of the
training simulations), the map a ridge regression tuned inside the training simulations, for every pair of modalities
anew. In the control each embedding is paired with another time of the same simulation: what is then left is what does
not change along a simulation.
"""

from __future__ import annotations

import numpy as np

from ...metrics.skill import skill
from ...probes.ridge import STRONG_PENALTIES, Ridge
from ..base import Rows
from ..principal import principal
from .analysis import LatentAnalysis
from .context import LatentContext, result

FRAMES = 4
"""Times per simulation that are mapped."""

SOURCE = 2
"""Components of the source, in multiples of those of the goal."""

WAYS = ("pixels to embedding", "embedding to pixels")

SHUFFLED = ", shuffled time"
"""Ending of the name of the control."""


class Falsification(LatentAnalysis):
    """Linear maps between every embedding and every kind of pixels (runs of ``video_pixels``), both ways.

    The level of a row names the pixels.

    Args:
        components: of the goal.
    """

    name = "falsification"
    nothing = "there is no run of video_pixels to compare with; add one to runs"

    def __init__(self, components: int = 32) -> None:
        self.components = components

    def answer(self, context: LatentContext) -> Rows:
        rows: Rows = []
        pixels = context.pixels()
        for name in context.sets:
            projections = _Projections(context, self.components)
            for modality in context.stores:
                if modality not in pixels:
                    for pixel in pixels:
                        rows += _pair(context, name, modality, pixel, self.components, projections)
        return rows


class _Projections:
    """Principal components of a division's training simulations, each computed once for all pairs."""

    def __init__(self, context: LatentContext, components: int) -> None:
        self.context, self.components = context, components
        self._found: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def get(
        self, modality: str, times: np.ndarray, division: tuple[int, int], train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train and test simulations in the components, ``(n, FRAMES, k)`` each."""
        key = (modality, times.tobytes(), division)
        if key not in self._found:
            frames = self.context.stores[modality].frames[:, times]
            axes = principal(frames[train], SOURCE * self.components)
            self._found[key] = axes.project(frames[train]), axes.project(frames[test])
        return self._found[key]


def _pair(
    context: LatentContext, name: str, modality: str, pixel: str, components: int, projections: _Projections
) -> Rows:  # fmt: skip
    """Errors and spreads of every simulation, summed over its times, components and seeds; the control in one seed."""
    ends = ("", SHUFFLED)
    sums = {(way, end): np.zeros((2, len(context))) for way in WAYS for end in ends}
    per_seed: dict[tuple[str, str], list[float]] = {key: [] for key in sums}
    steps, near = _simultaneous(context, modality, pixel)
    for seed in range(context.seeds):
        before = {key: own.sum(1) for key, own in sums.items()}
        for fold, (train, test) in enumerate(context.divisions(name, seed)):
            embedding = projections.get(modality, steps, (seed, fold), train, test)
            picture = projections.get(pixel, near, (seed, fold), train, test)
            for way, (source, goal) in zip(WAYS, ((picture, embedding), (embedding, picture)), strict=True):
                for end in ends[: 2 if seed == 0 else 1]:
                    sums[way, end][:, test] += _map(source, goal, train, components, seed, end == SHUFFLED)
        for key, own in sums.items():
            error, spread = own.sum(1) - before[key]
            if spread > 0:
                per_seed[key].append(float(1 - error / spread))
    own_rows = context.tested(name)
    return [
        result("falsification", name, way + end, pixel, modality, "r2", skill(*own[:, own_rows]), per_seed[way, end])
        for (way, end), own in sums.items()
    ]


def _simultaneous(context: LatentContext, modality: str, pixel: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of `FRAMES` times of the first, and of the nearest times of the second."""
    own, other = context.stores[modality].times, context.stores[pixel].times
    steps = np.linspace(0, len(own) - 1, FRAMES).round().astype(int)
    return steps, np.abs(other[None] - own[steps][:, None]).argmin(1)


def _map(
    source: tuple[np.ndarray, np.ndarray], goal: tuple[np.ndarray, np.ndarray], train: np.ndarray, components: int,
    seed: int, shuffle: bool,
) -> np.ndarray:  # fmt: skip
    """Squared error and squared deviation from the mean of training, per test simulation, with shape ``(2, n)``."""
    generator = np.random.default_rng(seed)
    x, x_test = (_mixed(part, generator) if shuffle else part for part in source)
    y, y_test = (part[..., :components] for part in goal)
    groups = np.repeat(train, x.shape[1])
    fitted = Ridge(STRONG_PENALTIES, common=True)
    fitted.fit_grouped(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), groups, seed=seed)
    predicted = fitted.predict_array(x_test.reshape(-1, x.shape[-1])).reshape(y_test.shape)
    return np.stack([np.square(predicted - y_test).sum((1, 2)), np.square(y_test - y.mean((0, 1))).sum((1, 2))])


def _mixed(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each simulation's times moved on by one or more, so that none stays in its place."""
    shift = generator.integers(1, x.shape[1], len(x))
    return np.stack([np.roll(own, s, 0) for own, s in zip(x, shift, strict=True)])
