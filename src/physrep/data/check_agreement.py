"""What a file says twice must agree, and what is addressed by name must have a name of its own.

These rules read a file whose format is in order (`physrep.data.check_format`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from .faults import Fault
from .names import canonical_parameter, channel_names, name_problem, parameter_problem
from .open_hdf5 import H5_ERRORS, explain
from .remote import AnyPath
from .structure import check_structure
from .time_steps import MEAN, VERY_UNEVEN, time_step_spread, uneven

STEP_RANGE = 1e-18, 1e18
"""Time steps and grid spacings outside are no choice of unit but damage."""

Found = Iterator[tuple[str, str, str, str]]


def check_agreement(path: AnyPath, file: h5py.File) -> list[Fault]:
    """Contradictions in an open file whose items are all there."""
    rules: list[tuple[str, Callable[[Any], Found]]] = [
        ("fields", _field_names),
        ("scalars", _parameter_names),
        ("scalars", _root_attributes),
        ("boundary_conditions", _boundaries),
        ("dimensions", _steps),
        ("structure", check_structure),
    ]
    faults: list[Fault] = []
    for item, rule in rules:
        if rule is check_structure and any(fault.severity == "error" for fault in faults):
            continue  # What is wrong by itself is said better by its own rule.
        try:
            faults += [Fault(path, *found) for found in rule(file)]  # type: ignore[arg-type]
        except H5_ERRORS as error:
            faults.append(Fault(path, item, *explain(path, error)))
    return faults


def _strings(owner: Any, attribute: str) -> list[str]:
    return [str(name) for name in owner.attrs[attribute]]


def _field_names(file: Any) -> Found:
    axes = _strings(file["dimensions"], "spatial_dims")
    if len(set(axes)) < len(axes):
        yield "dimensions@spatial_dims", f"names an axis twice: {axes}", "give every axis a name of its own", "error"
    owner: dict[str, str] = {}
    for order in range(3):
        for name in _strings(file[f"t{order}_fields"], "field_names"):
            item = f"t{order}_fields/{name}"
            problem = name_problem(name)
            if problem:
                yield item, problem, "rename the field", "error"
            for channel in channel_names(name, order, axes):
                if channel in owner:
                    problem = f"gives the channel {channel}, which {owner[channel]} gives too"
                    yield item, problem, "rename one of the two fields", "error"
                owner[channel] = item


def _parameter_names(file: Any) -> Found:
    if "scalars" not in file:  # unlabelled data
        return
    stored = _strings(file["scalars"], "field_names")
    dataset = str(file.attrs["dataset_name"])
    labels = [canonical_parameter(dataset, name, stored) for name in stored]
    for name, label in zip(stored, labels, strict=True):
        problem = parameter_problem(name) or parameter_problem(label)
        if problem:
            yield f"scalars/{name}", problem, "rename the parameter", "error"
    for label, count in Counter(labels).items():
        if count > 1:
            problem = f"names the parameter {label} {count} times"
            yield "scalars@field_names", problem, "give every parameter a name of its own", "error"


def _root_attributes(file: Any) -> Found:
    for name in _strings(file, "simulation_parameters"):
        values = np.asarray(file["scalars"][name][()], dtype=np.float64)
        attribute = file.attrs[name]
        try:
            stated = np.asarray(attribute, dtype=np.float64)
        except (TypeError, ValueError):
            yield f"@{name}", f"is {attribute!r}, no number", f"store the value of scalars/{name}", "error"
            continue
        try:
            pair = np.broadcast_arrays(stated, values) if values.ndim <= 1 else (stated, stated)
        except ValueError:
            yield (
                f"@{name}",
                f"has shape {stated.shape}, but scalars/{name} has {values.shape}",
                "make them agree",
                "error",
            )
            continue
        # Scalars are float32, attributes may be float64, or rounded as a file name is.
        wrong = ~np.isclose(pair[0], pair[1], rtol=1e-3, atol=1e-12, equal_nan=True)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            problem = f"is {pair[0].ravel()[first]:.6g}, but scalars/{name} is {pair[1].ravel()[first]:.6g}"
            where = f" for trajectory {first}" if pair[0].size > 1 else ""
            yield f"@{name}", problem + where, "find out which is right and make them agree", "error"


def _boundaries(file: Any) -> Found:
    kinds: dict[str, dict[str, str]] = {}
    for key, condition in file["boundary_conditions"].items():
        item, kind = f"boundary_conditions/{key}", str(condition.attrs["bc_type"]).upper()
        dims = [str(dim) for dim in np.atleast_1d(condition.attrs["associated_dims"])]
        mask = np.asarray(condition["mask"][()])
        leading = mask.ndim - len(dims)
        for axis in dims:
            along = np.moveaxis(mask, leading + dims.index(axis), 0)
            ends = bool(along[0].any()), bool(along[-1].any())
            if kind == "PERIODIC" and not all(ends):
                problem = f"is PERIODIC, but its mask is not True at both ends of {axis}, so it would count as open"
                yield item, problem, "set both ends of the mask, or mend bc_type", "error"
            if all(ends):
                kinds.setdefault(axis, {})[kind] = str(key)
    for axis, found in kinds.items():
        if "PERIODIC" in found and len(found) > 1 and not _of_fields(file, found):
            problem = f"both ends of {axis} are {' and '.join(sorted(found))} at once ({', '.join(found.values())})"
            yield "boundary_conditions", problem, "delete the one that is wrong", "error"


def _of_fields(file: Any, found: dict[str, str]) -> bool:
    """Whether the conditions are of single fields, of which some may be periodic and others not."""
    group = file["boundary_conditions"]
    return all(len(group[key].attrs["associated_fields"]) for key in found.values())


def _steps(file: Any) -> Found:
    dimensions, n = file["dimensions"], int(file.attrs["n_trajectories"])
    for name in ("time", *_strings(dimensions, "spatial_dims")):
        item = f"dimensions/{name}"
        values = np.asarray(dimensions[name][()], dtype=np.float64)
        if values.ndim == 2:
            if len(values) != n:
                yield item, f"has {len(values)} rows, but there are {n} trajectories", "store one row for each", "error"
                continue
            yield from _rows_differ(item, name, values)
        step = np.diff(np.atleast_2d(values), axis=-1)
        if not step.size:
            continue
        low, high = float(np.abs(step).min()), float(np.abs(step).max())
        if not STEP_RANGE[0] <= low <= high <= STEP_RANGE[1]:
            yield (
                item,
                f"has steps from {low:.3g} to {high:.3g}",
                "it is damaged; copy or simulate the file again",
                "error",
            )
        elif name == "time" and (varies := uneven(values)):
            yield (
                item,
                f"is not uniform: {varies}",
                MEAN,
                "error" if time_step_spread(values) > VERY_UNEVEN else "warning",
            )


def _rows_differ(item: str, name: str, values: np.ndarray) -> Found:
    """Trajectories of one file with other time steps or grids: readers know one of each."""
    if name == "time":
        if values.shape[1] < 2:
            return
        own = (values[:, -1] - values[:, 0]) / (values.shape[1] - 1)
        wrong = np.abs(own - own[0]) > 1e-4 * abs(own[0])
        what = [f"the time step {step:.6g}" for step in own]
    else:
        wrong = (np.abs(values - values[0]) > 1e-4 * np.ptp(values[0])).any(1)
        what = [f"{name} from {row[0]:.6g} to {row[-1]:.6g}" for row in values]
    if wrong.any():
        other = int(np.flatnonzero(wrong)[0])
        problem = f"trajectory {other} has {what[other]}, but trajectory 0 has {what[0]}"
        yield item, problem, "store them as data sets of their own, or interpolate to one", "error"
