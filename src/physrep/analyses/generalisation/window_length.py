"""Less of a trajectory: fewer windows, and windows that end early."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from ...clip import Clip
from ...errors import PhysrepError
from ...metrics import cluster_means
from .probed import ProbedRun
from .shift import FieldShift, Outcome
from .study import ShiftStudy

WINDOWS, FRAMES = "windows averaged", "frames available"


class WindowLength(FieldShift):
    """How much of a trajectory is seen, in two ways.

    ``windows averaged``: predictions of 1, 2, 4, ... consecutive windows are averaged (these windows joined, by a
    learner that joins windows) instead of all; the error is the mean over all such groups of a trajectory.
    ``frames available``: of every window only the first frames are known.
    Encoders read a fixed number of frames, so the last known frame is held for the rest; the time step stays.

    Args:
        fractions: of the frames of a window that are known.
    """

    def __init__(self, fractions: Sequence[float] = (0.25, 0.5)) -> None:
        if not fractions or not all(0 < fraction < 1 for fraction in fractions):
            raise PhysrepError(f"generalisation: window_length fractions are {list(fractions)}; give some in (0, 1).")
        self.fractions = tuple(sorted(fractions))

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        yield from fewer_windows(study, run)
        yield from super().outcomes(study, run)

    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        frames = clip.fields.shape[2]
        for known in sorted({max(1, round(frames * fraction)) for fraction in self.fractions} - {frames}):
            held = clip.fields[:, :, known - 1 : known].repeat_interleave(frames - known, 2)
            yield FRAMES, f"{known} of {frames}", replace(clip, fields=torch.cat([clip.fields[:, :, :known], held], 2))


def fewer_windows(study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome]:
    """Errors when 1, 2, 4, ... consecutive windows of a trajectory are averaged, from the stored tokens or evidence."""
    trajectory = run.trajectory["test"]
    target = run.labels["test"].double().numpy()
    groups = [np.flatnonzero(trajectory == own) for own in np.unique(trajectory)]
    most = min(len(group) for group in groups)
    truth, reference = cluster_means(target, trajectory)[0], cluster_means(run.clean, trajectory)[0]
    count = 1
    while count < most:
        errors = []
        for rows, own in zip(groups, truth, strict=True):
            sets = [rows[first : first + count] for first in range(len(rows) - count + 1)]
            errors.append(((run.clean_sets(sets) - own) ** 2).mean(0))
        yield Outcome(WINDOWS, f"{count} of {most}", np.stack(errors), (reference - truth) ** 2, truth**2)
        count *= 2
