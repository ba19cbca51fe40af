"""The data set that learners train on: windows copied out of one split's memory-mapped cache, or out of its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

from ..clip import Clip, join_clips
from ..errors import PhysrepError
from .augment import DataGrid, Symmetries, copy_symmetric, draw
from .buffers import empty
from .reader import say_short, window_grid
from .stored_split import StoredSplit

# What torch documents for samples of a type of one's own, so that a plain DataLoader makes batches of clips.
default_collate_fn_map[Clip] = lambda batch, *, collate_fn_map=None: join_clips(batch)


class ClipDataset(StoredSplit, Dataset[Clip]):
    """Trajectories of one split in memory-mapped form; `open_clips` makes one.

    It is a torch dataset whose samples are windows: ``dataset[i]`` is a `Clip` of one window, and
    ``DataLoader(dataset.of_windows(8), batch_size=16)`` gives clips of sixteen. Without `of_windows` a sample is a
    whole trajectory, as many frames as the shortest one has. Learners draw their windows with `windows` and `clip`
    instead. Arguments and attributes are those of `StoredSplit`.
    """

    _windows: np.ndarray | None = None
    """Rows (trajectory, start) of the samples; None for whole trajectories."""
    _frames: int | None = None
    _frame_step = 1

    @property
    def sample_frames(self) -> int:
        """Frames of a sample: those given to `of_windows`, else as many as the shortest trajectory has."""
        return int(self.lengths.min()) if self._frames is None else self._frames

    def __len__(self) -> int:
        """Number of samples: windows after `of_windows`, else trajectories."""
        return self.n_trajectories if self._windows is None else len(self._windows)

    def __getitem__(self, index: int) -> Clip:
        """Window ``index`` as a batch of one; negative numbers count from the end.

        Raises:
            IndexError: there is no such window.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        row = np.array([[index % len(self), 0]]) if self._windows is None else self._windows[[index]]
        return self.clip(row, self.sample_frames, self._frame_step)

    def __getitems__(self, indices: Sequence[int]) -> list[Clip]:
        """The windows of a batch, read one after the other; called by a DataLoader."""
        return [self[index] for index in indices]

    def __iter__(self) -> Iterator[Clip]:
        """All windows in order."""
        return (self[index] for index in range(len(self)))

    def of_windows(self, frames: int, stride: int = 1, frame_step: int = 1) -> ClipDataset:
        """The same data with windows as samples.

        Args:
            frames: frames per window.
            stride: distance between the starts of windows.
            frame_step: distance between the frames of a window.
        """
        view = object.__new__(type(self))
        # It shares the maps and the open files, which pickling, and with it `copy.copy`, would open anew.
        view.__dict__.update(self.__dict__)
        view._windows = self.windows(frames, stride, frame_step)
        view._frames, view._frame_step = frames, frame_step
        return view

    def of_trajectories(self, rows: np.ndarray) -> ClipDataset:
        """Some of the trajectories, numbered anew in the given order, with the statistics of all.

        Args:
            rows: their numbers in this data set.
        """
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._stats = self.stats
        view._chosen, view.lengths, view.parameters = self._chosen[rows], self.lengths[rows], self.parameters[rows]
        view.groups = self.groups[rows]
        view._moments = [self._moments[i] for i in rows.tolist()]
        view._windows, view._frames, view._frame_step = None, None, 1
        return view

    def __repr__(self) -> str:
        grid = " x ".join(str(n) for n in self.shape)
        steps = f", every {self._frame_step} steps" if self._frame_step > 1 else ""
        return (
            f"ClipDataset({self.dataset_name}/{self.split}: {len(self)} windows of {self.sample_frames} frames{steps} "
            f"in {self.n_trajectories} trajectories; channels {', '.join(self.channels)} on {grid} points "
            f"({', '.join(self.axes)}); dt {self.dt:g}; parameters {', '.join(self.parameter_names) or 'none'})"
        )

    def _grid(self, frame_step: int) -> DataGrid:
        dt, std = self.dt * frame_step, self.stats.std.tolist()
        return DataGrid(self.axes, self.shape, self.periodic, self.dx, dt, self.channels, self.components, std)

    def windows(self, frames: int, stride: int = 1, frame_step: int = 1) -> np.ndarray:
        """Rows (trajectory, start) of all windows, int64 with shape ``(n, 2)``; see `WellSplit.windows`.

        Args:
            frames: per window.
            stride: distance between the starts of two windows, in frames.
            frame_step: distance between two frames of a window.
        """
        source = f"{self.dataset_name}/{self.split}"
        rows = window_grid(self.lengths.tolist(), frames, stride, frame_step, source)
        say_short(source, tuple(self.lengths.tolist()), (frames - 1) * frame_step + 1)
        return rows

    def clip(
        self,
        windows: np.ndarray,
        frames: int,
        frame_step: int = 1,
        symmetries: Symmetries | None = None,
        generator: np.random.Generator | None = None,
    ) -> Clip:
        """A batch of windows.

        Args:
            windows: rows (trajectory, start) with shape ``(B, 2)``, e.g. a selection of `windows`.
            frames: frames per window.
            frame_step: distance between the frames of a window.
            symmetries: draw an exact symmetry per sample and apply it in the same copy.
            generator: source of these draws; needed with ``symmetries``.

        Returns:
            The batch, raw values in float32.

        Raises:
            PhysrepError: a window reaches beyond its trajectory.
        """
        windows = np.asarray(windows, dtype=np.int64).reshape(-1, 2)
        span = (frames - 1) * frame_step + 1
        trajectory, start = windows[:, 0], windows[:, 1]
        inside = (trajectory >= 0) & (trajectory < self.n_trajectories) & (start >= 0)
        if not inside.all() or (start + span > self.lengths[trajectory]).any():
            raise PhysrepError(
                f"{self.dataset_name}/{self.split}: a window of {span} frames reaches beyond its trajectory; "
                "take windows from windows(frames)."
            )
        fields = empty((len(windows), len(self.channels), frames, *self.shape))
        places = [
            (int(self._chosen[index]), slice(first, first + span, frame_step)) for index, first in windows.tolist()
        ]
        if symmetries is None:
            for target, place in zip(fields, places, strict=True):
                self._source.copy(*place, target)
        else:
            if generator is None:
                raise ValueError("symmetries need a generator")
            drawn = draw(symmetries, generator, len(windows), self._grid(frame_step))
            for i, place in enumerate(places):
                copy_symmetric(self._source.get(*place).float().numpy(), fields[i].numpy(), drawn, i, self.components)
        index = torch.from_numpy(trajectory.copy())
        return Clip(
            fields=fields,
            parameters=self.parameters[index],
            channels=self.channels,
            parameter_names=self.parameter_names,
            dt=self.dt * frame_step,
            dx=self.dx,
            periodic=self.periodic,
            trajectory=index,
            start=torch.from_numpy(start.copy()),
            coordinates=self.coordinates,
        )
