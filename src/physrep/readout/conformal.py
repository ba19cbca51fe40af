r"""Intervals by conformal prediction: how far the probe was off where it was neither fitted nor chosen.

For every parameter the interval is ``prediction ± q`` in z-scored units, with q the ``⌈(n + 1) level⌉``-th smallest of
n absolute errors (of which trajectories: `held_out`). If these and new recordings are drawn alike, it covers the truth
with a probability of about ``level`` (two-sided, marginal over recordings).

Source: Lei et al., "Distribution-free predictive inference for regression", 2018, https://arxiv.org/abs/1604.04173.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..errors import PhysrepError


@dataclass
class Conformal:
    """Half widths of intervals per parameter.

    Attributes:
        level: nominal coverage.
        half_width: z-scored, one per parameter; infinite where n is too small for the level.
        coverage: share of test targets inside, one per parameter; NaN before `tested` or `crossed`.
        n_valid, n_test: how many errors stand behind either; of several parameters the smallest number.
        source: whose errors they are, see `held_out`.
    """

    level: float
    half_width: list[float]
    coverage: list[float]
    n_valid: int
    n_test: int = 0
    source: str = "valid"

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray, level: float = 0.9, source: str = "valid") -> Self:
        """From predictions and targets of ``source`` with shape ``(n, P)``, z-scored, one row per trajectory or window.

        Args:
            prediction: of what the probe had not seen.
            target: their true values.
            level: probability content of the intervals.
            source: where they are from.

        Raises:
            PhysrepError: a level outside (0, 1).
        """
        if not 0 < level < 1:
            raise PhysrepError(f"the level of an interval is {level}; give a number between 0 and 1, e.g. 0.9.")
        errors = np.abs(prediction - target)
        return cls(
            level, conformal_quantile(errors, level).tolist(), [math.nan] * errors.shape[1], fewest(errors),
            source=source,
        )  # fmt: skip

    def tested(self, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Record the coverage on test.

        Args:
            prediction: of test, z-scored ``(n, P)``.
            target: true values, in the same form.
        """
        return self._counted(np.abs(prediction - target), np.asarray(self.half_width))

    def crossed(self, prediction: np.ndarray, target: np.ndarray, fold: np.ndarray) -> Self:
        """Record the coverage on the errors of `fit` themselves, of every fold by the width from the others.

        Args:
            prediction, target: of `fit`.
            fold: of every row.
        """
        errors = np.abs(prediction - target)
        widths = np.stack([conformal_quantile(errors[fold != k], self.level) for k in fold])
        return self._counted(errors, widths)

    def _counted(self, errors: np.ndarray, widths: np.ndarray) -> Self:
        known = ~np.isnan(errors)
        inside = np.where(known, errors <= widths, False).sum(axis=0)
        self.coverage, self.n_test = (inside / np.maximum(known.sum(axis=0), 1)).tolist(), fewest(errors)
        return self


def fewest(errors: np.ndarray) -> int:
    """How many errors the column with the fewest has; NaN is none."""
    return int((~np.isnan(errors)).sum(axis=0).min())


def conformal_quantile(scores: np.ndarray, level: float) -> np.ndarray:
    """The ⌈(n + 1) level⌉-th smallest score of each column; infinity if that is more than n.

    Args:
        scores: with shape ``(n, P)``; NaN is none.
        level: promised probability.
    """
    if np.isnan(scores).any():
        each = [conformal_quantile(own[~np.isnan(own)][:, None], level) for own in scores.T]
        return np.concatenate(each)
    n = len(scores)
    # Rounding must not raise a rank that is a whole number.
    rank = math.ceil((n + 1) * level - 1e-9)
    return np.sort(scores, axis=0)[rank - 1] if rank <= n else np.full(scores.shape[1], np.inf)
