"""HDF5 of others: PDEBench, PDEInvBench, RealPDEBench, or any file with named arrays.

Layouts (read in their public readers; https://github.com/pdebench/PDEBench,
https://github.com/ASK-Berkeley/PDEInvBench, https://github.com/AI4Science-WestlakeU/RealPDEBench):

- Dedalus, py-pde: see `physrep.data.convert.dedalus`, `physrep.data.convert.py_pde`.
- PDEBench: ``tensor`` (N, T, X[, Y][, V]), or ``density``, ``pressure``, ``Vx``, ``Vy`` (N, T, X, Y), beside
  ``t-coordinate``, ``x-coordinate``, ``y-coordinate``; or one group per seed, ``0007/data`` (T, X, Y, V) with
  ``0007/grid/x``, ``/y``, ``/t``. Parameters are attributes.
- PDEInvBench: groups per seed as above; parameters in the file's name, ``Du=0.1_Dv=0.2_k=0.05.h5`` or ``83.0.h5``.
- RealPDEBench: ``measured_data/u``, ``/v``, ``/p`` (T, H, W) or ``trajectory`` (T, H, W): one trajectory per file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...errors import PhysrepError
from ..check_storage import never_written, refuse_elsewhere
from ..open_hdf5 import reading
from ..packing import packing
from ..units import units_of
from .arrays import RawArray, part_of_arrays
from .axes import CHANNEL, SAMPLE, TIME
from .dedalus import is_dedalus
from .py_pde import is_py_pde
from .source import LazyArray, Part, open_file


def layout(file: Any) -> str:
    """Which layout an open file has: "well", "dedalus", "py-pde", "seeds", "measured" or "arrays"."""
    if "dimensions" in file and "t0_fields" in file:
        return "well"
    if is_dedalus(file):
        return "dedalus"
    if is_py_pde(file):
        return "py-pde"
    groups = [item for item in file.values() if isinstance(item, h5py.Group)]
    if groups and all("data" in group for group in groups):
        return "seeds"
    if isinstance(file.get("measured_data"), h5py.Group) or "trajectory" in file:
        return "measured"
    return "arrays"


def read_hdf5(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """An HDF5 file in a layout of others as a part of a source."""
    with reading(path, "file"):
        file = open_file(path)
        kind = layout(file)
        if kind == "seeds":
            return _with_attributes(_seeds(path, file, axes), file)
        if kind == "measured":
            return _with_attributes(_measured(path, file, axes), file)
        return _with_attributes(part_of_arrays(path, _arrays(path, file), axes, frame=frame), file)


def _raw(path: Path, name: str, dataset: Any) -> RawArray:
    packed = packing(dataset, f"{path}: {name}")

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        return packed.unpack(_present(path, name)[index])

    kind = "f" if packed.scaled or packed.missing else dataset.dtype.kind
    empty = never_written(dataset) if dataset.ndim > 1 and dataset.dtype.kind in "iufb" else 0
    notes = [f"{name} is packed ({packed}), and is unpacked"] * packed.scaled
    notes += [f"{empty} chunks of {name} were never written; HDF5 gives {dataset.fillvalue:g} there"] * bool(empty)
    note = "; ".join(notes)
    return RawArray(tuple(dataset.shape), kind, read, units=units_of(dataset.attrs), note=note)


def _present(path: Path, name: str) -> Any:
    """A data set whose values are where it says."""
    dataset = open_file(path)[name]
    refuse_elsewhere(path, name, dataset)
    return dataset


def _arrays(path: Path, file: Any) -> dict[str, RawArray]:
    """All datasets, also those in groups, by the shortest name that tells them apart."""
    found: dict[str, Any] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    ends = [name.rsplit("/", 1)[-1] for name in found]
    return {
        name if ends.count(end) > 1 else end: _raw(path, name, found[name])
        for name, end in zip(list(found), ends, strict=True)
        if found[name].shape is not None
    }


def _measured(path: Path, file: Any, axes: Sequence[str] | None) -> Part:
    group = file["measured_data"] if isinstance(file.get("measured_data"), h5py.Group) else file
    prefix = "measured_data/" if group is not file else ""
    names = [name for name, item in group.items() if isinstance(item, h5py.Dataset) and item.ndim >= 3]
    arrays = {name: _raw(path, prefix + name, group[name]) for name in names}
    for name, item in file.items():
        if isinstance(item, h5py.Dataset) and item.ndim < 2 and name not in arrays:
            arrays[name] = _raw(path, name, item)
    # Rows of the measured pictures run along y.
    return part_of_arrays(path, arrays, axes or (TIME, "y", "x"), True)


def _seeds(path: Path, file: Any, axes: Sequence[str] | None) -> Part:
    """One group per trajectory; they must have one shape, the others are left to the converter to name."""
    groups = sorted(name for name, item in file.items() if isinstance(item, h5py.Group))
    first = file[groups[0]]
    arrays = {"data": _raw(path, f"{groups[0]}/data", first["data"])}
    if "grid" in first:
        arrays |= {f"grid/{k}": _raw(path, f"{groups[0]}/grid/{k}", first["grid"][k]) for k in first["grid"]}
    part = part_of_arrays(path, arrays, axes, True)
    one = part.arrays["data"]
    odd = [name for name in groups if file[name]["data"].shape != one.shape]
    if odd:
        raise PhysrepError(
            f"{path}: data of the groups {', '.join(odd)} have another shape than that of {groups[0]}, "
            f"{'x'.join(map(str, one.shape))}; move them to a file of their own."
        )

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        data = _present(path, f"{groups[index[0]]}/data")  # type: ignore[index]
        return packing(data, f"{path}: {groups[index[0]]}/data").unpack(data[index[1:]])  # type: ignore[index]

    array = LazyArray((SAMPLE, *one.axes), (len(groups), *one.shape), read)
    parameters = {name: np.repeat(values, len(groups)) for name, values in part.parameters.items()}
    places = tuple(f"group {name}" for name in groups)
    return replace(part, arrays={"data": array}, parameters=parameters, places=places)


def _with_attributes(part: Part, file: Any) -> Part:
    """Numbers among the attributes of the file are parameters, one value for all its trajectories."""
    for name, value in file.attrs.items():
        number = np.asarray(value)
        if number.size == 1 and number.dtype.kind in "fiu" and name not in part.parameters:
            part.parameters[name] = np.full(len(part), float(number.reshape(())))
    return part


__all__ = ["CHANNEL", "layout", "read_hdf5"]
