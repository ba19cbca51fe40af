"""Writing trajectories in The Well's HDF5 format, exactly as its loader and its format checker want it."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping, Sequence
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
from .space import check_space

# HDF5 keeps attributes in the object header, which is limited to 64 KiB; parameters are stored there as float64.
MAX_TRAJECTORIES_PER_FILE = 8000


def write_well(path: str | Path, trajectories: Trajectories, attributes: Mapping[str, Any] | None = None) -> None:
    """Write one file, atomically: fields float32 and contiguous, every trajectory along the first axis.

    A parameter that has the same value in all trajectories is stored as a scalar, as The Well does; otherwise with
    shape ``(N,)`` and ``sample_varying``. Both are accepted by ``the_well.data.WellDataset``.

    Args:
        path: the file; what it held before stays if anything goes wrong.
        trajectories: the data; none may have failed (see `select_trajectories`).
        attributes: further root attributes, beside those in ``trajectories.attributes``.

    Raises:
        PhysrepError: a field is not finite or has the wrong shape, a trajectory failed, or the disk is full.
    """
    path = Path(path)
    orders = _validate(path, trajectories)
    _check_space(path, trajectories)
    with atomic_path(path) as temporary:
        try:
            with h5py.File(temporary, "w") as file:
                _write_root(file, trajectories, {**trajectories.attributes, **(attributes or {})})
                _write_dimensions(file, trajectories)
                _write_boundaries(file, trajectories)
                _write_scalars(file, trajectories)
                _write_fields(file, trajectories, orders)
        except (OSError, RuntimeError) as error:
            # HDF5 buries the system's message in a long text, and reports a full disk at close as a RuntimeError.
            found = re.search(r"error message = '([^']*)'", str(error))
            raise OSError(errno.EIO, found.group(1) if found else "HDF5 could not write it") from error


def select_trajectories(trajectories: Trajectories, indices: Sequence[int]) -> Trajectories:
    """The trajectories with these indices, in this order, e.g. those that are not in ``trajectories.failed``."""
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
    if not 1 <= n <= MAX_TRAJECTORIES_PER_FILE:
        raise PhysrepError(f"{path}: {n} trajectories, but a file holds 1 to {MAX_TRAJECTORIES_PER_FILE}; split them.")
    if trajectories.failed:
        index, reason = next(iter(trajectories.failed.items()))
        raise PhysrepError(f"{path}: trajectory {index} failed ({reason}); leave it out before writing.")
    expected = (n, len(trajectories.time), *shape)
    orders = {}
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
    for name, values in trajectories.parameters.items():
        if not torch.isfinite(values).all():
            raise PhysrepError(f"{path}: parameter {name} is not finite; mend its range.")
    return orders


def _check_space(path: Path, trajectories: Trajectories) -> None:
    needed = 4 * sum(values.numel() for values in trajectories.fields.values())
    check_space(path.parent, needed, path.name, "free space or choose another folder")


def _write_root(file: h5py.File, trajectories: Trajectories, notes: Mapping[str, Any]) -> None:
    root = file.attrs
    for name, value in notes.items():
        plain = isinstance(value, str | bool | int | float)
        root[name] = value if plain else json.dumps(value, default=str)
    root["dataset_name"] = trajectories.system
    root["grid_type"] = "cartesian"
    root["n_spatial_dims"] = len(trajectories.coordinates)
    root["n_trajectories"] = len(trajectories)
    root["simulation_parameters"] = list(trajectories.parameters)
    for name, values in trajectories.parameters.items():
        root[name] = _scalar_or_samples(values, np.float64)


def _write_dimensions(file: h5py.File, trajectories: Trajectories) -> None:
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = list(trajectories.coordinates)
    _dataset(group, "time", _array(trajectories.time), sample_varying=False, time_varying=True)
    for axis, values in trajectories.coordinates.items():
        _dataset(group, axis, _array(values), sample_varying=False, time_varying=False)


def _write_boundaries(file: h5py.File, trajectories: Trajectories) -> None:
    group = file.create_group("boundary_conditions")
    for (axis, values), periodic in zip(trajectories.coordinates.items(), trajectories.periodic, strict=True):
        condition = group.create_group(f"{axis}_{'periodic' if periodic else 'wall'}")
        condition.attrs["bc_type"] = "PERIODIC" if periodic else "WALL"
        condition.attrs["associated_dims"] = [axis]
        condition.attrs["associated_fields"] = []
        condition.attrs["sample_varying"] = False
        condition.attrs["time_varying"] = False
        # The loader reads the mask at both ends only; without them it would take the axis for open.
        mask = np.zeros(len(values), dtype=bool)
        mask[[0, -1]] = True
        condition.create_dataset("mask", data=mask)


def _write_scalars(file: h5py.File, trajectories: Trajectories) -> None:
    group = file.create_group("scalars")
    group.attrs["field_names"] = list(trajectories.parameters)
    for name, values in trajectories.parameters.items():
        stored = _scalar_or_samples(values, np.float32)
        _dataset(group, name, stored, sample_varying=stored.ndim == 1, time_varying=False)


def _write_fields(file: h5py.File, trajectories: Trajectories, orders: Mapping[str, int]) -> None:
    for order in range(3):
        group = file.create_group(f"t{order}_fields")
        names = [name for name, own in orders.items() if own == order]
        group.attrs["field_names"] = names
        for name in names:
            values = trajectories.fields[name]
            _dataset(group, name, _array(values), sample_varying=True, time_varying=True)
            group[name].attrs["dim_varying"] = [True] * len(trajectories.coordinates)
            if order == 2:
                group[name].attrs["symmetric"] = torch.equal(values, values.mT)


def _dataset(group: h5py.Group, name: str, values: np.ndarray, *, sample_varying: bool, time_varying: bool) -> None:
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["sample_varying"] = sample_varying
    dataset.attrs["time_varying"] = time_varying


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().to(torch.float32).contiguous().numpy()


def _scalar_or_samples(values: Tensor, dtype: type[np.floating]) -> np.ndarray:
    array = values.detach().cpu().numpy().astype(dtype)
    return array[0, ...] if (array == array[0]).all() else array
