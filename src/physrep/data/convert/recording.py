"""The trajectories of a foreign source as one sequence, read piece by piece, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ...errors import PhysrepError
from ...systems.description import Trajectories
from ..names import name_problem, parameter_problem
from ..seam import axes_stored_twice
from ..time_steps import MEAN, UNEVEN, VERY_UNEVEN, spread, uneven
from .axes import TIME, spatial
from .open import read_parts
from .parameters import numeric_columns, read_table, stored_parameters
from .source import FieldSource, Part, available, close_files, majority, select


class Recording:
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
        bad: trajectory to why it cannot be used, as far as metadata tell.
        notes: what was guessed, defaulted or left out, one line each.
    """

    def __init__(self, path: Path, parts: Sequence[Part], name: str) -> None:
        self.path, self.name, self._parts = path, name, list(parts)
        self._places = [(part, i) for part in self._parts for i in range(len(part))]
        self.folders = [part.split for part, _ in self._places]
        self.notes = list(dict.fromkeys(note for part in self._parts for note in part.notes))
        self.bad: dict[int, str] = {}
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

    def __enter__(self) -> Recording:
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
        """Files and folders that the trajectories lie in."""
        return list(dict.fromkeys(part.path for part in self._parts))

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
            PhysrepError: there is no such field, or the source cannot be read there.
        """
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
            raise PhysrepError(f"{part.place(sample)}: cannot be read ({error}); copy the file again.") from error
        block = np.stack(blocks, -1) if len(blocks) > 1 else blocks[0]
        block = np.flip(block, tuple(1 + i for i, axis in enumerate(self.axes) if axis in self.descending))
        block = block[:, *(slice(-1 if axis in self.trimmed else None) for axis in self.axes)]
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(block, dtype=np.float32)

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
        )


def open_any(
    path: str | Path,
    *,
    fields: Sequence[str] | None = None,
    axes: Sequence[str] | None = None,
    parameters: str | Path | None = None,
    numbers: Sequence[str] | None = None,
    dt: float | None = None,
    dx: Sequence[float] | None = None,
    periodic: Sequence[str] | None = None,
    name: str | None = None,
    test_folder: str | None = None,
) -> Recording:
    """Open foreign files (see `physrep.data.convert.FORMATS`); nothing but metadata is read, and of
    periodic data one frame.

    Args:
        path: file, store, folder of files, or folder of folders of frames.
        fields: ``name``, ``new=name``, or ``velocity=u,v``; default all.
        axes: meaning of the axes of the stored fields (sample, time, channel, component, or the name of an axis).
        parameters: CSV file with a column ``file`` or ``trajectory`` and one column per parameter.
        numbers: parameters that the numbers in the files' names are, in order.
        dt: time between frames; default from the files, or 1.
        dx: grid spacing, one number or one per axis; default from the files, or 1.
        periodic: names of the periodic axes; default what the files say, or none.
        name: of the data set; default the name of the file or folder.
        test_folder: folder beside ``train`` whose files are the test split; default ``test``.

    Raises:
        PhysrepError: nothing there that can be read, or an option that does not fit.
    """
    path = Path(path)
    parts = read_parts(path, axes, numbers, test_folder)
    return assemble(path, parts, fields, parameters, dt, dx, periodic, name or _plain(path.stem))


def assemble(
    path: Path,
    parts: Sequence[Part],
    fields: Sequence[str] | None,
    parameters: str | Path | None,
    dt: float | None,
    dx: Sequence[float] | None,
    periodic: Sequence[str] | None,
    name: str,
) -> Recording:
    """A recording out of parts; those that do not fit most others are bad."""
    recording = Recording(path, parts, name)
    sound = [part for part in parts if not part.error]
    reference = _reference(sound)
    recording.fields = select(reference, fields)
    for field in recording.fields:
        if name_problem(field.name):
            remedy = f"take it as --fields NEW={field.name}"
            raise PhysrepError(f"{path}: a field {name_problem(field.name)}; {remedy}.")
    recording.axes = spatial(list(reference.grid))
    recording.shape = tuple(reference.grid[axis] for axis in recording.axes)
    _space(recording, reference, dx, periodic)
    _times(recording, reference, sound, dt)
    index = 0
    for part in parts:
        problem = part.error or _difference(part, reference, recording, dt is None, dx is None)
        recording.bad |= {index + i: problem for i in range(len(part)) if problem}
        index += len(part)
    good = [recording.frames(i) for i in range(len(recording)) if i not in recording.bad]
    _leave_seams_out(recording)
    if good and min(good) < max(good):
        recording.notes.append(f"trajectories have {min(good)} to {max(good)} frames")
    recording.parameters = stored_parameters(parts)
    if parameters is not None:
        recording.table = read_table(parameters, parts, path, recording.notes)
        values, words = numeric_columns(recording.table)
        recording.parameters |= values
        if words:
            recording.notes.append(f"columns {', '.join(words)} of {parameters} hold words and are no parameters")
    for label in [label for label in recording.parameters if parameter_problem(label)]:
        del recording.parameters[label]
        recording.notes.append(f"parameter {label} {parameter_problem(label)}, and is left out; rename it in a table")
    for label, values in recording.parameters.items():
        for index in np.flatnonzero(np.isinf(values)).tolist():
            recording.bad.setdefault(index, f"has an infinite parameter {label}")
        unknown = int(np.isnan(values).sum())
        if unknown:
            recording.notes.append(f"parameter {label} is unknown for {unknown} of {len(values)} trajectories")
    if not recording.parameters:
        recording.notes.append("no parameters: the data are unlabelled; --parameters names a table")
    return recording


def _reference(parts: Sequence[Part]) -> Part:
    kinds = [_kind(part) for part in parts for _ in range(len(part))]
    most = majority(kinds)
    return next(part for part in parts if _kind(part) == most)


def _kind(part: Part) -> tuple[object, ...]:
    return (tuple(sorted(part.grid.items())), tuple(available(part)))


def _difference(part: Part, reference: Part, recording: Recording, times: bool, space: bool) -> str:
    """Why a part does not belong with the others; empty if it does."""
    if part.grid != reference.grid:
        return f"has {_product(part.grid)} grid points, but most have {_product(reference.grid)}"
    known = available(part)
    wanted = {key for field in recording.fields for key, source in available(reference).items()
              if set(source.pieces) & set(field.pieces)}  # fmt: skip
    missing = sorted(wanted - set(known))
    if missing:
        return f"lacks field {', '.join(missing)}"
    if part.frames < 2:
        return f"has {part.frames} frame; dynamics need at least 2"
    if times and TIME in part.coordinates:
        back = np.flatnonzero(~(np.diff(part.coordinates[TIME]) > 0))
        if len(back):
            return f"has a time that does not increase, in frame {back[0] + 1}"
        step = _step(part.coordinates[TIME])
        if abs(step - recording.dt) > 1e-3 * abs(recording.dt):
            return f"has time step {step:.6g}, but most have {recording.dt:.6g}"
        if spread(part.coordinates[TIME]) > VERY_UNEVEN:
            return uneven(part.coordinates[TIME])
    for axis in recording.axes if space else ():
        own, other = part.coordinates.get(axis), reference.coordinates.get(axis)
        if own is not None and other is not None and not np.allclose(own, other, rtol=1e-4, atol=1e-6 * np.ptp(other)):
            return f"has other coordinates along {axis} than most"
    return ""


def _product(grid: dict[str, int]) -> str:
    return " x ".join(f"{n} ({axis})" for axis, n in sorted(grid.items())) or "no"


def _step(times: np.ndarray) -> float:
    return float((times[-1] - times[0]) / max(len(times) - 1, 1))


def _times(recording: Recording, reference: Part, parts: Sequence[Part], dt: float | None) -> None:
    if dt is not None:
        recording.dt = dt
    elif TIME in reference.coordinates:
        values = np.asarray(reference.coordinates[TIME], dtype=np.float64)
        recording.start, recording.dt = float(values[0]), _step(values)
        if spread(values) > VERY_UNEVEN:
            remedy = "interpolate the frames to one step, or give the step with --dt"
            raise PhysrepError(f"{reference.path}: {uneven(values)}; {remedy}.")
        # Every part has times of its own; one line for all, with the worst.
        times = [part.coordinates[TIME] for part in parts if TIME in part.coordinates]
        vary = [own for own in times if UNEVEN < spread(own) <= VERY_UNEVEN]
        if vary:
            some = f" in {len(vary)} of {len(times)} files" if len(times) > 1 else ""
            recording.uneven = f"{uneven(max(vary, key=spread))}{some}"
            recording.notes.append(f"{recording.uneven}; {MEAN}")
    else:
        recording.notes.append("no times are stored, so the time step is 1; --dt says otherwise")
    if not recording.dt > 0:
        raise PhysrepError(f"{recording.path}: the time step is {recording.dt}; give a positive one with --dt.")


def _space(recording: Recording, reference: Part, dx: Sequence[float] | None, periodic: Sequence[str] | None) -> None:
    axes = recording.axes
    if dx is not None and len(dx) not in (1, len(axes)):
        raise PhysrepError(f"--dx has {len(dx)} numbers; give one, or one per axis ({', '.join(axes)}).")
    stored = {axis: np.asarray(reference.coordinates[axis]) for axis in axes if axis in reference.coordinates}
    recording.descending = frozenset(axis for axis, points in stored.items() if points[0] > points[-1])
    if recording.descending:
        down = ", ".join(axis for axis in axes if axis in recording.descending)
        recording.notes.append(f"coordinates of {down} decrease; they and the fields are stored in ascending order")
    spacing = None if dx is None else dict(zip(axes, list(dx) * (len(axes) if len(dx) == 1 else 1), strict=True))
    missing = []
    for axis, n in zip(axes, recording.shape, strict=True):
        if spacing is not None:
            recording.coordinates[axis] = spacing[axis] * np.arange(n)
        elif axis in stored:
            points = np.array(stored[axis], dtype=np.float64)
            recording.coordinates[axis] = points[::-1].copy() if axis in recording.descending else points
        else:
            missing.append(axis)
            recording.coordinates[axis] = np.arange(n, dtype=np.float64)
    if missing:
        recording.notes.append(
            f"no coordinates of {', '.join(missing)} are stored: the spacing is 1; --dx says otherwise"
        )
    if periodic is not None:
        unknown = [axis for axis in periodic if axis not in axes]
        if unknown:
            raise PhysrepError(f"--periodic {unknown[0]}: there is no such axis; there are {', '.join(axes)}.")
        recording.periodic = tuple(axis in periodic for axis in axes)
    else:
        recording.periodic = tuple(reference.periodic.get(axis, False) for axis in axes)
        if not reference.periodic:
            recording.notes.append(
                f"axes {', '.join(axes)} are taken as walls; --periodic names those that are periodic"
            )


def _leave_seams_out(recording: Recording) -> None:
    """Drop the last point of periodic axes that holds the values of the first, as the first good trajectory says."""
    index = next((i for i in range(len(recording)) if i not in recording.bad), None)
    if index is None or not any(recording.periodic):
        return
    try:
        first = [recording.read(index, field.name, 0, 1)[0] for field in recording.fields]
    except PhysrepError:
        return  # named where the values are copied
    twice = [recording.axes[axis] for axis in axes_stored_twice(first, recording.periodic)]
    if twice:
        recording.trimmed = frozenset(twice)
        recording.shape = tuple(
            n - (axis in recording.trimmed) for axis, n in zip(recording.axes, recording.shape, strict=True)
        )
        for axis in twice:
            recording.coordinates[axis] = recording.coordinates[axis][:-1]
        recording.notes.append(
            f"the last point of the periodic {', '.join(twice)} holds the values of the first and is left out"
        )


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).strip("_") or "data"
