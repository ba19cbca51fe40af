"""Every item of The Well's format, as its loader and its format checker (the-well 1.2.0) require it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import h5py
import numpy as np

from .check_agreement import check_agreement
from .check_storage import check_storage
from .faults import Fault
from .open_hdf5 import H5_ERRORS, explain
from .remote import AnyPath

BOUNDARY_TYPES = ("WALL", "OPEN", "PERIODIC")

_DAMAGED = object()
"""Stands for an item that cannot be opened."""


def check_format(path: AnyPath, file: h5py.File) -> list[Fault]:
    """All departures of an open file from the format; attributes are named ``group/dataset@attribute``.

    `check` and every reader (`physrep.data.WellFile`) go by these rules and no others.
    """
    checker = _FormatChecker(path, file)
    checker.run()
    faults = check_storage(path, file) + checker.faults
    if not any(fault.severity == "error" for fault in faults):
        faults += check_agreement(path, file)
    return faults


class _FormatChecker:
    def __init__(self, path: AnyPath, file: h5py.File) -> None:
        self.path, self.file = path, file
        self.faults: list[Fault] = []
        self.axes: list[str] = []
        self.lengths: dict[str, int] = {}
        self.n_frames: int | None = None
        self.n_trajectories: int | None = None

    def run(self) -> None:
        self.guarded("/", self.root)
        self.guarded("dimensions", self.dimensions)
        self.guarded("boundary_conditions", self.boundaries)
        self.guarded("scalars", self.scalars)
        for order in range(3):
            self.guarded(f"t{order}_fields", partial(self.fields, order))
        self.guarded("/", self.parameters)

    def guarded(self, item: str, rule: Callable[[], None]) -> None:
        """Run a rule; what h5py raises at a damaged item that no rule expected is a fault of the whole group."""
        try:
            rule()
        except H5_ERRORS as error:
            self.fault(item, *explain(self.path, error))

    def fault(self, item: str, problem: str, remedy: str, severity: Literal["error", "warning"] = "error") -> None:
        self.faults.append(Fault(self.path, item, problem, remedy, severity))

    def attribute(self, owner: h5py.HLObject, item: str, name: str, kind: str) -> Any:
        """The attribute, or None (and a fault) if it is missing or not of this kind."""
        place = f"{item}@{name}"
        try:
            if name not in owner.attrs:
                self.fault(place, "is missing", f"add this attribute, {_KINDS[kind]}")
                return None
            value = owner.attrs[name]
        except H5_ERRORS as error:
            self.fault(place, *explain(self.path, error))
            return None
        if not _is_kind(value, kind):
            self.fault(place, f"is {_describe(value)}", f"store it as {_KINDS[kind]}")
            return None
        return value

    def item(self, group: h5py.Group, item: str, name: str) -> Any:
        try:
            return group.get(name)
        except H5_ERRORS as error:
            self.fault(item, *explain(self.path, error))
            return _DAMAGED

    def group(self, name: str) -> h5py.Group | None:
        group = self.item(self.file, name, name)
        if group is _DAMAGED:
            return None
        if not isinstance(group, h5py.Group):
            self.fault(name, "group is missing", "add the group, even if it is empty")
            return None
        return group

    def dataset(self, group: h5py.Group, item: str, name: str) -> h5py.Dataset | None:
        dataset = self.item(group, f"{item}/{name}", name)
        if dataset is _DAMAGED:
            return None
        if not isinstance(dataset, h5py.Dataset):
            self.fault(f"{item}/{name}", "dataset is missing", f"add it, or take {name} out of the list of names")
            return None
        return dataset

    def names(self, group: h5py.Group, item: str, attribute: str = "field_names") -> list[str]:
        value = self.attribute(group, item, attribute, "names")
        return [] if value is None else [str(name) for name in value]

    def root(self) -> None:
        self.attribute(self.file, "", "dataset_name", "string")
        self.attribute(self.file, "", "grid_type", "string")
        n = self.attribute(self.file, "", "n_trajectories", "integer")
        self.n_trajectories = None if n is None else int(n)
        if n is not None and n < 1:
            self.fault("@n_trajectories", f"is {n}", "a file must hold at least one trajectory")

    def dimensions(self) -> None:
        n_dims = self.attribute(self.file, "", "n_spatial_dims", "integer")
        group = self.group("dimensions")
        if group is None:
            return
        time = self.dataset(group, "dimensions", "time")
        if time is not None:
            varying = self.attribute(time, "dimensions/time", "sample_varying", "bool")
            if self.attribute(time, "dimensions/time", "time_varying", "bool") is not None:
                self.require_flag(time, "dimensions/time", "time_varying", True)
            self.coordinate("time", time, bool(varying))
            self.n_frames = time.shape[-1] if time.ndim else None
        self.axes = self.names(group, "dimensions", "spatial_dims")
        if n_dims is not None and "spatial_dims" in group.attrs and len(self.axes) != n_dims:
            problem = f"names {len(self.axes)} axes, but n_spatial_dims is {n_dims}"
            self.fault("dimensions@spatial_dims", problem, "make them agree")
        for axis in self.axes:
            values = self.dataset(group, "dimensions", axis)
            if values is not None:
                varying = self.attribute(values, f"dimensions/{axis}", "sample_varying", "bool")
                if self.attribute(values, f"dimensions/{axis}", "time_varying", "bool") is not None:
                    self.require_flag(values, f"dimensions/{axis}", "time_varying", False)
                self.coordinate(axis, values, bool(varying))
                self.lengths[axis] = values.shape[-1] if values.ndim else 0

    def require_flag(self, dataset: h5py.Dataset, item: str, name: str, wanted: bool) -> None:
        if bool(dataset.attrs[name]) != wanted:
            self.fault(f"{item}@{name}", f"is {not wanted}", f"set it to {wanted}")

    def coordinate(self, name: str, dataset: h5py.Dataset, sample_varying: bool) -> None:
        item = f"dimensions/{name}"
        expected = 2 if sample_varying else 1
        if dataset.ndim != expected or dataset.dtype.kind not in "fiu":
            self.fault(item, f"has shape {dataset.shape} and type {dataset.dtype}", f"store {expected}-D float32")
            return
        step = np.diff(np.asarray(dataset[()], dtype=np.float64), axis=-1)
        if not np.isfinite(dataset[()]).all():
            self.fault(item, "holds NaN or infinite values", "store finite values")
        elif name == "time" and (step <= 0).any():
            self.fault(item, "does not increase", "store the times of the saved frames, in order")
        elif name != "time" and not ((step > 0).all() or (step < 0).all()):
            self.fault(item, "is not monotonic", "store grid coordinates in order")

    def boundaries(self) -> None:
        group = self.group("boundary_conditions")
        for key, condition in group.items() if group is not None else ():
            item = f"boundary_conditions/{key}"
            if not isinstance(condition, h5py.Group):
                self.fault(item, "is not a group", "store each boundary condition as a group")
                continue
            kind = self.attribute(condition, item, "bc_type", "string")
            if kind is not None and kind.upper() not in BOUNDARY_TYPES:
                self.fault(f"{item}@bc_type", f"is {kind!r}", f"use one of {', '.join(BOUNDARY_TYPES)}")
            self.attribute(condition, item, "associated_fields", "names")
            varying = [
                bool(self.attribute(condition, item, name, "bool")) for name in ("sample_varying", "time_varying")
            ]
            dims = self.names(condition, item, "associated_dims")
            if not dims and "associated_dims" in condition.attrs and not self.has_fault(f"{item}@associated_dims"):
                self.fault(f"{item}@associated_dims", "is empty", "name the axes that the condition belongs to")
            for dim in dims:
                if dim not in self.axes:
                    self.fault(f"{item}@associated_dims", f"names {dim!r}, which is no spatial axis", "mend the name")
                elif dim not in str(key):
                    self.fault(item, f"its name does not contain axis {dim!r}", f"call it {dim}_{key}", "warning")
            mask = self.dataset(condition, item, "mask")
            if mask is not None:
                self.mask(item, mask, dims, sum(varying), kind)

    def mask(self, item: str, mask: h5py.Dataset, dims: list[str], leading: int, kind: str | None) -> None:
        place = f"{item}/mask"
        if mask.dtype != np.bool_:
            self.fault(place, f"has type {mask.dtype}", "store it as bool")
            return
        wanted = tuple(self.lengths.get(dim, -1) for dim in dims)
        if mask.shape[leading:] != wanted:
            self.fault(place, f"has shape {mask.shape}", f"its last axes must have lengths {wanted}, as the grid has")
        elif mask.size and not mask[()].any() and kind is not None and kind.upper() != "OPEN":
            self.fault(place, "is False everywhere, so the loader takes the axis for OPEN", "set its ends", "warning")

    def scalars(self) -> None:
        if "scalars" not in self.file:
            names = self.file.attrs.get("simulation_parameters", [])
            severity = "error" if len(np.atleast_1d(names)) else "warning"
            self.fault(
                "scalars", "group is missing", "add the group, even if empty: The Well's loader needs it", severity
            )
            return
        group = self.group("scalars")
        if group is None:
            return
        for name in self.names(group, "scalars"):
            item = f"scalars/{name}"
            dataset = self.dataset(group, "scalars", name)
            if dataset is None:
                continue
            expected = self.leading(dataset, item)
            if expected is not None and dataset.shape != expected:
                self.fault(item, f"has shape {dataset.shape}", f"it must have shape {expected}")
            elif dataset.dtype.kind not in "fiu":
                self.fault(item, f"has type {dataset.dtype}", "store it as float32")
            elif np.isinf(dataset[()]).any():
                self.fault(item, "is infinite", "store a finite value, or NaN where it is unknown")
            elif np.isnan(dataset[()]).any():
                unknown = int(np.isnan(dataset[()]).sum())
                self.fault(item, f"is NaN, which is unknown, {unknown} times", "fill it in if it is known", "warning")

    def leading(self, dataset: h5py.Dataset, item: str) -> tuple[int, ...] | None:
        """Lengths of the trajectory and time axes that the flags announce; None if a flag is at fault."""
        sample = self.attribute(dataset, item, "sample_varying", "bool")
        time = self.attribute(dataset, item, "time_varying", "bool")
        if sample is None or time is None or self.n_trajectories is None or self.n_frames is None:
            return None
        return (self.n_trajectories,) * bool(sample) + (self.n_frames,) * bool(time)

    def fields(self, order: int) -> None:
        where = f"t{order}_fields"
        group = self.group(where)
        if group is None:
            return
        for name in self.names(group, where):
            item = f"{where}/{name}"
            dataset = self.dataset(group, where, name)
            if dataset is None:
                continue
            leading = self.leading(dataset, item)
            varying = self.attribute(dataset, item, "dim_varying", "bools")
            if varying is not None and len(varying) != len(self.axes):
                self.fault(f"{item}@dim_varying", f"has {len(varying)} entries", f"give one per axis: {self.axes}")
            elif varying is not None and leading is not None and all(axis in self.lengths for axis in self.axes):
                grid = tuple(self.lengths[axis] for axis, flag in zip(self.axes, varying, strict=True) if flag)
                expected = leading + grid + (len(self.axes),) * order
                if dataset.shape != expected:
                    self.fault(item, f"has shape {dataset.shape}", f"its attributes say that it is {expected}")
            if dataset.dtype.kind == "c":
                self.fault(item, f"is complex ({dataset.dtype})", f"store {name}_re and {name}_im, two float32 fields")
            elif dataset.dtype.kind != "f":
                self.fault(item, f"has type {dataset.dtype}", "store it as float32")

    def parameters(self) -> None:
        scalars = self.file.get("scalars")
        for name in self.names(self.file, "", "simulation_parameters"):
            if name not in self.file.attrs:
                self.fault(f"@{name}", "is missing", "add this root attribute, or take it out of simulation_parameters")
            if isinstance(scalars, h5py.Group) and name not in scalars and not self.has_fault(f"scalars/{name}"):
                self.fault(f"scalars/{name}", "dataset is missing", "every simulation parameter needs one")

    def has_fault(self, item: str) -> bool:
        return any(fault.item == item for fault in self.faults)


_KINDS = {
    "string": "a string",
    "integer": "an integer",
    "bool": "a bool",
    "names": "a list of strings",
    "bools": "a list of bools",
}


def _is_kind(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "integer":
        return isinstance(value, int | np.integer)
    if kind == "bool":
        return isinstance(value, bool | np.bool_)
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        return False
    if kind == "names":
        return all(isinstance(entry, str) for entry in value)
    return value.dtype == np.bool_


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    return f"{value!r} ({type(value).__name__})"
