"""Parameters of physical systems from their fields, for people who know scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..data.config import DataConfig
from ..errors import PhysrepError
from ..learners import LEARNERS
from ..learners.joined import encode_trajectories
from ..leftovers import temporary_folder
from ..probes.moments import token_moments
from ..progress import without_progress
from ..readout import Answer, Instrument
from ..readout.array_axes import wrong_shape
from ..registry import resolve
from .arrays import check_array, labels_of, trajectories_of, write_splits
from .budget import seconds_of
from .candidates import FLOORS
from .fit import fit_instrument


class ParameterEstimator(RegressorMixin, TransformerMixin, BaseEstimator):
    """Estimate physical parameters from trajectories of fields, with intervals, by frozen tokens and a probe.

    X is an array ``(N, T, C, H, W)`` of N trajectories of T frames (``(N, T, C, X)`` with one axis of space,
    ``(N, T, C, D, H, W)`` with three); a data set of xarray (dimensions sample, time and those of space); or the
    path of a data set in The Well's format, whose own splits and labels are then taken. y is ``(N,)`` or ``(N, P)``,
    or a frame of pandas with a column per parameter; NaN is unknown, and such trajectories train what needs no labels.

    Of arrays, `fit` sets trajectories aside: ``validation`` of them choose encoder and probe and give the intervals,
    ``test`` of them measure what the intervals cover. The estimate of a trajectory is the mean over its windows;
    intervals are conformal at 90 %.

    Args:
        encoder: ``auto`` takes the best on validation of all floors, of ``runs``, and with a ``budget`` of
            ``learners``; or the name of one learner, or a run directory of `physrep pretrain`.
        runs: run directories of pretrained encoders, for ``auto``.
        learners: names of learners to pretrain, for ``auto``.
        budget: time for everything, in seconds or as ``"10m"``; 0 pretrains nothing.
        probes: names of probes, of which the best on validation is taken.
        parameters: names of the columns of y, where y does not name them; of a path, the parameters to estimate.
        channels: names of the C channels of an array.
        dt, dx: time between frames, spacing of the grid (one number or one per axis).
        periodic: for all axes of an array, or per axis.
        scales: ``{parameter: "log" | "linear"}``; default log where positive values span a factor of 8.
        num_frames, stride: of the windows; default 8 frames, and at most 4 windows per trajectory.
        pool: what `transform` gives: ``moments`` ``(N, F)``, mean and standard deviation of the tokens of a window,
            averaged over windows; ``none`` all tokens ``(N, windows, tokens, D)``.
        validation, test: shares of the trajectories of arrays.
        random_state: seed of everything random.
        out: folder that keeps the fit, which then can be asked by `physrep predict` and continued; default none.
        device: ``cpu``, ``cuda``, ``cuda:N``, ``mps`` or ``auto``.
        verbose: print what `physrep fit` prints, and progress.

    Attributes:
        instrument_: encoder and readout, see `physrep.readout.Instrument`.
        table_: a row per candidate with its probe, its MSE on validation and test (z-scored; 1 for a constant), and
            seconds; the first row was chosen. Candidates that failed have a reason in ``failure``.
        parameters_: names of the P parameters.
        coverage_: share of the test trajectories that the intervals covered, per parameter.

    Raises:
        PhysrepError: (a ValueError) data of another shape, that are not finite, or too few.
    """

    def __init__(
        self,
        encoder: str = "auto",
        *,
        runs: Sequence[str] = (),
        learners: Sequence[str] = ("jepa",),
        budget: str | float = 0,
        probes: Sequence[str] = ("ridge", "kernel_ridge"),
        parameters: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        dt: float | None = None,
        dx: Sequence[float] | float | None = None,
        periodic: bool | Sequence[bool] = True,
        scales: dict[str, str] | None = None,
        num_frames: int | None = None,
        stride: int | None = None,
        pool: str = "moments",
        validation: float = 0.2,
        test: float = 0.2,
        random_state: int = 0,
        out: str | None = None,
        device: str = "cpu",
        verbose: bool = False,
    ) -> None:
        self.encoder, self.runs, self.learners, self.budget, self.probes = encoder, runs, learners, budget, probes
        self.parameters, self.channels, self.dt, self.dx, self.periodic = parameters, channels, dt, dx, periodic
        self.scales, self.num_frames, self.stride, self.pool = scales, num_frames, stride, pool
        self.validation, self.test, self.random_state = validation, test, random_state
        self.out, self.device, self.verbose = out, device, verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose encoder and probe, and fit.

        Args:
            X: trajectories, see above.
            y: labels; only a path, or xarray with numbers per sample, brings its own.
        """
        if self.pool not in ("moments", "none"):
            raise PhysrepError(f"pool is {self.pool!r}; give 'moments' or 'none'.")
        with without_progress(not self.verbose):
            if self.out is not None:
                return self._fit(X, y, Path(self.out))
            with temporary_folder("physrep-fit") as folder:
                return self._fit(X, y, folder)

    def _fit(self, X: Any, y: Any, out: Path) -> Self:
        import pandas

        choice = self._choice()
        found = fit_instrument(
            self._data(X, y, out),
            out,
            **choice,
            num_frames=self.num_frames,
            stride=self.stride,
            probes=self.probes,
            scales=self.scales,
            seed=self.random_state,
            device=self.device,
            say=print if self.verbose else _silent,
        )
        self.instrument_ = Instrument(out)
        readout = self.instrument_.readout
        # The columns of the answer are those of y, in its order; readouts know names only.
        given = () if y is None else tuple(labels_of(y, self.parameters))
        self.parameters_ = given or readout.scaler.names
        self._columns = [readout.scaler.names.index(name) for name in self.parameters_]
        self.coverage_ = dict(zip(readout.scaler.names, readout.trajectories.coverage, strict=True))
        rows = [{**own.as_dict(), "chosen": own is found.chosen} for own in found.candidates]
        order = ["chosen", "learner", "probe", "valid", "test", "seconds", "kind", "run", "failure"]
        self.table_ = pandas.DataFrame(rows).sort_values(["valid", "run"], ignore_index=True)[order]
        wide = y is not None and (hasattr(y, "columns") or np.ndim(y) == 2)
        self._one_column = len(self.parameters_) == 1 and not wide
        return self

    def _choice(self) -> dict[str, Any]:
        """The candidates that `encoder` stands for."""
        budget = seconds_of(self.budget)
        if self.encoder == "auto":
            learners = list(self.learners) if budget else []
            return {"floors": FLOORS, "runs": list(self.runs), "learners": learners, "budget": budget}
        nothing: dict[str, Any] = {"floors": [], "runs": [], "learners": [], "budget": budget}
        if Path(self.encoder).is_dir():
            return {**nothing, "runs": [self.encoder]}
        kind = resolve(self.encoder, LEARNERS, "encoder")
        if not getattr(kind, "trainable", True) or hasattr(kind, "fit"):
            return {**nothing, "floors": [self.encoder]}
        if not budget:
            raise PhysrepError(f"encoder {self.encoder!r} must be trained; give a budget, e.g. budget='10m'.")
        return {**nothing, "learners": [self.encoder]}

    def _data(self, X: Any, y: Any, out: Path) -> DataConfig:
        if isinstance(X, (str, Path)):
            if y is not None:
                raise PhysrepError("X is a data set, whose files hold the labels; leave y out.")
            parameters = None if self.parameters is None else list(self.parameters)
            return DataConfig(path=str(X), parameters=parameters)
        labels = {} if y is None else labels_of(y, self.parameters)
        if not (self.validation > 0 and self.test > 0 and self.validation + self.test < 1):
            raise PhysrepError("validation and test are shares above 0 that leave something for training.")
        trajectories = trajectories_of(X, labels, self.channels, self.dt, self.dx, self.periodic)
        if not trajectories.parameters:
            raise PhysrepError("y is missing; give one number per trajectory and parameter.")
        shares = (1 - self.validation - self.test, self.validation, self.test)
        root = write_splits(trajectories, out / "data", shares, self.random_state)
        return DataConfig(path=str(root), parameters=list(labels) or None)

    def ask(self, X: Any) -> list[Answer]:
        """Everything that is known of every trajectory: intervals, verdict, estimates by window, neighbours."""
        check_is_fitted(self, "instrument_")
        asked = self._recordings(X)
        return [self.instrument_.ask(recording.clip, units=recording.units) for recording in asked]

    def predict(self, X: Any, return_interval: bool = False) -> Any:
        """Estimates in physical units.

        Args:
            X: trajectories on the grid and with the time step of those of `fit`.
            return_interval: give the ends of the 90 % intervals too.

        Returns:
            The estimate with shape ``(N, P)``, or ``(N,)`` where y had that shape; with ``return_interval`` the
            triple estimate, low, high. A warning counts the trajectories that are outside of what was learned; `ask`
            says of each why.
        """
        answers = self.ask(X)
        if outside := [n for n, answer in enumerate(answers) if answer.verdict == 2]:
            reasons = "; ".join(answers[outside[0]].reasons)
            warnings.warn(
                f"{len(outside)} of {len(answers)} trajectories lie outside of what was learned, number {outside[0]}: "
                f"{reasons}; their estimates are not to be trusted.",
                stacklevel=2,
            )
        ends = ("estimate", "low", "high")
        found = [np.stack([getattr(answer, name)[self._columns] for answer in answers]) for name in ends]
        shaped = tuple(values[:, 0] if self._one_column else values for values in found)
        return shaped if return_interval else shaped[0]

    def transform(self, X: Any) -> np.ndarray:
        """Frozen tokens of trajectories, pooled as ``pool`` says; float64."""
        check_is_fitted(self, "instrument_")
        learner, found = self.instrument_.learner, []
        with torch.inference_mode():
            for recording in self._recordings(X):
                tokens = encode_trajectories(learner, recording.clip)
                found.append(token_moments(tokens).mean(0) if self.pool == "moments" else tokens.double())
        return torch.stack(found).numpy()

    def _recordings(self, X: Any) -> Any:
        if hasattr(X, "coords"):
            return self.instrument_.recordings(X, dt=self.dt, dx=self.dx)
        if not isinstance(X, (str, Path)):
            X, space = check_array(X), len(self.instrument_.readout.background.grid["shape"])
            if X.ndim != 3 + space:
                raise wrong_shape(X.shape, space)
        steps = {"dt": 1.0 if self.dt is None else self.dt, "dx": 1.0 if self.dx is None else self.dx}
        return self.instrument_.recordings(X, **steps, channels=self.channels, periodic=self.periodic)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.no_validation = True
        return tags


def _silent(text: str) -> None:
    return None
