"""Test windows whose frames lie further apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import PhysrepError
from .probed import ProbedRun
from .shift import Outcome, Shift, predict_windows
from .study import ShiftStudy


class TimeStep(Shift):
    """Every second (third) frame of the stored ones, as many as the encoder reads.

    The clip's ``dt`` grows with it, so that whoever reads it may know. The reference are the clean windows with the
    same starts.

    Args:
        factors: of the time between frames.
    """

    def __init__(self, factors: Sequence[int] = (2, 3)) -> None:
        if not factors or min(factors) < 2:
            raise PhysrepError(f"generalisation: time_step factors are {list(factors)}; give numbers of at least 2.")
        self.factors = tuple(factors)

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        frames = run.learner.num_frames
        for factor in self.factors:
            step = factor * study.frame_step
            longest = int(study.test.lengths[study.trajectories].max())
            if (frames - 1) * step + 1 > longest:
                yield f"Trajectories of {longest} frames hold no window of {frames} frames that are {step} apart."
                continue
            windows = study.windows(frames, step)
            predicted = predict_windows(
                run, study.test, windows, step, lambda clip, factor=factor: iter([("", f"dt x {factor}", clip)])
            )
            for (subject, level), prediction in predicted.items():
                if not isinstance(prediction, str):
                    yield Outcome.of(
                        subject, level, prediction, run.clean_at(windows), study.target(windows), windows[:, 0]
                    )
