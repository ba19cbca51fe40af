"""Where the frames of a split come from: a memory-mapped cache, or the HDF5 files themselves.

Both give float32 frames ``(C, T, *S)`` of a trajectory by its number in the split. From the files they come if a view
changes nothing (no resampling, no observation, no replaced value, float32) and the values of its fields lie in them as
they are, whole or in chunks, without compression (`physrep.data.layout`). A small index says where.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..files import file_fingerprint
from .layout import Layout
from .open_hdf5 import reading
from .stored_field import StoredField
from .wellfile import WellFile

OPEN_FILES = 64
"""Files that a split keeps open."""


class Frames(Protocol):
    """Frames of the trajectories of a split."""

    def get(self, trajectory: int, frames: slice) -> Tensor:
        """Frames of a trajectory, ``(C, T, *S)``; a view where they are in memory as they are."""
        ...

    def copy(self, trajectory: int, frames: slice, out: Tensor) -> None:
        """The same into ``out``, float32."""
        ...


class MappedFrames:
    """Frames of a cache, mapped into memory.

    Args:
        path: the array, ``(trajectory, C, T, *S)``, flat where trajectories differ in length.
        channels, shape: C, and S.
        lengths: T of every trajectory.
    """

    def __init__(self, path: Path, channels: int, shape: Sequence[int], lengths: Sequence[int]) -> None:
        # Mode "c" (copy on write) only because torch warns of arrays that it could not write to; nothing writes.
        flat = torch.from_numpy(np.load(path, mmap_mode="c")).view(-1)
        per_frame = channels * math.prod(shape)
        ends = np.cumsum(lengths) * per_frame
        self._all = [flat[e - per_frame * n : e].view(channels, n, *shape) for e, n in zip(ends, lengths, strict=True)]

    def get(self, trajectory: int, frames: slice) -> Tensor:
        return self._all[trajectory][:, frames]

    def copy(self, trajectory: int, frames: slice, out: Tensor) -> None:
        source = self.get(trajectory, frames)
        if source.dtype == torch.float32:
            # NumPy copies with memcpy, 1.5 times as fast as torch on one thread; it is slow at converting.
            np.copyto(out.numpy(), source.numpy())
        else:
            out.copy_(source)


@dataclass(frozen=True)
class _Part:
    """A field of a file: where its values lie, and pairs of a component and its channel in the view."""

    field: StoredField
    layout: Layout
    rows: tuple[tuple[int, int], ...]


class FileIndex:
    """Which bytes of which files hold the frames of a split, as plain data and one array of offsets.

    Args:
        channels: channels of the view, in order.
        region: its part of the grid, a slice per axis.
        grid: stored points per axis.
    """

    def __init__(self, channels: Sequence[str], region: Sequence[slice], grid: Sequence[int]) -> None:
        self._channels = tuple(channels)
        self._region = [[part.start, part.stop, n] for part, n in zip(region, grid, strict=True)]
        self._files: list[dict[str, Any]] = []
        self._offsets: list[np.ndarray] = []

    def add(self, file: WellFile) -> bool:
        """Add the trajectories of a file; False if its values cannot be read in place."""
        layouts = file.layouts(self._channels)
        if layouts is None:
            return False
        fields = []
        for name, layout in layouts.items():
            self._offsets.append(layout.offsets.ravel())
            field = file.fields[name]
            rows = [[i, self._channels.index(c)] for i, c in enumerate(field.channels) if c in self._channels]
            fields.append({**asdict(field), "rows": rows, "shape": layout.shape, "chunk": layout.chunk,
                           "dtype": layout.dtype.str, "grid": layout.offsets.shape})  # fmt: skip
        path = Path(str(file.path))
        self._files.append({**file_fingerprint(path), "trajectories": file.n_trajectories,
                            "frames": file.n_frames, "fields": fields})  # fmt: skip
        return True

    @property
    def offsets(self) -> np.ndarray:
        """First bytes of all chunks."""
        return np.concatenate(self._offsets)

    @property
    def plain(self) -> dict[str, Any]:
        """All else."""
        return {"region": self._region, "files": self._files}


class FramesInFiles:
    """Frames read from the files that hold them; see the module's docstring.

    Args:
        folder: where the files lie.
        index, offsets: as `FileIndex` gives them.
        shape: S.

    Raises:
        PhysrepError: while reading, if a file is gone, was cut short, or has changed since it was indexed.
    """

    def __init__(self, folder: Path, index: Mapping[str, Any], offsets: np.ndarray, shape: Sequence[int]) -> None:
        self._folder, self._shape = folder, tuple(shape)
        # A whole axis by its simplest name: most reads are of whole frames.
        self._region = [slice(start, stop) if (start, stop) != (0, whole) else slice(None)
                        for start, stop, whole in index["region"]]  # fmt: skip
        self._prints = [{k: entry[k] for k in ("name", "size", "mtime_ns")} for entry in index["files"]]
        self._lengths = [entry["frames"] for entry in index["files"]]
        self._places = [(n, i) for n, entry in enumerate(index["files"]) for i in range(entry["trajectories"])]
        self._parts: list[list[_Part]] = []
        begin = 0
        for entry in index["files"]:
            parts = []
            for part in entry["fields"]:
                size = math.prod(part["grid"])
                layout = Layout(
                    tuple(part["shape"]), np.dtype(part["dtype"]), tuple(part["chunk"]),
                    offsets[begin : begin + size].reshape(part["grid"]),
                )  # fmt: skip
                begin += size
                own: dict[str, Any] = {
                    k: tuple(v) if isinstance(v, list) else v for k, v in part.items() if k in _FIELD
                }
                parts.append(_Part(StoredField(**own), layout, tuple((i, row) for i, row in part["rows"])))
            self._parts.append(parts)
        self.channels = sum(len(part.rows) for part in self._parts[0])
        self._open: OrderedDict[int, _Handle] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, trajectory: int, frames: slice) -> Tensor:
        number, _ = self._places[trajectory]
        count = len(range(*frames.indices(self._lengths[number])))
        out = torch.empty(self.channels, count, *self._shape)
        self.copy(trajectory, frames, out)
        return out

    def copy(self, trajectory: int, frames: slice, out: Tensor) -> None:
        number, inside = self._places[trajectory]
        target, handle = out.numpy(), self._handle(number)
        for part in self._parts[number]:
            with reading(self._folder / self._prints[number]["name"], f"field {part.field.name}"):
                stored = part.layout.read(handle.number, part.field.index(inside, frames, self._region))
            block = part.field.spread(stored)
            for component, row in part.rows:
                target[row] = block[..., component]

    def _handle(self, number: int) -> _Handle:
        with self._lock:
            if number not in self._open:
                self._open[number] = _Handle(self._folder, self._prints[number])
                if len(self._open) > OPEN_FILES:
                    # Closed once no other thread reads from it.
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
            return self._open[number]


_FIELD = ("name", "order", "sample_varying", "time_varying", "dim_varying", "channels", "fill_values")


class _Handle:
    """An open file that is closed when nobody holds it; the one that was indexed, or an error."""

    def __init__(self, folder: Path, known: Mapping[str, Any]) -> None:
        path = folder / known["name"]
        with reading(path, "file"):
            self.number = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        status = os.fstat(self.number)
        if (status.st_size, status.st_mtime_ns) != (known["size"], known["mtime_ns"]):
            raise PhysrepError(f"{path}: has changed since its windows were indexed; run it again.")

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)
