"""Our own solver at chosen parameters, seen by frozen encoders: what rounds of simulation-based inference call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..data import write_well
from ..errors import PhysrepError
from ..files import read_json
from ..learners.joined import encode_trajectories
from ..leftovers import temporary_folder
from ..readout.recordings import recordings
from ..simulation import simulate_at
from ..simulation.config import MARK
from ..simulation.request import Request
from ..tokens import TokenStore
from ..tokens.as_stored import TooLargeError, as_stored

if TYPE_CHECKING:
    from .base import Context, FrozenRun

FIRST = 1_000_000
"""Numbers of simulated trajectories start here, so that their initial conditions are none of the data set's."""


class Simulator:
    """Trajectories of the data set's system, on its grid and from its initial conditions, as tokens.

    Args:
        context: of a benchmark on data that physrep simulated.
        folder: for the trajectories that all encoders share.

    Raises:
        PhysrepError: the data were not simulated by physrep, or are seen through an observation.
    """

    def __init__(self, context: Context, folder: Path) -> None:
        mark = Path(context.data.path) / MARK
        if not mark.is_file():
            raise PhysrepError(
                f"{context.data.path}: was not simulated by physrep, so no solver is known for it; set rounds and "
                "amortised of the analysis posterior to 0."
            )
        if context.data.observation:
            raise PhysrepError(
                "posterior: trajectories of the solver are not seen through data.observation, as those of the data set "
                "are; set rounds and amortised to 0."
            )
        self.request, self.context, self.folder = Request(read_json(mark), resolved=True), context, folder

    def tokens(self, runs: Sequence[FrozenRun], theta: Tensor, number: int) -> dict[str, tuple[Tensor, np.ndarray]]:
        """Of parameters ``(n, P)``, z-scored: tokens and trajectory of the windows by name of the run.

        Args:
            runs: whose tokens are wanted.
            theta: parameters; those of the system that are not estimated are drawn as in the data set.
            number: of the round, another for other initial conditions.
        """
        with temporary_folder("physrep-rounds") as folder:
            self._simulate(theta, number, folder / "simulated.hdf5")
            return self._encoded(runs, folder / "simulated.hdf5")

    def _simulate(self, theta: Tensor, number: int, file: Path) -> None:
        physical = self.context.scaler.inverse(theta.double())
        values = {name: physical[:, k] for k, name in enumerate(self.context.scaler.names)}
        first = FIRST * (number + 1)
        write_well(file, simulate_at(self.request, values, range(first, first + len(theta)), self.context.device))

    def _encoded(self, runs: Sequence[FrozenRun], file: Path) -> dict[str, tuple[Tensor, np.ndarray]]:
        context, data = self.context, self.context.data
        learners = {run.name: context.learner(run) for run in runs}
        found: dict[str, list[Tensor]] = {name: [] for name in learners}
        trajectory: list[int] = []
        with torch.inference_mode():
            for recording in recordings([file], data, context.num_frames, context.eval_stride, data.frame_step):
                trajectory += [recording.trajectory] * len(recording.times)
                for name, learner in learners.items():
                    found[name].append(encode_trajectories(learner, recording.clip))
        return {name: (torch.cat(parts), np.array(trajectory)) for name, parts in found.items()}

    def enlarged(
        self, runs: Sequence[FrozenRun], parts: Mapping[str, Mapping[str, TokenStore]], count: int
    ) -> dict[str, dict[str, TokenStore]]:
        """Train with ``count`` trajectories more, at parameters uniform in the (logarithmic) range of train.

        They depend on the data set alone, so they are simulated once, and kept for the other encoders.

        Args:
            runs: whose tokens are wanted.
            parts: their stores, by name of the run and split.
            count: of trajectories.
        """
        scaler = self.context.scaler
        first = next(iter(parts.values()))["train"]
        known = scaler.transform(first.labels, first.parameter_names)
        low, high = known.amin(0), known.amax(0)
        share = torch.rand(count, len(low), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        theta = low + (high - low) * share
        labels = scaler.inverse(theta).numpy()
        found, file = {}, self.folder / "amortised.hdf5"
        if not file.is_file():
            self._simulate(theta, 0, file)
        for name, (tokens, trajectory) in self._encoded(runs, file).items():
            train = parts[name]["train"]
            whole = replace(
                train,
                tokens=np.concatenate([train.tokens, _like(tokens, train)]),
                labels=np.concatenate([train.labels, labels[trajectory][:, _columns(train, scaler.names)]]),
                trajectory=np.concatenate([train.trajectory, trajectory + int(train.trajectory.max()) + 1]),
                start=np.concatenate([train.start, np.zeros(len(trajectory), dtype=train.start.dtype)]),
                meta={},
            )
            found[name] = {**parts[name], "train": whole}
        return found


def _like(tokens: Tensor, train: TokenStore) -> np.ndarray:
    """Tokens in the type of a store, or as float32 where that cannot hold them; both together are float32 then."""
    try:
        return as_stored(tokens, str(train.tokens.dtype))
    except TooLargeError:
        return as_stored(tokens, "float32")


def _columns(store: TokenStore, names: Sequence[str]) -> list[int]:
    """Columns of simulated labels in the order of the store's."""
    missing = [name for name in store.parameter_names if name not in names]
    if missing:
        raise PhysrepError(f"posterior: the label {missing[0]!r} is not estimated; set amortised to 0.")
    return [list(names).index(name) for name in store.parameter_names]
