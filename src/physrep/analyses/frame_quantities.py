"""Physical quantities of every frame of a benchmark's trajectories, computed once and kept beside the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..files import content_hash, write_npz
from ..progress import Progress
from ..quantities import Grid, Quantity, measure, quantities_of
from ..tokens import TokenStore
from .base import Context

if TYPE_CHECKING:
    from ..data import WellSplit

VERSION = 1
BATCH_BYTES = 2**26


@dataclass(frozen=True)
class FrameQuantities:
    """Quantities of one split.

    Attributes:
        quantities: what was measured.
        values: float64 ``(trajectories, frames, Q)``; NaN behind the end of shorter trajectories.
        dt: time between frames.
    """

    quantities: tuple[Quantity, ...]
    values: np.ndarray
    dt: float

    def series(self, name: str) -> np.ndarray:
        """One quantity, ``(trajectories, frames)``."""
        return self.values[:, :, [q.name for q in self.quantities].index(name)]

    def windows(self, trajectory: np.ndarray, start: np.ndarray, frames: int, frame_step: int = 1) -> np.ndarray:
        """Quantities of windows, float64 ``(windows, Q)``; see `physrep.quantities.Quantity.window`."""
        index = np.asarray(start)[:, None] + frame_step * np.arange(frames)
        cut = torch.from_numpy(self.values[np.asarray(trajectory)[:, None], index])
        columns = [q.of_window(cut[:, :, k], self.dt * frame_step) for k, q in enumerate(self.quantities)]
        return torch.stack(columns, 1).numpy()

    def of_store(self, store: TokenStore, context: Context) -> np.ndarray:
        """Quantities of the windows of a token store, in its order."""
        return self.windows(store.trajectory, store.start, context.num_frames, context.data.frame_step)


def frame_quantities(context: Context) -> dict[str, FrameQuantities]:
    """Quantities of train, valid and test, from all stored fields on the stored grid.

    An encoder may see a part of the fields (``data.fields``) on a coarser grid; the quantities are those of the whole
    state all the same. They are kept in ``analyses/quantities/SPLIT.npz``.

    Raises:
        PhysrepError: the data cannot be read, or have no quantity that is known.
    """
    return {split: _split(context, split) for split in context.splits}


def _split(context: Context, split: str) -> FrameQuantities:
    from ..data import open_well

    path = str(context.data.located(context.system).path)
    most = context.data.max_trajectories if split == "train" else None
    reader = _blocks(path, split, most)
    dataset = context.splits[split]
    quantities = quantities_of(dataset.dataset_name, reader.channels, reader.parameter_names)
    file = context.out / "analyses" / "quantities" / f"{split}.npz"
    key = content_hash(
        [VERSION, dataset.folder.name, dataset.n_trajectories, [[q.name, q.formula] for q in quantities]]
    )
    if file.is_file() and (kept := _read(file, key)) is not None:
        return _observed(FrameQuantities(quantities, kept, reader.dt), dataset.stored_step)
    with open_well(reader.location(0)[0]) as first:
        grid = Grid.of([torch.from_numpy(first.coordinates[axis]) for axis in first.axes], first.periodic)
    values = _measure(reader, quantities, grid, split)
    write_npz(file, {"key": np.array(key), "values": values})
    return _observed(FrameQuantities(quantities, values, reader.dt), dataset.stored_step)


def _observed(found: FrameQuantities, step: int) -> FrameQuantities:
    """The frames that an observation leaves, see `physrep.data.observation.FrameStep`."""
    return replace(found, values=found.values[:, ::step], dt=found.dt * step)


def _blocks(path: str, split: str, most: int | None) -> WellSplit:
    """The split in blocks of frames that follow one another and leave none out, as long as memory allows."""
    from ..data import WellSplit

    reader = WellSplit(path, split, frames=1, max_trajectories=most)
    common = math.gcd(*np.unique(reader.windows[:, 0], return_counts=True)[1].tolist())
    frame = 8 * len(reader.channels) * math.prod(reader.shape)
    frames = max(n for n in range(1, common + 1) if common % n == 0 and (n == 1 or n * frame <= BATCH_BYTES))
    return WellSplit(path, split, frames=frames, stride=frames, max_trajectories=most)


def _read(file: Path, key: str) -> np.ndarray | None:
    try:
        with np.load(file, allow_pickle=False) as kept:
            return kept["values"] if str(kept["key"]) == key else None
    except (OSError, ValueError, KeyError):
        return None


def _measure(reader: WellSplit, quantities: Sequence[Quantity], grid: Grid, split: str) -> np.ndarray:
    windows = reader.windows
    values = np.full((reader.n_trajectories, int(windows[:, 1].max()) + reader.frames, len(quantities)), np.nan)
    size = max(1, BATCH_BYTES // (8 * len(reader.channels) * reader.frames * math.prod(reader.shape)))
    with Progress(len(windows), f"quantities {split}", "blocks") as progress, torch.inference_mode():
        for first in range(0, len(windows), size):
            rows = np.arange(first, min(first + size, len(windows)))
            numbers = measure(quantities, reader.clip(rows), grid).numpy()
            for (trajectory, start), own in zip(windows[rows].tolist(), numbers, strict=True):
                values[trajectory, start : start + reader.frames] = own
            progress.advance(len(rows))
    return values
