"""What files of one data set must agree in: names, grid, domain, boundaries and time step, with their values.

A spacing or a time step that differs between files changes what every rate and wave number means, so nothing is taken
from the first file for all. `check`, every reader, and the splits of a benchmark are compared by these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .units import other_units
from .wellfile import WellFile

TIME_TOLERANCE = 1e-4
"""Time steps may differ by this part of themselves: times are stored as float32."""

GRID_TOLERANCE = 1e-2
"""Coordinates may differ by this part of the smallest spacing."""


def data_identity(file: WellFile) -> dict[str, Any]:
    """What must agree, as plain data; `differences` compares two of them."""
    return {
        "dataset_name": file.dataset_name,
        "spatial_dims": list(file.axes),
        "resolution": list(file.shape),
        "boundary_conditions": {axis: list(kinds) for axis, kinds in file.boundaries.items()},
        "fields": sorted([name, field.order, field.time_varying] for name, field in file.fields.items()),
        "scalars": sorted(file.parameters),
        "units": file.units,
        "time step": file.dt,
        "coordinates": {axis: values.tolist() for axis, values in file.coordinates.items()},
    }


def differences(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Rows (item, own value, other value) for all that does not agree; values are ready to be read."""
    rows = []
    for item in ("dataset_name", "spatial_dims", "resolution", "boundary_conditions", "fields", "scalars"):
        if own[item] != other[item]:
            rows.append((item, str(own[item]), str(other[item])))
    # What was stored before units were has none.
    for what, mine, theirs in other_units(own.get("units", {}), other.get("units", {})):
        rows.append((f"units of {what}", repr(mine), repr(theirs)))
    # Files with a single frame have no time step, which is said elsewhere.
    steps = own["time step"], other["time step"]
    if min(steps) > 0 and abs(steps[0] - steps[1]) > TIME_TOLERANCE * min(steps):
        rows.append(("time step", f"{steps[0]:.6g}", f"{steps[1]:.6g}"))
    if own["spatial_dims"] == other["spatial_dims"] and own["resolution"] == other["resolution"]:
        for axis in own["spatial_dims"]:
            a, b = np.asarray(own["coordinates"][axis]), np.asarray(other["coordinates"][axis])
            if np.abs(a - b).max() > GRID_TOLERANCE * _spacing(a):
                rows.append((f"coordinates of {axis}", _range(a), _range(b)))
    return rows


def _spacing(values: np.ndarray) -> float:
    return float(np.abs(np.diff(values)).min()) if len(values) > 1 else max(float(np.abs(values).max()), 1e-30)


def _range(values: np.ndarray) -> str:
    if len(values) < 2:
        return f"{values[0]:.6g}"
    steps = np.diff(values)
    return f"from {values[0]:.6g} to {values[-1]:.6g} with the spacing {steps.mean():.6g}"
