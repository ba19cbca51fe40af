"""Combinations of parameters that the probe has not seen, of values that it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ...data.names import SPLITS
from .probed import ProbedRun
from .shift import Outcome, Shift
from .study import ShiftStudy
from .subsets import held_out_outcome, trajectory_labels


class Combinations(Shift):
    """One quadrant of the plane of two parameters, cut at their medians, is held out; each of the four in turn.

    Every value of either parameter is still seen, only not together. The reference is as in `Extrapolation`.
    """

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        if len(run.names) < 2:
            yield "Combinations need two parameters or more."
            return
        labels = {split: trajectory_labels(run, split)[0] for split in SPLITS}
        middle = np.median(labels["train"], axis=0)
        for i, j in combinations(range(len(run.names)), 2):
            for high_i in (True, False):
                for high_j in (True, False):
                    held = {
                        split: ((part[:, i] > middle[i]) == high_i) & ((part[:, j] > middle[j]) == high_j)
                        for split, part in labels.items()
                    }
                    subject = f"{run.names[i]} and {run.names[j]}"
                    level = f"{_side(high_i)} {run.names[i]}, {_side(high_j)} {run.names[j]}"
                    yield held_out_outcome(study, run, subject, level, held)


def _side(high: bool) -> str:
    return "high" if high else "low"
