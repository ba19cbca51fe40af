"""Foreign files as one recording: what they share, what they lack, and which of them do not fit the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import PhysrepError
from ..names import name_problem, parameter_problem
from ..seam import axes_stored_twice
from ..time_steps import MEAN, UNEVEN, VERY_UNEVEN, time_step_spread, uneven
from .arrays import clean_coordinates, disagreement
from .axes import TIME, spatial
from .open import read_parts
from .parameters import numeric_columns, read_table, stored_parameters
from .recording import ForeignRecording
from .source import Part, majority, offered_fields, select


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
    files_are: str | None = None,
) -> ForeignRecording:
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
        files_are: whether the files of a folder are ``trajectories``, or ``frames``, which together are one; default
            what their times say.

    Raises:
        PhysrepError: nothing there that can be read, or an option that does not fit.
    """
    path = Path(path)
    parts = read_parts(path, axes, numbers, test_folder, files_are)
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
) -> ForeignRecording:
    """A recording out of parts; those that do not fit most others are bad."""
    recording = ForeignRecording(path, parts, name)
    sound = [part for part in parts if not part.error]
    reference = _reference(sound)
    recording.fields = select(reference, fields)
    for field in recording.fields:
        if name_problem(field.name):
            remedy = f"take it as --fields NEW={field.name}"
            raise PhysrepError(f"{path}: a field {name_problem(field.name)}; {remedy}.")
    taken = [name for name in reference.arrays if any(name == key for f in recording.fields for key, _ in f.pieces)]
    for part in sound:
        part.arrays = {name: part.arrays[name] for name in taken if name in part.arrays} or part.arrays
        clean_coordinates(part)
    if disagreement(reference):
        raise PhysrepError(f"{reference.path}: {disagreement(reference)}.")
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
    recording.units = _units(recording, reference, dt is None, dx is None)
    if parameters is not None:
        recording.table = read_table(parameters, parts, path, recording.notes)
        values, words = numeric_columns(recording.table)
        recording.parameters |= values
        for label in values:
            recording.units.pop(f"parameter {label}", None)
        if plain := [label for label, what in words.items() if what == "words"]:
            recording.notes.append(f"columns {', '.join(plain)} of {parameters} hold words and are no parameters")
        recording.notes += [
            f"column {label} of {parameters} holds {what}, so it is no parameter; leave a cell empty that is unknown"
            for label, what in words.items()
            if label not in plain
        ]
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
    return (tuple(sorted(part.grid.items())), tuple(offered_fields(part)))


def _difference(part: Part, reference: Part, recording: ForeignRecording, times: bool, space: bool) -> str:
    """Why a part does not belong with the others; empty if it does."""
    if disagreement(part):
        return disagreement(part)
    if part.grid != reference.grid:
        return f"has {_product(part.grid)} grid points, but most have {_product(reference.grid)}"
    known = offered_fields(part)
    wanted = {key for field in recording.fields for key, source in offered_fields(reference).items()
              if set(source.pieces) & set(field.pieces)}  # fmt: skip
    missing = sorted(wanted - set(known))
    if missing:
        return f"lacks field {', '.join(missing)}"
    if part.frames < 2:
        return f"has {part.frames} frame; dynamics need at least 2"
    given = {*(() if times else (TIME,)), *(() if space else recording.axes)}
    for name in sorted((part.units.keys() & reference.units.keys()) - given):
        if part.units[name] != reference.units[name]:
            return f"has {name} in {part.units[name]!r}, but {reference.path.name} has it in {reference.units[name]!r}"
    if times and TIME in part.coordinates:
        back = np.flatnonzero(~(np.diff(part.coordinates[TIME]) > 0))
        if len(back):
            return f"has a time that does not increase, in frame {back[0] + 1}"
        step = _step(part.coordinates[TIME])
        if abs(step - recording.dt) > 1e-3 * abs(recording.dt):
            return f"has time step {step:.6g}, but most have {recording.dt:.6g}"
        if time_step_spread(part.coordinates[TIME]) > VERY_UNEVEN:
            return uneven(part.coordinates[TIME])
    for axis in recording.axes if space else ():
        own, other = part.coordinates.get(axis), reference.coordinates.get(axis)
        if own is not None and other is not None and not np.allclose(own, other, rtol=1e-4, atol=1e-6 * np.ptp(other)):
            return f"has other coordinates along {axis} than most"
    return ""


def _units(recording: ForeignRecording, reference: Part, times: bool, space: bool) -> dict[str, str]:
    """Units of what is taken, as the reference states them; a step or spacing that is given is in the giver's units.

    Raises:
        PhysrepError: a vector is joined of components in different units.
    """
    stated = reference.units
    found = {name: text for name, text in stated.items() if name == TIME} if times else {}
    found |= {f"axis {axis}": stated[axis] for axis in recording.axes if axis in stated and space}
    for field in recording.fields:
        said = [stated.get(array, "") for array, _ in field.pieces]
        if len({*said}) > 1 and "" not in said:
            joined = " and ".join(f"{array} in {text!r}" for (array, _), text in zip(field.pieces, said, strict=True))
            raise PhysrepError(f"{reference.path}: {field.name} would join {joined}; store them in one unit.")
        if len({*said}) == 1:
            found[f"field {field.name}"] = said[0]
    short = {name.rsplit("/", 1)[-1]: text for name, text in stated.items()}
    found |= {f"parameter {name}": short[name] for name in recording.parameters if name in short}
    return {what: text for what, text in found.items() if text}


def _product(grid: dict[str, int]) -> str:
    return " x ".join(f"{n} ({axis})" for axis, n in sorted(grid.items())) or "no"


def _step(times: np.ndarray) -> float:
    return float((times[-1] - times[0]) / max(len(times) - 1, 1))


def _times(recording: ForeignRecording, reference: Part, parts: Sequence[Part], dt: float | None) -> None:
    if dt is not None:
        recording.dt = dt
    elif TIME in reference.coordinates:
        values = np.asarray(reference.coordinates[TIME], dtype=np.float64)
        recording.start, recording.dt = float(values[0]), _step(values)
        if time_step_spread(values) > VERY_UNEVEN:
            remedy = "interpolate the frames to one step, or give the step with --dt"
            raise PhysrepError(f"{reference.path}: {uneven(values)}; {remedy}.")
        # Every part has times of its own; one line for all, with the worst.
        times = [part.coordinates[TIME] for part in parts if TIME in part.coordinates]
        vary = [own for own in times if UNEVEN < time_step_spread(own) <= VERY_UNEVEN]
        if vary:
            some = f" in {len(vary)} of {len(times)} files" if len(times) > 1 else ""
            recording.uneven = f"{uneven(max(vary, key=time_step_spread))}{some}"
            recording.notes.append(f"{recording.uneven}; {MEAN}")
    else:
        recording.notes.append("no times are stored, so the time step is 1; --dt says otherwise")
    if not recording.dt > 0:
        raise PhysrepError(f"{recording.path}: the time step is {recording.dt}; give a positive one with --dt.")


def _space(
    recording: ForeignRecording, reference: Part, dx: Sequence[float] | None, periodic: Sequence[str] | None
) -> None:
    axes = recording.axes
    if dx is not None and len(dx) not in (1, len(axes)):
        raise PhysrepError(f"--dx has {len(dx)} numbers; give one, or one per axis ({', '.join(axes)}).")
    stored = {axis: np.asarray(reference.coordinates[axis]) for axis in axes if axis in reference.coordinates}
    for axis, points in stored.items() if dx is None else ():
        steps = np.diff(points.astype(np.float64))
        if not ((steps > 0).all() or (steps < 0).all()):
            at = int(np.flatnonzero(~(steps * np.sign(np.median(steps)) > 0))[0])
            raise PhysrepError(
                f"{reference.path}: coordinates of {axis} go from {points[at]:.6g} to {points[at + 1]:.6g} and do not "
                "all rise or fall; unroll what wraps (a longitude) and sort it, or give the spacing with --dx."
            )
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
        unknown = [axis for axis in axes if axis not in reference.periodic]
        if unknown:
            recording.notes.append(
                f"axes {', '.join(unknown)} are taken as walls; --periodic names those that are periodic"
            )


def _leave_seams_out(recording: ForeignRecording) -> None:
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
