"""Windows of consecutive frames from a split of a dataset, read from the HDF5 files by name."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..clip import Clip
from ..errors import PhysrepError
from ..streams import say_once
from .check_values import require_written
from .missing import Missing
from .names import label_parameters, select_parameters
from .remote import AnyPath, RemotePath, as_path
from .resample import Method
from .scan import Crop, scan_split, split_files
from .wellfile import WellFile

MAX_OPEN_FILES = 8


def choose_trajectories(total: int, wanted: int | None, source: object) -> np.ndarray:
    """Indices of a seeded random subset, increasing; a smaller one is contained in every larger one.

    A prefix would not do: The Well sorts its files by parameter, so it would hold one corner of parameter space.
    """
    if wanted is None:
        return np.arange(total)
    if not 1 <= wanted <= total:
        raise PhysrepError(f"{source}: max_trajectories is {wanted}, but there are {total} trajectories.")
    return np.sort(np.random.default_rng(0).permutation(total)[:wanted])


def window_span(lengths: Sequence[int], frames: int, frame_step: int, source: object) -> int:
    """Stored frames that a window reaches over.

    Raises:
        PhysrepError: no trajectory is long enough for a window, or a window has no frame.
    """
    if frames < 1:
        raise PhysrepError(f"{source}: a window has {frames} frames; it must have at least 1.")
    span = (frames - 1) * frame_step + 1
    if max(lengths) < span:
        raise PhysrepError(
            f"{source}: trajectories have at most {max(lengths)} frames, but a window needs {span}; "
            "use fewer frames or longer trajectories."
        )
    return span


def window_grid(lengths: Sequence[int], frames: int, stride: int, frame_step: int, source: object) -> np.ndarray:
    """All windows as rows (trajectory, start) with shape ``(n, 2)``: starts 0, stride, ... as long as they fit.

    Raises:
        PhysrepError: no trajectory is long enough for a window.
    """
    if min(frames, stride, frame_step) < 1:
        raise PhysrepError(f"{source}: frames, stride and frame_step are {frames}, {stride}, {frame_step}; use >= 1.")
    span = window_span(lengths, frames, frame_step, source)
    rows = [
        np.stack([np.full(len(starts), i), starts], axis=1)
        for i, length in enumerate(lengths)
        for starts in [np.arange(0, length - span + 1, stride)]
    ]
    return np.concatenate(rows).astype(np.int64)


def say_short(source: str, lengths: tuple[int, ...], span: int) -> None:
    """One line, once, on trajectories that are too short for a window and so give none."""
    short = sum(length < span for length in lengths)
    if short:
        say_once(f"{source}: {short} of {len(lengths)} trajectories have fewer than {span} frames and are left out.")


class WellSplit:
    """The windows of one split, read from its files on demand.

    Trajectories are numbered through the files in the order of their names, windows by trajectory and start. For
    training, `physrep.data.open_clips` serves the same windows from a memory-mapped cache, many times faster.

    Args:
        root: dataset folder with ``data/<split>/*.hdf5``, or its address, e.g. ``hf://datasets/polymathic-ai/NAME``.
        split: "train", "valid" or "test".
        frames: frames per window.
        stride: distance between the starts of windows.
        frame_step: distance between the frames of a window.
        fields: names of fields or channels; default all time-varying fields in the files' order.
        parameters: names of parameters; default all but those known to be constant.
        resolution: points per axis after resampling; default as stored.
        resample: "bilinear", "spectral" or None.
        crop: "paper", or a map from axis to [first, last exclusive], applied before resampling.
        max_trajectories: use a seeded random subset of this many trajectories.
        missing: "refuse" missing values, or replace them by the "mean" of their frame, see `physrep.data.missing`.

    Attributes:
        channels, parameter_names, axes, shape, dx, dt, periodic, coordinates: of the windows as they are returned.
        parameters: raw values, float64 with shape ``(n_trajectories, P)``.
        windows: rows (trajectory, start), int64 with shape ``(n, 2)``.

    Raises:
        PhysrepError: what is asked for is missing, too long, or inconsistent among the files.
    """

    def __init__(
        self,
        root: str | Path | RemotePath,
        split: str,
        frames: int,
        stride: int = 1,
        frame_step: int = 1,
        fields: Sequence[str] | None = None,
        parameters: Sequence[str] | None = None,
        resolution: Sequence[int] | None = None,
        resample: Method | None = "bilinear",
        crop: Crop = None,
        max_trajectories: int | None = None,
        missing: Missing = "refuse",
    ) -> None:
        self.root, self.frames, self.frame_step = as_path(root), frames, frame_step
        scan = scan_split(split_files(root, split), fields, resolution, resample, crop, missing)
        self.view, self.files = scan.view, scan.files
        names = label_parameters(scan.dataset_name, list(scan.parameters)) if parameters is None else parameters
        self.parameter_names = select_parameters(list(scan.parameters), names, self.root)
        places = [(file, i) for file, info in enumerate(self.files) for i in range(info.n_trajectories)]
        chosen = choose_trajectories(len(places), max_trajectories, self.root)
        self._places = [places[i] for i in chosen]
        columns = [scan.parameters[name][chosen] for name in self.parameter_names]
        self.parameters = torch.from_numpy(np.stack(columns, 1) if columns else np.zeros((len(chosen), 0)))
        lengths = [self.files[file].n_frames for file, _ in self._places]
        self.windows = window_grid(lengths, frames, stride, frame_step, f"{self.root} ({split})")
        say_short(f"{self.root} ({split})", tuple(lengths), (frames - 1) * frame_step + 1)
        self.dt = scan.dt * frame_step
        # Frames that were looked through for missing values: the second reading is as fast as the disk.
        self._known = [np.zeros(length, dtype=bool) for length in lengths]
        self._open: OrderedDict[tuple[int, int], WellFile] = OrderedDict()

    @property
    def channels(self) -> tuple[str, ...]:
        return self.view.channels

    @property
    def axes(self) -> tuple[str, ...]:
        return self.view.axes

    @property
    def shape(self) -> tuple[int, ...]:
        return self.view.resampler.shape

    @property
    def dx(self) -> tuple[float, ...]:
        return self.view.resampler.dx

    @property
    def coordinates(self) -> tuple[torch.Tensor | None, ...]:
        return tuple(None if c is None else torch.from_numpy(c) for c in self.view.resampler.coordinates)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return self.view.periodic

    @property
    def n_trajectories(self) -> int:
        return len(self._places)

    def __len__(self) -> int:
        return len(self.windows)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_open": OrderedDict()}

    def location(self, window: int) -> tuple[AnyPath, int, int]:
        """File, trajectory in that file, and first frame of a window."""
        trajectory, start = self.windows[window]
        file, local = self._places[trajectory]
        return self.files[file].path, local, int(start)

    def clip(self, indices: Sequence[int] | np.ndarray) -> Clip:
        """The windows with these indices as one batch."""
        rows = self.windows[np.asarray(indices, dtype=np.int64)]
        out = torch.empty(len(rows), len(self.channels), self.frames, *self.shape)
        for position, (trajectory, start) in enumerate(rows.tolist()):
            file, local = self._places[trajectory]
            out[position] = self._read(trajectory, file, local, start)
        trajectories = torch.from_numpy(rows[:, 0].copy())
        return Clip(
            fields=out,
            parameters=self.parameters[trajectories],
            channels=self.channels,
            parameter_names=self.parameter_names,
            dt=self.dt,
            dx=self.dx,
            periodic=self.periodic,
            trajectory=trajectories,
            start=torch.from_numpy(rows[:, 1].copy()),
            coordinates=self.coordinates,
        )

    def _read(self, trajectory: int, file: int, local: int, start: int) -> torch.Tensor:
        known = self._known[trajectory][start : start + (self.frames - 1) * self.frame_step + 1 : self.frame_step]
        handle, whole = self._handle(file), bool(known.all())
        block = self.view.read(handle, local, start, self.frames, self.frame_step, whole)
        if not whole:
            flat = block.flatten(2).numpy()
            require_written(handle, self.channels, local, flat.min(2), flat.max(2), start, self.frame_step)
            known[:] = True
        return block

    def _handle(self, file: int) -> WellFile:
        # A handle inherited by a forked worker must not be used there, hence the process number in the key.
        key = (os.getpid(), file)
        if key not in self._open:
            if len(self._open) >= MAX_OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            self._open[key] = WellFile(self.files[file].path)
        self._open.move_to_end(key)
        return self._open[key]
