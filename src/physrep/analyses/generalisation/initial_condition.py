"""Another family of initial conditions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .other_starts import other_starts
from .probed import ProbedRun
from .shift import Outcome, Shift, predict_windows
from .study import ShiftStudy


class InitialCondition(Shift):
    """Test trajectories of the same parameters, grid and times that start from another family of fields.

    The reference are the benchmark's own test trajectories with these parameters. Only for data that were simulated by
    `physrep`, of a system with another family; else a sentence says so.

    Args:
        family: name of the other family; default the first other one of the system.
    """

    def __init__(self, family: str | None = None) -> None:
        self.family = family
        self._found = None

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        if self._found is None:
            self._found = other_starts(study, self.family)
        if isinstance(self._found, str):
            yield self._found
            return
        dataset, partner, family = self._found
        # A trajectory that blew up was drawn again with other parameters: it has no partner.
        same = np.all(np.isclose(dataset.parameters.numpy(), study.test.parameters.numpy()[partner], rtol=1e-6), axis=1)
        frames = run.learner.num_frames
        windows = dataset.windows(frames, study.context.eval_stride, study.frame_step)
        windows = windows[same[windows[:, 0]]]
        if len(windows) == 0:
            yield f"No trajectory from starts of {family} has the parameters of its partner."
            return
        (prediction,) = predict_windows(
            run, dataset, windows, study.frame_step, lambda clip: iter([("", family, clip)])
        ).values()
        own = np.stack([partner[windows[:, 0]], windows[:, 1]], 1)
        if not isinstance(prediction, str):
            yield Outcome.of("", family, prediction, run.clean_at(own), study.target(own), own[:, 0])
