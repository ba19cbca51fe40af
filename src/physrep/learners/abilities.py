"""What a learner may be able to do beyond `Learner`: optional, found by its methods, used where it is there.

None of these is inherited from; a class has an ability if it has the attributes. Scores of an ability go to the table
as a probe of its own name, beside the probes that are fitted to tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from ..clip import Clip
from .base import Learner


@runtime_checkable
class PredictsParameters(Protocol):
    """Reads the parameters by itself, trained on their labels (``needs_labels``); scored as the probe ``head``."""

    def predict(self, clip: Clip) -> Tensor:
        """Z-scored parameters with shape ``(B, P)``, of clips of `num_frames` frames."""
        ...


@runtime_checkable
class EstimatesParameters(Protocol):
    """Knows the parameters in physical units without any label; scored as the probe ``direct``."""

    def estimate(self, clip: Clip) -> dict[str, Tensor]:
        """Name of each parameter to its values with shape ``(B,)``, in the units of the data."""
        ...


@runtime_checkable
class TakesLabels(Protocol):
    """Is told the statistics of the labels that it is trained on, before training."""

    def set_labels(self, mean: Mapping[str, float], std: Mapping[str, float]) -> None:
        """Statistics over the training split, of log10(parameter) on log scales, of the parameter on linear ones."""
        ...


@runtime_checkable
class MixesTimeSteps(Protocol):
    """Compares two windows of a clip that may differ in the time between frames (``Clip.second_dt``)."""

    mixes_time_steps: bool


@runtime_checkable
class HasBase(Protocol):
    """Is made around another learner, whose weights a run can start from as a whole."""

    base: Learner


@runtime_checkable
class HasEncoder(Protocol):
    """Has an encoder ``(B, C, T, H, W) -> (B, N, D)`` to look into, whose weights a run can start from."""

    encoder: nn.Module


@runtime_checkable
class FitsInClosedForm(Protocol):
    """A learner whose optimum is found without gradients: `physrep pretrain` calls `fit` once and trains no step.

    Attributes:
        fit_trajectories: training trajectories that `fit` wants to see, a seeded draw of so many.
        fit_stride: distance between the starts of the windows that it wants.

    A learner that walks through the data more than once says how often by ``fit_passes``, for the progress.
    """

    fit_trajectories: int
    fit_stride: int

    def fit(
        self, train: Iterable[Clip], valid: Iterable[Clip], seed: int, progress: Callable[[str], None]
    ) -> list[dict[str, float]]:
        """Fit to all of ``train``, make choices on ``valid``.

        The result is a pure function of data, options and seed, so that a killed run is repeated from its start and
        ends the same.

        Args:
            train: batches of windows without labels; all windows of a trajectory are in one batch, and its number is
                in the clip. It can be walked more than once.
            valid: the same of other trajectories.
            seed: of everything random.
            progress: to be called after every batch with an empty note, and with a sentence for what a user should
                know.

        Returns:
            Rows of metrics.csv.
        """
        ...


@runtime_checkable
class JoinsWindows(Protocol):
    """Reads the windows of a trajectory together, each by what it is worth, instead of one by one.

    A window gives evidence on its own; that of all windows of a trajectory gives the tokens that each of them gets.
    `encode` gives the tokens of a window of which no other is known. See `physrep.learners.joined.joining`.

    Attributes:
        join_windows: whether this one does; where it is false the methods are not called.
    """

    join_windows: bool

    def evidence(self, clip: Clip) -> Tensor:
        """What each window says, whatever its companions, ``(B, E)``, float64."""
        ...

    def joined(self, evidence: Tensor, place: Tensor) -> Tensor:
        """Tokens ``(n, N, D)`` of n trajectories, whatever the order of their windows.

        Args:
            evidence: of B windows, ``(B, E)``.
            place: number of the trajectory, 0 … n - 1, that each is of, ``(B,)``.
        """
        ...
