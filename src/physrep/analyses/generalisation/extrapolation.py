"""Parameters beyond those that the probe has seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...data.names import SPLITS
from ...errors import PhysrepError
from .probed import ProbedRun
from .shift import Outcome, Shift
from .study import ShiftStudy
from .subsets import held_out_outcome, trajectory_labels


class Extrapolation(Shift):
    """The probe sees the lower part of a parameter's values and is scored on the upper rest; and the other way round.

    The encoder has seen all fields without labels; only the probe extrapolates. The reference is a probe of as many
    trajectories of the whole range, scored on the same held-out test trajectories.

    Args:
        seen: fraction of the training trajectories that the probe sees, those with the lowest (highest) values.
    """

    def __init__(self, seen: float = 0.7) -> None:
        if not 0 < seen < 1:
            raise PhysrepError(f"generalisation: extrapolation sees a fraction of {seen}; it must be in (0, 1).")
        self.seen = seen

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        labels = {split: trajectory_labels(run, split)[0] for split in SPLITS}
        share = f"{100 * (1 - self.seen):.0f} %"
        for k, name in enumerate(run.names):
            # An element of the training values, so that a grid of a few values is cut between them.
            cut = np.quantile(labels["train"][:, k], [self.seen, 1 - self.seen], method="nearest")
            above = {split: part[:, k] > cut[0] for split, part in labels.items()}
            below = {split: part[:, k] < cut[1] for split, part in labels.items()}
            yield held_out_outcome(study, run, name, f"highest {share}", above)
            yield held_out_outcome(study, run, name, f"lowest {share}", below)
