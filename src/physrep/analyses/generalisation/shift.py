"""The contract of a shift: a frozen encoder in, errors under the shift and without it on the same trajectories out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...clip import Clip
from ...errors import PhysrepError, one_line
from ...learners.joined import trajectory_batches
from ...metrics import cluster_means
from .probed import BATCH, ProbedRun
from .study import ShiftStudy

if TYPE_CHECKING:
    from ...data import ClipDataset

REFUSALS = (PhysrepError, RuntimeError, ValueError, TypeError, AssertionError, IndexError)
"""What encoders raise when the size of a clip does not suit them."""


@dataclass
class Outcome:
    """Squared errors of one level of a shift.

    Attributes:
        subject: what is shifted: a channel, a parameter; may be empty.
        level: how far, as text.
        error: squared error of the mean prediction of each trajectory under the shift, with shape ``(G, P)``.
        reference: the same without the shift, for the same trajectories.
        constant: the same of a prediction that ignores the tokens.
    """

    subject: str
    level: str
    error: np.ndarray
    reference: np.ndarray
    constant: np.ndarray

    @classmethod
    def of(
        cls,
        subject: str,
        level: str,
        prediction: np.ndarray,
        reference: np.ndarray,
        target: np.ndarray,
        trajectory: np.ndarray,
        constant: np.ndarray | float = 0.0,
    ) -> Outcome:
        """Average predictions, with shape ``(windows, P)``, per trajectory and take errors.

        ``constant`` is the mean of the z-scored labels that the probe was fitted to: 0 for the whole training split.
        """
        truth, _ = cluster_means(target, trajectory)
        error, without = ((cluster_means(part, trajectory)[0] - truth) ** 2 for part in (prediction, reference))
        return cls(subject, level, error, without, (truth - constant) ** 2)


class Shift(ABC):
    """A kind of shift. Its options are the arguments of its constructor."""

    @abstractmethod
    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        """One outcome per level; a sentence where a level cannot be had."""


Variants = Callable[[Clip], Iterator[tuple[str, str, Clip]]]
"""From a clip to its shifted versions: subject, level, clip."""


class FieldShift(Shift):
    """A shift of the fields of test windows, which are encoded anew.

    Attributes:
        may_refuse: whether an encoder may be unable to read the shifted clip; a sentence then says so.
    """

    may_refuse = False

    @abstractmethod
    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        """Shifted versions of a clip of raw fields: subject, level, clip."""

    def outcomes(self, study: ShiftStudy, run: ProbedRun) -> Iterator[Outcome | str]:
        windows = study.windows(run.learner.num_frames)
        predicted = predict_windows(
            run,
            study.test,
            windows,
            study.frame_step,
            lambda clip: self.variants(study, clip),
            may_refuse=self.may_refuse,
        )
        target, reference = study.target(windows), run.clean_at(windows)
        for (subject, level), prediction in predicted.items():
            if isinstance(prediction, str):
                yield prediction
            else:
                yield Outcome.of(subject, level, prediction, reference, target, windows[:, 0])


def predict_windows(
    run: ProbedRun,
    dataset: ClipDataset,
    windows: np.ndarray,
    frame_step: int,
    variants: Variants,
    may_refuse: bool = False,
) -> dict[tuple[str, str], np.ndarray | str]:
    """Predictions for shifted windows, in batches.

    Returns:
        By subject and level: predictions with shape ``(windows, P)``, or a sentence if the encoder refused.
    """
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    refused: dict[tuple[str, str], str] = {}
    for batch in trajectory_batches(run.learner, windows, BATCH):
        clip = dataset.clip(batch, run.learner.num_frames, frame_step)
        for subject, level, shifted in variants(clip):
            key = (subject, level)
            if key in refused:
                continue
            try:
                parts.setdefault(key, []).append(run.predict(shifted))
            except REFUSALS as error:
                if not may_refuse:
                    raise
                refused[key] = f"{run.run.title} cannot read fields of {subject or level} ({one_line(error, 160)})."
    return {key: refused[key] if key in refused else np.concatenate(parts[key]) for key in parts}
