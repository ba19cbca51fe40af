"""The trajectories of one split as its cache describes them, with values, parameters and statistics by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..files import read_json, read_record
from .cache_copy import DATA, UNOBSERVED
from .cache_plan import META, OFFSETS
from .channel_stats import ChannelStats
from .frames import Frames, FramesInFiles, MappedFrames
from .identity import differences
from .label_table import LabelTable
from .names import label_parameters, select_parameters
from .reader import choose_trajectories
from .replicates import equal_rows
from .single_precision import say_coarse
from .stats import Moments


class StoredSplit:
    """Trajectories of one split, memory-mapped or read from the files of the data set.

    Args:
        folder: cache of the split.
        parameters: names of the parameters, in this order; default all.
        max_trajectories: a seeded random subset of so many; default all.
        stats: statistics to normalise with; the training split has its own.
        labels: a table of further parameters.
        files: folder of the data set, to read windows from its files; None reads the cache's copy.

    Attributes:
        split, dataset_name: where the data come from.
        channels: channel names.
        components: per channel, the axis indices of the tensor component: ``()``, ``(i,)`` or ``(i, j)``.
        axes, shape, dx, periodic, coordinates: of the grid, after crop and resampling; see `physrep.clip.Clip`.
        dt: time between frames.
        stored_step: distance between frames, in frames of the files; 1 unless an observation leaves frames out.
        observation: steps of `physrep.data.observation` that the fields went through, as plain data.
        parameter_names: names of the P parameters.
        parameters: raw values, float64 with shape ``(n_trajectories, P)``.
        identity: what its files agree in, as `physrep.data.identity` gives it, with the name of the first one.
        replaced: how many missing values were replaced when the cache was built.
        label_key: identifies the table of labels; empty without one.
        lengths: frames per trajectory, int64 with shape ``(n_trajectories,)``.
        groups: per trajectory a number that those with equal values of all known parameters share, int64.
    """

    def __init__(
        self,
        folder: str | Path,
        parameters: Sequence[str] | None = None,
        max_trajectories: int | None = None,
        stats: ChannelStats | None = None,
        labels: LabelTable | None = None,
        files: Path | None = None,
    ) -> None:
        self.folder = Path(folder)
        meta = read_record(self.folder / META)
        self.split, self.dataset_name = str(meta["split"]), str(meta["dataset_name"])
        self.channels: tuple[str, ...] = tuple(meta["channels"])
        self.components: tuple[tuple[int, ...], ...] = tuple(tuple(index) for index in meta["components"])
        self.axes: tuple[str, ...] = tuple(meta["axes"])
        self.shape: tuple[int, ...] = tuple(meta["shape"])
        self.dx: tuple[float, ...] = tuple(meta["dx"])
        self.periodic: tuple[bool, ...] = tuple(meta["periodic"])
        self.coordinates = tuple(
            None if points is None else torch.tensor(points, dtype=torch.float64) for points in meta["coordinates"]
        )
        self.dt = float(meta["dt"])
        self.stored_step = int(meta.get("stored_step", 1))
        self.observation: list[list[Any]] = meta.get("observation", [])
        source = f"{self.dataset_name}/{self.split}"
        known = dict(meta["parameters"])
        if labels is not None:
            twice = next((name for name in labels.values if name in known), None)
            if twice is not None:
                raise PhysrepError(f"{source}: {twice} is in the files and in the table of labels; rename its column.")
            known |= labels.values
        self.label_key = labels.key if labels is not None else ""
        names = label_parameters(self.dataset_name, list(known)) if parameters is None else parameters
        self.parameter_names = select_parameters(list(known), names, source)
        self._lengths_on_disk = [int(n) for n in meta["lengths"]]
        self._chosen = choose_trajectories(len(self._lengths_on_disk), max_trajectories, source)
        self.lengths = np.array(self._lengths_on_disk, dtype=np.int64)[self._chosen]
        columns = [np.array(known[name], dtype=np.float64)[self._chosen] for name in self.parameter_names]
        self.parameters = torch.from_numpy(np.stack(columns, 1) if columns else np.zeros((len(self.lengths), 0)))
        every = [np.array(column, dtype=np.float64)[self._chosen] for column in known.values()]
        self.groups = equal_rows(every, len(self.lengths))
        self._moments = [meta["moments"][i] for i in self._chosen]
        if stats is not None and stats.channels != self.channels:
            raise PhysrepError(
                f"{source}: channels are {list(self.channels)}, but the statistics are of {list(stats.channels)}; "
                "open both splits with the same fields."
            )
        self.identity: dict[str, Any] = meta["identity"]
        self.replaced = int(meta["replaced"])
        if stats is not None and stats.identity is not None:
            for item, own, other in differences(self.identity, stats.identity):
                raise PhysrepError(
                    f"{self.identity['file']}: has {item} {own}, but {stats.identity['file']}, whose statistics are "
                    f"used, has {other}; splits of one data set must agree."
                )
        self._stats = stats
        self._unobserved: tuple[list[np.ndarray], list[np.ndarray]] | None = None
        self._files = files
        self._source = self._open(meta.get("in_place"))

    @property
    def in_place(self) -> bool:
        """Whether windows come from the files of the data set, not from a copy."""
        return isinstance(self._source, FramesInFiles)

    def _open(self, index: Mapping[str, Any] | None) -> Frames:
        if index:
            if self._files is None:
                raise PhysrepError(f"{self.folder}: is an index of files; open the data set with open_clips instead.")
            with np.load(self.folder / OFFSETS, allow_pickle=False) as kept:
                return FramesInFiles(self._files, index, kept["offsets"], self.shape)
        return MappedFrames(self.folder / DATA, len(self.channels), self.shape, self._lengths_on_disk)

    def __getstate__(self) -> dict[str, Any]:
        # A worker process opens the files itself; pickled maps would be sent as their whole content.
        return {name: value for name, value in self.__dict__.items() if name != "_source"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._source = self._open(read_json(self.folder / META).get("in_place"))

    @property
    def n_trajectories(self) -> int:
        return len(self.lengths)

    @property
    def numbers(self) -> np.ndarray:
        """Of every trajectory its number in the split on disk, counted through its files by name."""
        return self._chosen

    @property
    def statistics(self) -> ChannelStats:
        """Statistics of these very trajectories, on this grid.

        Raises:
            PhysrepError: a channel is constant, so that it cannot be normalised.
        """
        means, deviations = self.moments()
        for channel, mean, std in zip(self.channels, means, deviations, strict=True):
            # Float32 tells values apart that differ by 6e-8 to 1.2e-7 of themselves.
            if std <= 1.5e-7 * abs(mean):
                raise PhysrepError(
                    f"{self.dataset_name}/{self.split}: field {channel} is constant ({mean:.6g}), so it cannot be "
                    "normalised; leave it out by naming the others in 'fields'."
                )
            say_coarse(self.dataset_name, channel, float(mean), float(std))
        return ChannelStats(
            self.channels,
            torch.from_numpy(means.astype(np.float32)),
            torch.from_numpy(deviations.astype(np.float32)),
            self.identity,
        )

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of every channel of these very trajectories, float64 ``(C,)`` each."""
        total = Moments.zero(len(self.channels))
        for part in self._moments:
            total += Moments(part["count"], np.array(part["mean"]), np.array(part["squares"]))
        return total.mean, total.std

    @property
    def stats(self) -> ChannelStats:
        """The statistics to normalise with: those given, or the training split's own.

        Raises:
            PhysrepError: this is not the training split and no statistics were given.
        """
        if self._stats is None:
            if self.split != "train":
                raise PhysrepError(
                    f"{self.dataset_name}/{self.split}: needs the training split's statistics; "
                    "pass stats=train.stats to open_clips."
                )
            self._stats = self.statistics
        return self._stats

    @property
    def mean(self) -> Tensor:
        """Mean per channel of the training split, float32 with shape ``(C,)``."""
        return self.stats.mean

    @property
    def std(self) -> Tensor:
        """Standard deviation per channel of the training split, float32 with shape ``(C,)``."""
        return self.stats.std

    def frames_of(self, trajectory: int, frames: slice = slice(None)) -> Tensor:
        """Frames of a trajectory, ``(C, T, H, W)`` in the type of the cache; of a memory map a view.

        Args:
            trajectory: its number in this data set.
            frames: which frames, all by default.
        """
        return self._source.get(int(self._chosen[trajectory]), frames)

    def unobserved(self, trajectory: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Numbers of a trajectory's frames before the observation, see `Fingerprint`; None if there was none."""
        if not self.observation:
            return None
        if self._unobserved is None:
            with np.load(self.folder / UNOBSERVED, allow_pickle=False) as kept:
                ends = np.cumsum(kept["lengths"])[:-1]
                self._unobserved = (np.split(kept["hashes"], ends), np.split(kept["varies"], ends))
        number = int(self._chosen[trajectory])
        return self._unobserved[0][number], self._unobserved[1][number]
