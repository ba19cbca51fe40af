"""Training without steps: learners that find their optimum in closed form (`physrep.learners.FitsInClosedForm`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..progress import Progress
from ..streams import say_line
from .log import write_metrics

if TYPE_CHECKING:
    from ..clip import Clip
    from ..data import ClipDataset
    from ..learners.base import Learner

BATCH = 64
"""Windows per batch, at least those of one trajectory."""


class TrajectoryBatches:
    """All windows of some trajectories, batch by batch; a trajectory's windows are in one batch.

    Args:
        dataset: source of clips.
        frames, frame_step: of a window.
        stride: distance between the starts of windows; less where no trajectory would hold two of them, since choices
            compare the windows of a trajectory.
        trajectories: how many to take, a draw that follows from the seed; all if there are no more.
        seed: of the draw.
        device: where the clips go.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        frames: int,
        frame_step: int,
        stride: int,
        trajectories: int,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        span = (frames - 1) * frame_step + 1
        room = int(dataset.lengths.max()) - span
        self.stride = room if 0 < room < stride else stride
        windows = dataset.windows(frames, self.stride, frame_step)
        present = np.unique(windows[:, 0])
        if len(present) > trajectories:
            present = np.sort(np.random.default_rng([seed, 2]).permutation(present)[:trajectories])
        self.dataset, self.frames, self.frame_step, self.device = dataset, frames, frame_step, device
        self.windows = windows[np.isin(windows[:, 0], present)]
        self.trajectories = len(present)
        self._batches: list[np.ndarray] = []
        pending: list[np.ndarray] = []
        for trajectory in present:
            pending.append(self.windows[self.windows[:, 0] == trajectory])
            if sum(map(len, pending)) >= BATCH:
                self._batches.append(np.concatenate(pending))
                pending = []
        if pending:
            self._batches.append(np.concatenate(pending))

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Clip]:
        for rows in self._batches:
            clip = self.dataset.clip(rows, self.frames, self.frame_step)
            # Which windows belong together is all that is said of them beside their fields.
            yield replace(clip.blind(), trajectory=clip.trajectory).to(self.device)


def fit_closed_form(
    learner: Learner,
    train: ClipDataset,
    valid: ClipDataset,
    frame_step: int,
    seed: int,
    out: Path,
    device: torch.device,
    label: str,
) -> dict[str, Any]:
    """Fit, write metrics.csv, and say what it cost.

    Args:
        learner: what to fit, on ``device``.
        train, valid: data; the choices are made on valid, without labels.
        frame_step: distance between the frames of a window.
        seed: of draws.
        out: run directory.
        device: where the fit runs.
        label: name shown with the progress.

    Returns:
        ``clips_seen``, ``seconds``; operations are not counted: counting would take longer than the fit.
    """
    from ..learners.abilities import FitsInClosedForm

    assert isinstance(learner, FitsInClosedForm)
    streams = [
        TrajectoryBatches(
            data, learner.num_frames, frame_step, learner.fit_stride, learner.fit_trajectories, seed, device
        )
        for data in (train, valid)
    ]
    if streams[1].stride < learner.fit_stride:
        say_line(
            f"{label}: windows of the fit start every {streams[1].stride} instead of {learner.fit_stride} frames, so "
            f"that a trajectory of {int(valid.lengths.max())} frames holds two of them."
        )
    started = time.monotonic()
    passes = getattr(learner, "fit_passes", 1)
    with Progress(passes * (len(streams[0]) + len(streams[1])), f"{label}: fit", "batches") as bar:

        def progress(note: str) -> None:
            if note:
                say_line(f"{label}: {note}.")
            else:
                bar.advance()

        with torch.no_grad():
            rows = learner.fit(streams[0], streams[1], seed, progress)
    write_metrics(out, [{"step": step, **row} for step, row in enumerate(rows)])
    return {
        "clips_seen": len(streams[0].windows),
        "seconds": round(time.monotonic() - started, 1),
    }
