"""The trajectories of a foreign source as one sequence, read piece by piece, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ...errors import PhysrepError
from ...systems.description import Trajectories
from ..open_hdf5 import explain
from ..single_precision import in_single
from .source import FieldSource, Part, close_files


class ForeignRecording:
    """Trajectories in foreign files; `open_any` makes one.

    Attributes:
        path: where they lie.
        name: of the data set.
        axes, shape: names of the spatial axes and numbers of grid points.
        fields: the fields, as they will be stored.
        parameters: name to float64 array with shape ``(N,)``; NaN is unknown.
        table: all columns of the parameter table as text.
        coordinates: axis to its coordinates.
        dt: time between frames.
        start: time of the first frame.
        uneven: what `physrep.data.time_steps.uneven` says of its times; empty if they are even.
        periodic: per axis, whether it is periodic.
        trimmed: periodic axes whose last point repeats the first in the source, and is left out.
        descending: axes that the source stores in descending order; they are read in ascending order.
        folders: split folder of every trajectory, or None.
        units: as the source states them, by what they are of (`physrep.data.units`).
        coarse: field to what single precision leaves of its variation, where that is little; filled as it is copied.
        bad: trajectory to why it cannot be used, as far as metadata tell.
        notes: what was guessed, defaulted or left out, one line each.
    """

    def __init__(self, path: Path, parts: Sequence[Part], name: str) -> None:
        self.path, self.name, self._parts = path, name, list(parts)
        self._places = [(part, i) for part in self._parts for i in range(len(part))]
        self.folders = [part.split for part, _ in self._places]
        self.notes = list(dict.fromkeys(note for part in self._parts for note in part.notes))
        self.bad: dict[int, str] = {}
        self.coarse: dict[str, str] = {}
        self.fields: list[FieldSource] = []
        self.parameters: dict[str, np.ndarray] = {}
        self.table: dict[str, list[str]] = {}
        self.coordinates: dict[str, np.ndarray] = {}
        self.axes: tuple[str, ...] = ()
        self.shape: tuple[int, ...] = ()
        self.periodic: tuple[bool, ...] = ()
        self.descending: frozenset[str] = frozenset()
        self.trimmed: frozenset[str] = frozenset()
        self.dt, self.start, self.uneven = 1.0, 0.0, ""
        self.units: dict[str, str] = {}

    def __enter__(self) -> ForeignRecording:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; reading opens them again."""
        close_files()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def files(self) -> list[Path]:
        """Files and stores that the trajectories lie in."""
        return list(dict.fromkeys(path for part in self._parts for path in part.files or (part.path,)))

    def place(self, index: int) -> str:
        """Where in the source a trajectory lies."""
        part, sample = self._places[index]
        return part.place(sample)

    def frames(self, index: int) -> int:
        """Frames of a trajectory."""
        return self._places[index][0].frames

    def time(self, frames: int) -> np.ndarray:
        """Times of that many frames."""
        return self.start + self.dt * np.arange(frames)

    def read(self, index: int, name: str, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Frames of a field of one trajectory, float32 with shape ``(frames, *S)``, of a vector ``(frames, *S, D)``.

        Raises:
            PhysrepError: there is no such field, the source cannot be read there, or single precision cannot hold it.
        """
        return in_single(self.exact(index, name, start, frames), f"{self.place(index)}: {name}")

    def exact(self, index: int, name: str, start: int = 0, frames: int | None = None) -> np.ndarray:
        """As `read`, in the type of the source."""
        part, sample = self._places[index]
        field = next((field for field in self.fields if field.name == name), None)
        if field is None:
            known = ", ".join(field.name for field in self.fields)
            raise PhysrepError(f"{self.path}: has no field {name!r}; it has {known}.")
        last = part.frames if frames is None else start + frames
        try:
            blocks = [
                part.arrays[array].block(sample, slice(start, last), channel, self.axes)
                for array, channel in field.pieces
            ]
        except PhysrepError:
            raise
        except (OSError, ValueError, KeyError, IndexError, EOFError) as error:
            problem, remedy = explain(part.path, error)
            raise PhysrepError(f"{part.place(sample)}: {problem}; {remedy}.") from error
        block = np.stack(blocks, -1) if len(blocks) > 1 else blocks[0]
        block = np.flip(block, tuple(1 + i for i, axis in enumerate(self.axes) if axis in self.descending))
        block = block[:, *(slice(-1 if axis in self.trimmed else None) for axis in self.axes)]
        return np.ascontiguousarray(block)

    def trajectories(self, indices: Sequence[int] | None = None) -> Trajectories:
        """These trajectories in memory; default all. They must have the same number of frames.

        Raises:
            PhysrepError: one of them is bad, or they differ in their number of frames.
        """
        indices = list(range(len(self))) if indices is None else list(indices)
        for index in indices:
            if index in self.bad:
                raise PhysrepError(f"{self.place(index)}: {self.bad[index]}; leave it out.")
        lengths = {self.frames(index) for index in indices}
        if len(lengths) != 1:
            raise PhysrepError(f"{self.path}: trajectories have {sorted(lengths)} frames; take those of one length.")
        fields = {f.name: torch.from_numpy(np.stack([self.read(i, f.name) for i in indices])) for f in self.fields}
        return Trajectories(
            self.name,
            fields,
            {name: torch.from_numpy(values[indices]) for name, values in self.parameters.items()},
            torch.from_numpy(self.time(lengths.pop())),
            {axis: torch.from_numpy(self.coordinates[axis]) for axis in self.axes},
            self.periodic,
            units=self.units,
        )
