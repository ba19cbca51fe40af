"""Arrays in memory as `Trajectories`: NumPy arrays or an xarray dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from ...systems.description import Trajectories
from ..given import as_array, as_numbers
from ..time_steps import say_uneven
from .arrays import part_of_arrays, raw
from .assemble import assemble
from .source import Part
from .xarray_files import as_dataset, part_of_dataset


def from_numpy(
    fields: np.ndarray | Mapping[str, np.ndarray],
    *,
    parameters: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    axes: Sequence[str] | None = None,
    dt: float | None = None,
    dx: Sequence[float] | None = None,
    periodic: Sequence[str] | None = None,
    name: str = "data",
    notes: list[str] | None = None,
) -> Trajectories:
    """Arrays as trajectories, ready for `write_well`.

    Args:
        fields: one array, or name to array; without ``axes`` they are taken as (sample, time, x, y) or (time, x, y),
            and with channels last or after time (see `physrep.data.convert.axes`).
        parameters: name to one value per trajectory; NaN is unknown.
        axes: meaning of the axes, e.g. ``("time", "y", "x")``.
        dt, dx, periodic, name: as in `open_any`.
        notes: a list that takes what was guessed or defaulted, one line each.

    Raises:
        PhysrepError: no field, or shapes that do not agree.
    """
    arrays = dict(fields) if isinstance(fields, Mapping) else {"field": fields}
    whole = {key: raw(as_array(values, f"{name}: {key}")) for key, values in arrays.items()}
    part = part_of_arrays(Path(name), whole, axes)
    for key, values in (parameters or {}).items():
        column = as_numbers(values, f"{name}: parameter {key}").reshape(-1)
        if len(column) != len(part):
            raise PhysrepError(f"{name}: parameter {key} has {len(column)} values for {len(part)} trajectories.")
        part.parameters[key] = column
    return _whole(part, dt, dx, periodic, name, notes)


def from_xarray(
    dataset: Any,
    *,
    axes: Sequence[str] | None = None,
    dt: float | None = None,
    dx: Sequence[float] | None = None,
    periodic: Sequence[str] | None = None,
    name: str = "data",
    notes: list[str] | None = None,
) -> Trajectories:
    """An ``xarray.Dataset`` or ``DataArray`` as trajectories: dimensions by name, numbers per sample as parameters.

    Args:
        dataset: the data.
        axes, dt, dx, periodic, name, notes: as in `from_numpy`.

    Raises:
        PhysrepError: as of `from_numpy`.
    """
    return _whole(part_of_dataset(Path(name), as_dataset(dataset), axes), dt, dx, periodic, name, notes)


def _whole(
    part: Part,
    dt: float | None,
    dx: Sequence[float] | None,
    periodic: Sequence[str] | None,
    name: str,
    notes: list[str] | None,
) -> Trajectories:
    recording = assemble(Path(name), [part], None, None, dt, dx, periodic, name)
    if notes is None:
        say_uneven(name, recording.uneven)
    else:
        notes += recording.notes
    return recording.trajectories()
