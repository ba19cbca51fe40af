"""What all shifts of one benchmark share: which test windows they look at."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ...data import ClipDataset
from ...data.reader import choose_trajectories
from ..base import Context


class ShiftStudy:
    """The test windows of a benchmark.

    Args:
        context: the benchmark.
        max_trajectories: test trajectories whose windows are encoded anew; None takes all.
        seed: of noise and random subsets.
    """

    def __init__(self, context: Context, max_trajectories: int | None = None, seed: int = 0) -> None:
        self.context, self.seed = context, seed
        self.test: ClipDataset = context.splits["test"]
        self.train: ClipDataset = context.splits["train"]
        self.frame_step = context.data.frame_step
        total = self.test.n_trajectories
        wanted = None if max_trajectories is None else min(max_trajectories, total)
        self.trajectories = choose_trajectories(total, wanted, "generalisation")

    def windows(self, frames: int, frame_step: int | None = None) -> np.ndarray:
        """Evaluation windows (trajectory, start) of the chosen test trajectories, with shape ``(n, 2)``."""
        step = self.frame_step if frame_step is None else frame_step
        windows = self.test.windows(frames, self.context.eval_stride, step)
        return windows[np.isin(windows[:, 0], self.trajectories)]

    @cached_property
    def _targets(self) -> np.ndarray:
        return self.context.scaler.transform(self.test.parameters, self.test.parameter_names).double().numpy()

    def target(self, windows: np.ndarray) -> np.ndarray:
        """Z-scored parameters of test windows, with shape ``(n, P)``."""
        return self._targets[windows[:, 0]]
