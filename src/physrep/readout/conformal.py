r"""Intervals by split conformal prediction: how far the probe was off where it was not fitted.

For every parameter the interval is ``prediction ± q`` in z-scored units, with q the ``⌈(n + 1) level⌉``-th smallest of
the n absolute errors on the validation split. If valid and new recordings are drawn alike, it covers the truth with a
probability of at least ``level`` (two-sided, marginal over recordings).

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
        half_width: z-scored, one per parameter; infinite where valid is too small for the level.
        coverage: share of test targets inside, one per parameter; NaN before `tested`.
        n_valid, n_test: how many errors stand behind either.
        source: split whose errors they are: ``valid``, or ``train``, each predicted by a probe without it (`cross`).
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
            prediction: of valid.
            target: their true values.
            level: probability content of the intervals.

        Raises:
            PhysrepError: a level outside (0, 1).
        """
        if not 0 < level < 1:
            raise PhysrepError(f"the level of an interval is {level}; give a number between 0 and 1, e.g. 0.9.")
        errors = np.sort(np.abs(prediction - target), axis=0)
        rank = math.ceil((len(errors) + 1) * level)
        width = errors[rank - 1] if rank <= len(errors) else np.full(errors.shape[1], np.inf)
        return cls(level, width.tolist(), [math.nan] * errors.shape[1], len(errors), source=source)

    def tested(self, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Record the coverage on test.

        Args:
            prediction: of test, z-scored ``(n, P)``.
            target: true values, in the same form.
        """
        inside = np.abs(prediction - target) <= np.asarray(self.half_width)
        self.coverage, self.n_test = inside.mean(axis=0).tolist(), len(inside)
        return self
