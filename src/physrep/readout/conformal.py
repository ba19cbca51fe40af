r"""Intervals by conformal prediction: how far the probe was off where it was neither fitted nor chosen.

For every parameter the interval is ``prediction ± q`` in z-scored units, from n absolute errors (of which
trajectories: `held_out`). Of few trajectories q is the ``⌈(n + 1) level⌉``-th smallest, from `local_width.FEWEST` on it
follows the estimate (`local_width`). If these and new recordings are drawn alike, either covers the truth with a
probability of about ``level`` (two-sided, marginal over recordings).

Source: Lei et al., "Distribution-free predictive inference for regression", 2018, https://arxiv.org/abs/1604.04173.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from .local_width import CHUNK, FEWEST, LocalWidth, rank


@dataclass
class Conformal:
    """Half widths of intervals per parameter.

    Attributes:
        level: nominal coverage.
        half_width: z-scored, the same for all values, one per parameter; infinite where n is too small for the level.
        coverage: share of test targets inside, one per parameter; NaN before `tested` or `crossed`.
        n_valid, n_test: how many errors stand behind either; of several parameters the smallest number.
        source: whose errors they are, see `held_out`.
        local: what stands for ``half_width`` where widths follow the estimate, one per parameter, None where they do
            not; empty in readouts that were stored before there was such a thing.
        thirds: as ``coverage``, of the third of the targets with the lowest values, the middle and the highest.
    """

    level: float
    half_width: list[float]
    coverage: list[float]
    n_valid: int
    n_test: int = 0
    source: str = "valid"
    local: list[LocalWidth | None] = field(default_factory=list)
    thirds: list[list[float]] = field(default_factory=list)

    @classmethod
    def fit(
        cls,
        prediction: np.ndarray,
        target: np.ndarray,
        level: float = 0.9,
        source: str = "valid",
        cluster: np.ndarray | None = None,
    ) -> Self:
        """From predictions and targets of ``source`` with shape ``(n, P)``, z-scored, one row per trajectory or window.

        Args:
            prediction: of what the probe had not seen.
            target: their true values.
            level: probability content of the intervals.
            source: where they are from.
            cluster: trajectory of every row; default one each.

        Raises:
            PhysrepError: a level outside (0, 1).
        """
        if not 0 < level < 1:
            raise PhysrepError(f"the level of an interval is {level}; give a number between 0 and 1, e.g. 0.9.")
        errors = np.abs(prediction - target)
        own = np.arange(len(errors)) if cluster is None else np.asarray(cluster)
        local = [_local(prediction, errors[:, k], own, level) for k in range(errors.shape[1])]
        return cls(
            level, conformal_quantile(errors, level).tolist(), [math.nan] * errors.shape[1], fewest(errors),
            source=source, local=local,
        )  # fmt: skip

    def widths(self, prediction: Tensor) -> Tensor:
        """Half widths ``(m, P)`` at estimates of the same shape, z-scored.

        Args:
            prediction: of all P parameters.
        """
        local = self.local or [None] * len(self.half_width)
        columns = [
            torch.full_like(prediction[:, k], self.half_width[k], dtype=torch.float64)
            if own is None
            else own(prediction)
            for k, own in enumerate(local)
        ]
        return torch.stack(columns, dim=1)

    def widths_of(self, prediction: np.ndarray) -> np.ndarray:
        """The same for many rows of an array."""
        rows = torch.from_numpy(np.asarray(prediction, dtype=np.float64))
        return torch.cat([self.widths(part) for part in rows.split(CHUNK)]).numpy()

    def tested(self, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Record the coverage on test.

        Args:
            prediction: of test, z-scored ``(n, P)``.
            target: true values, in the same form.
        """
        return self._counted(prediction, target, self.widths_of(prediction))

    def crossed(
        self, prediction: np.ndarray, target: np.ndarray, fold: np.ndarray, cluster: np.ndarray | None = None
    ) -> Self:
        """Record the coverage on the errors of `fit` themselves, of every fold by the width from the others.

        Args:
            prediction, target, cluster: of `fit`.
            fold: of every row.
        """
        widths = np.empty_like(prediction, dtype=np.float64)
        for number in np.unique(fold):
            own, rest = fold == number, fold != number
            names = None if cluster is None else cluster[rest]
            others = Conformal.fit(prediction[rest], target[rest], self.level, cluster=names)
            widths[own] = others.widths_of(prediction[own])
        return self._counted(prediction, target, widths)

    def _counted(self, prediction: np.ndarray, target: np.ndarray, widths: np.ndarray) -> Self:
        errors = np.abs(prediction - target)
        known = ~np.isnan(errors)
        inside = np.where(known, errors <= widths, False)
        self.coverage = (inside.sum(axis=0) / np.maximum(known.sum(axis=0), 1)).tolist()
        self.n_test, self.thirds = fewest(errors), []
        for k, own in enumerate(known.T):
            order = np.argsort(target[own, k], kind="stable")
            parts = np.array_split(inside[own, k][order], 3)
            self.thirds.append([float(part.mean()) if len(part) else math.nan for part in parts])
        return self


def _local(prediction: np.ndarray, error: np.ndarray, cluster: np.ndarray, level: float) -> LocalWidth | None:
    """What follows the estimate, where there are errors enough."""
    known = ~np.isnan(error)
    if len(np.unique(cluster[known])) < FEWEST or rank(int(known.sum()), level) > known.sum():
        return None
    # Estimates out of fold may be missing where other labels are unknown.
    columns = np.flatnonzero(~np.isnan(prediction[known]).any(axis=0)).tolist()
    if not (np.isfinite(error[known]).all() and np.isfinite(prediction[known][:, columns]).all()):
        return None
    return LocalWidth(level, columns).fit(prediction[known], error[known])


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
    k = rank(n, level)
    return np.sort(scores, axis=0)[k - 1] if k <= n else np.full(scores.shape[1], np.inf)
