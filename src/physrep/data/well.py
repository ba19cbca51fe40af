"""Writing trajectories in The Well's HDF5 format, exactly as its loader and its format checker want it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..files import atomic_path
from ..systems.description import Trajectories
from .chunks import CHECKSUM, CHUNK, stored_bytes
from .single_precision import holds
from .sink import Sink
from .space import check_space
from .structure import write_structure
from .units import TIME
from .well_header import WellHeader, check_header

POINT, PARAMETER = 1e-4, 1e-6
"""Share of the smallest step, and of the spread of a parameter in a file, up to which single precision may round."""


class WellWriter:
    """A file under construction; `writing_well` makes one."""

    def __init__(self, file: h5py.File, header: WellHeader, sink: Sink) -> None:
        self._file, self._header, self._sink = file, header, sink

    def write(self, name: str, trajectory: int, start: int, block: np.ndarray) -> None:
        """Put frames ``start`` and following of a field, ``(frames, *S)`` and components, into the file."""
        group: Any = self._file[f"t{self._header.orders[name]}_fields"]
        group[name][trajectory, start : start + len(block)] = block
        self._sink.raise_error()

    def write_all(self, name: str, values: Tensor) -> None:
        """Put all values of a field into the file, and note of a tensor whether it is symmetric."""
        order = self._header.orders[name]
        dataset: Any = self._file[f"t{order}_fields/{name}"]
        dataset[...] = _array(values)
        self._sink.raise_error()
        if order == 2:
            dataset.attrs["symmetric"] = torch.equal(values, values.mT)


@contextlib.contextmanager
def writing_well(path: str | Path, header: WellHeader) -> Iterator[WellWriter]:
    """A file that is written block by block, and that exists under its name only when the block ends well.

    Raises:
        PhysrepError: bad header, or the disk is full.
    """
    path = Path(path)
    check_header(path, header)
    needed = sum(stored_bytes(header.shape(name), header.chunk(name)) for name in header.orders)
    check_space(path.parent, needed, path.name, "free space or choose another folder")
    with atomic_path(path) as temporary:
        _reserve(temporary, needed)
        with contextlib.closing(Sink(temporary)) as sink:
            # Room for two chunks, so that one that is written frame by frame is put together in memory.
            with h5py.File(sink, "w", rdcc_nbytes=2 * (CHUNK + CHECKSUM)) as file:
                _write_root(file, header)
                _write_dimensions(file, header)
                _write_boundaries(file, header)
                _write_scalars(file, header)
                _create_fields(file, header)
                _write_units(file, header)
                yield WellWriter(file, header, sink)
                write_structure(file)
            sink.raise_error()


def _reserve(path: Path, size: int) -> None:
    """Ask the file system for the space, so that a full disk is noticed before anything is computed."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))


def write_well(path: str | Path, trajectories: Trajectories, attributes: Mapping[str, Any] | None = None) -> None:
    """Write one file, atomically: fields float32 with checksums (`chunks`), every trajectory along the first axis.

    A parameter that has the same value in all trajectories is stored as a scalar, as The Well does; otherwise with
    shape ``(N,)`` and ``sample_varying``. Both are accepted by ``the_well.data.WellDataset``.

    Args:
        path: the file; what it held before stays if anything goes wrong.
        trajectories: the data; none may have failed (see `select_trajectories`). A parameter that is NaN is unknown.
        attributes: further root attributes, beside those in ``trajectories.attributes``.

    Raises:
        PhysrepError: a field is not finite or has the wrong shape, a trajectory failed, or the disk is full.
    """
    path = Path(path)
    orders = _validate(path, trajectories)
    header = WellHeader(
        trajectories.system,
        orders,
        trajectories.parameters,
        trajectories.time,
        trajectories.coordinates,
        trajectories.periodic,
        len(trajectories),
        {**trajectories.attributes, **(attributes or {})},
        trajectories.units,
    )
    with writing_well(path, header) as writer:
        for name, values in trajectories.fields.items():
            writer.write_all(name, values)


def select_trajectories(trajectories: Trajectories, indices: Sequence[int]) -> Trajectories:
    """The trajectories with these indices, in this order, e.g. those that are not in ``trajectories.failed``.

    Args:
        trajectories: those to choose from.
        indices: positions along the batch; one may be given twice.
    """
    index = torch.as_tensor(list(indices), dtype=torch.long)
    return replace(
        trajectories,
        fields={name: values[index] for name, values in trajectories.fields.items()},
        parameters={name: values[index] for name, values in trajectories.parameters.items()},
        failed={new: trajectories.failed[old] for new, old in enumerate(indices) if old in trajectories.failed},
    )


def _validate(path: Path, trajectories: Trajectories) -> dict[str, int]:
    """Tensor order per field, or a `PhysrepError`."""
    n, shape = len(trajectories), tuple(len(c) for c in trajectories.coordinates.values())
    if trajectories.failed:
        index, reason = next(iter(trajectories.failed.items()))
        raise PhysrepError(f"{path}: trajectory {index} failed ({reason}); leave it out before writing.")
    expected = (n, len(trajectories.time), *shape)
    orders: dict[str, int] = {}
    for name, values in trajectories.fields.items():
        order = values.ndim - len(expected)
        if order not in (0, 1, 2) or tuple(values.shape) != expected + (len(shape),) * order:
            raise PhysrepError(
                f"{path}: field {name} has shape {tuple(values.shape)}; it must be {expected}, "
                f"followed by ({len(shape)},) for a vector or ({len(shape)}, {len(shape)}) for a tensor."
            )
        finite = torch.isfinite(values.reshape(n, -1)).all(1)
        if not finite.all():
            bad = int((~finite).nonzero()[0])
            raise PhysrepError(f"{path}: field {name} of trajectory {bad} is not finite; leave that trajectory out.")
        orders[name] = order
    return orders


def _write_root(file: h5py.File, header: WellHeader) -> None:
    root = file.attrs
    for name, value in header.attributes.items():
        plain = isinstance(value, str | bool | int | float)
        root[name] = value if plain else json.dumps(value, default=str)
    root["dataset_name"] = header.system
    root["grid_type"] = "cartesian"
    root["n_spatial_dims"] = len(header.coordinates)
    root["n_trajectories"] = header.n_trajectories
    root["simulation_parameters"] = list(header.parameters)
    for name, values in header.parameters.items():
        root[name] = _scalar_or_samples(values, np.float64)


def _write_dimensions(file: h5py.File, header: WellHeader) -> None:
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = list(header.coordinates)
    _dataset(group, "time", _points(header.time), sample_varying=False, time_varying=True)
    for axis, values in header.coordinates.items():
        _dataset(group, axis, _points(values), sample_varying=False, time_varying=False)


def _write_boundaries(file: h5py.File, header: WellHeader) -> None:
    group = file.create_group("boundary_conditions")
    for (axis, values), periodic in zip(header.coordinates.items(), header.periodic, strict=True):
        condition = group.create_group(f"{axis}_{'periodic' if periodic else 'wall'}")
        condition.attrs["bc_type"] = "PERIODIC" if periodic else "WALL"
        condition.attrs["associated_dims"] = [axis]
        condition.attrs["associated_fields"] = []
        condition.attrs["sample_varying"] = False
        condition.attrs["time_varying"] = False
        # The loader reads the mask at both ends only; without them it would take the axis for open.
        mask = np.zeros(len(values), dtype=bool)
        mask[[0, -1]] = True
        condition.create_dataset("mask", data=mask, fletcher32=True)


def _write_scalars(file: h5py.File, header: WellHeader) -> None:
    group = file.create_group("scalars")
    group.attrs["field_names"] = list(header.parameters)
    for name, values in header.parameters.items():
        own = values.detach().cpu().numpy()
        spread = np.ptp(known) if (known := own[np.isfinite(own)]).size else 0.0
        exact = holds(own, float(spread or np.abs(known).max(initial=0.0)), PARAMETER)
        stored = _scalar_or_samples(values, np.float32 if exact else np.float64)
        _dataset(group, name, stored, sample_varying=stored.ndim == 1, time_varying=False)


def _create_fields(file: h5py.File, header: WellHeader) -> None:
    for order in range(3):
        group = file.create_group(f"t{order}_fields")
        names = [name for name, own in header.orders.items() if own == order]
        group.attrs["field_names"] = names
        for name in names:
            # A damaged index may lose a chunk although it lists it: then HDF5 gives this value, which is noticed.
            dataset = group.create_dataset(
                name, header.shape(name), np.float32, chunks=header.chunk(name), fletcher32=True, fillvalue=np.nan
            )
            dataset.attrs["sample_varying"] = dataset.attrs["time_varying"] = True
            dataset.attrs["dim_varying"] = [True] * len(header.coordinates)


def _write_units(file: h5py.File, header: WellHeader) -> None:
    places = {TIME: f"dimensions/{TIME}", **{f"axis {axis}": f"dimensions/{axis}" for axis in header.coordinates}}
    places |= {f"field {name}": f"t{order}_fields/{name}" for name, order in header.orders.items()}
    places |= {f"parameter {name}": f"scalars/{name}" for name in header.parameters}
    for what, place in places.items():
        if header.units.get(what):
            file[place].attrs["units"] = header.units[what]


def _dataset(group: h5py.Group, name: str, values: np.ndarray, *, sample_varying: bool, time_varying: bool) -> None:
    # HDF5 has checksums for chunks only, and chunks of arrays only; single numbers stand in the attributes too.
    dataset = group.create_dataset(name, data=values, fletcher32=True if values.ndim else None)
    dataset.attrs["sample_varying"] = sample_varying
    dataset.attrs["time_varying"] = time_varying


def _points(values: Tensor) -> np.ndarray:
    """Times or coordinates, in double precision where single precision would move them (seconds since 1970)."""
    points = values.detach().cpu().numpy()
    step = float(np.abs(np.diff(points.astype(np.float64))).min(initial=np.inf))
    return points.astype(np.float32 if len(points) < 2 or holds(points, step, POINT) else np.float64)


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().to(torch.float32).contiguous().numpy()


def _scalar_or_samples(values: Tensor, dtype: type[np.floating]) -> np.ndarray:
    array = values.detach().cpu().numpy().astype(dtype)
    same = (array == array[0]).all() or np.isnan(array).all()
    return array[0, ...] if same else array
