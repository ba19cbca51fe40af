"""What a readout says of one trajectory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .neighbours import Neighbour
from .novelty import INSIDE_WORDS

LEVEL = 0.9
"""Of the intervals of a posterior: equal tails on both sides."""


@dataclass(frozen=True)
class PosteriorDraws:
    """Draws of the posterior of one trajectory.

    Attributes:
        features: what it is given, ``tokens``, ``spectra`` or ``both``.
        values: in physical units, with shape ``(L, P)``.
    """

    features: str
    values: np.ndarray

    def quantile(self, share: float) -> np.ndarray:
        """With shape ``(P,)``."""
        return np.quantile(self.values, share, axis=0)

    @property
    def low(self) -> np.ndarray:
        """Lower end of the interval."""
        return self.quantile((1 - LEVEL) / 2)

    @property
    def high(self) -> np.ndarray:
        """Upper end of the interval."""
        return self.quantile((1 + LEVEL) / 2)

    def interval(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower end, median, upper end."""
        return self.low, self.quantile(0.5), self.high


@dataclass
class Answer:
    """Estimates in physical units, and whether they are to be trusted.

    Attributes:
        parameters: names of the P parameters.
        estimate, low, high: of the trajectory, with shape ``(P,)``.
        verdict: 0 inside what was learned, 1 at its edge, 2 outside.
        reasons: for a verdict that is not 0.
        windows, window_low, window_high: the same of every window, with shape ``(windows, P)``.
        starts: first frame of every window.
        scores: novelty by name of the features.
        neighbours: the training trajectories whose tokens are nearest, nearest first.
        posterior: draws, where they were asked for.
    """

    parameters: tuple[str, ...]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    verdict: int
    reasons: list[str]
    windows: np.ndarray
    window_low: np.ndarray
    window_high: np.ndarray
    starts: np.ndarray
    scores: dict[str, float] = field(default_factory=dict)
    neighbours: list[Neighbour] = field(default_factory=list)
    posterior: PosteriorDraws | None = None

    @property
    def word(self) -> str:
        """The verdict in words."""
        return INSIDE_WORDS[self.verdict]
