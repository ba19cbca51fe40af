"""The order in which training sees its windows: a pure function of the seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PhysrepError
from ..streams import say_line

if TYPE_CHECKING:
    from ..clip import Clip
    from ..data import ClipDataset, Symmetries
    from ..learners.base import Learner


class Stream(ABC):
    """Micro-batches by number, each a function of its number alone; one is read ahead in a thread.

    Attributes:
        first, count: which ones a walk gives.
        rank, world: this process's share when several train together.
    """

    def __init__(self) -> None:
        self.first, self.count = 0, 0
        self.rank, self.world = 0, 1

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Clip]:
        numbers = range(self.first, self.first + self.count)
        with ThreadPoolExecutor(1) as reader:
            ahead = None
            for number in numbers:
                current = ahead if ahead is not None else reader.submit(self.batch, number)
                ahead = reader.submit(self.batch, number + 1) if number + 1 < numbers.stop else None
                yield current.result()

    @abstractmethod
    def batch(self, number: int) -> Clip:
        """Micro-batch ``number``."""


class WindowStream(Stream):
    """Micro-batches of windows: an endless walk over all training windows, reshuffled on every pass.

    Micro-batch ``i`` is a pure function of ``(seed, i)``.

    Args:
        dataset: source of clips.
        frames, frame_step: of a window.
        batch_size: clips per micro-batch.
        seed: of order and augmentation.
        stride: distance between the starts of windows.
        symmetries: augmentation.
        target: ``next``: a window is ``frames`` in a row. ``random``: it is two windows of half as many frames from
            anywhere in one trajectory, each with its own symmetry. ``replicate``: the second is of another trajectory
            with equal parameters; trajectories without one are left out.
        second_step: distance between the frames of the second window; default ``frame_step``.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        frames: int,
        frame_step: int,
        batch_size: int,
        seed: int,
        stride: int = 1,
        symmetries: Symmetries | None = None,
        target: str = "next",
        second_step: int | None = None,
    ) -> None:
        super().__init__()
        self.target, self.second_step = target, second_step or frame_step
        self.dataset, self.frames, self.frame_step = dataset, frames, frame_step
        self.batch_size, self.seed, self.symmetries = batch_size, seed, symmetries
        self.frames_in_row = frames if target == "next" else frames // 2
        self.windows = dataset.windows(self.frames_in_row, stride, frame_step)
        self.partners = self._partners() if target == "replicate" else {}
        self._pass: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    @classmethod
    def plain(cls, learner: Learner, train: ClipDataset, frame_step: int, batch_size: int) -> WindowStream:
        """Micro-batches as a learner trains on them, to measure it: windows side by side, no augmentation, seed 0."""
        frames = learner.train_frames if learner.target == "next" else learner.train_frames // 2
        target = "next" if learner.target == "next" else "random"  # also where only fresh data hold replicates
        return cls(train, learner.train_frames, frame_step, batch_size, 0, frames, target=target)

    def batch(self, number: int) -> Clip:
        """See `Stream.batch`."""
        import torch

        first = (number * self.world + self.rank) * self.batch_size
        rows = [self._row(position) for position in range(first, first + self.batch_size)]
        generator = np.random.default_rng([self.seed, 1, number, self.rank])
        windows, read = self.windows[rows], self.dataset.clip
        first_view = read(windows, self.frames_in_row, self.frame_step, self.symmetries, generator)
        if self.target == "next":
            return first_view
        mates = windows[:, 0]
        if self.target == "replicate":
            mates = np.array([generator.choice(self.partners[int(trajectory)]) for trajectory in mates])
        latest = self.dataset.lengths[mates] - (self.frames_in_row - 1) * self.second_step
        others = np.stack([mates, generator.integers(latest)], 1)
        second_view = read(others, self.frames_in_row, self.second_step, self.symmetries, generator)
        fields = torch.cat([first_view.fields, second_view.fields], 2)
        return replace(first_view, fields=fields, second_dt=None if self.uniform else second_view.dt)

    @property
    def uniform(self) -> bool:
        """Whether both windows of a clip have the same time step."""
        return self.second_step == self.frame_step

    def _partners(self) -> dict[int, np.ndarray]:
        """The other replicates of each trajectory; windows of trajectories without any are taken out."""
        from ..data.replicates import replicate_partners

        found = replicate_partners(self.dataset.groups)
        name, count = f"{self.dataset.dataset_name}/{self.dataset.split}", self.dataset.n_trajectories
        if not found:
            raise PhysrepError(
                f"{name}: no two trajectories have equal parameters, which target: replicate pairs; simulate with "
                "--replicates 2, or take target: random."
            )
        if len(found) < count:
            text = f"{name}: {count - len(found)} of {count} trajectories have no replicate and are not trained on."
            say_line(text)
        self.windows = self.windows[np.isin(self.windows[:, 0], list(found))]
        return found

    def _row(self, position: int) -> int:
        number, offset = divmod(position, len(self.windows))
        if self._pass[0] != number:
            order = np.random.default_rng([self.seed, 0, number]).permutation(len(self.windows))
            self._pass = (number, order)
        return int(self._pass[1][offset])
