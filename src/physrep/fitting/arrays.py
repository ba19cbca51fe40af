"""Arrays in memory, with labels, as a data set on disk that a fit can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import select_trajectories, write_stats, write_well
from ..data.convert import from_numpy, from_xarray
from ..data.given import as_array, as_numbers
from ..data.single_precision import in_single
from ..data.splits import assign_labelled
from ..errors import PhysrepError
from ..readout.array_axes import SPACE, per_axis, space_of
from ..systems import Trajectories

AXES = ("sample", "time", "x", "y", "z")


def labels_of(y: Any, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Labels by name: from a frame or a series of pandas, a mapping, or an array ``(N,)`` or ``(N, P)``.

    Args:
        y: the labels.
        names: of the columns, where ``y`` does not name them; default ``y``, or ``y0``, ``y1``, ...

    Raises:
        PhysrepError: another shape, another number of names, or text.
    """
    if hasattr(y, "columns"):
        return {str(name): as_numbers(y[name], f"y: {name}") for name in y.columns}
    if isinstance(y, Mapping):
        return {str(name): as_numbers(values, f"y: {name}") for name, values in y.items()}
    own = getattr(y, "name", None)
    values = as_numbers(y, "y")
    if values.ndim not in (1, 2):
        raise PhysrepError(f"y has the shape {values.shape}; give (N,) or (N, P), one row per trajectory.")
    columns = values[:, None] if values.ndim == 1 else values
    given = list(names) if names is not None else [str(own)] if own else []
    given = given or (["y"] if columns.shape[1] == 1 else [f"y{k}" for k in range(columns.shape[1])])
    if len(given) != columns.shape[1]:
        raise PhysrepError(f"y has {columns.shape[1]} columns, but {len(given)} names: {', '.join(given)}.")
    return {name: columns[:, k] for k, name in enumerate(given)}


def trajectories_of(
    x: Any,
    labels: Mapping[str, np.ndarray],
    channels: Sequence[str] | None,
    dt: float | None,
    dx: Sequence[float] | float | None,
    periodic: bool | Sequence[bool],
) -> Trajectories:
    """Arrays ``(N, T, C, H, W)``, or with one or three axes of space, or a data set of xarray, with labels.

    Args:
        x: fields.
        labels: name to ``(N,)``.
        channels: names of the C channels of an array; default ``c0``, ``c1``, ...
        dt, dx: time between frames and spacing; default those of xarray's coordinates, else 1.
        periodic: for all axes, or per axis.

    Raises:
        PhysrepError: another shape, values that are not finite, or labels of another length.
    """
    named = hasattr(x, "data_vars") or hasattr(x, "coords")
    array = None if named else check_array(x)
    space = space_of(x) if array is None else array.ndim - 3
    spacing = None if dx is None else per_axis("dx", dx, np.float64, space)
    around = per_axis("periodic", periodic, bool, space)
    if array is None:
        found = from_xarray(x, dt=dt, dx=spacing, name="arrays")
        found.periodic = tuple(around)
        if labels:
            found.parameters = {}
            found.units = {what: text for what, text in found.units.items() if not what.startswith("parameter ")}
    else:
        names = list(channels) if channels is not None else [f"c{k}" for k in range(array.shape[2])]
        if len(names) != array.shape[2]:
            raise PhysrepError(f"X has {array.shape[2]} channels, but {len(names)} names: {', '.join(names)}.")
        found = from_numpy(
            {name: array[:, :, k] for k, name in enumerate(names)},
            axes=AXES[: 2 + space],
            dt=1.0 if dt is None else dt,
            dx=spacing or [1.0] * space,
            periodic=[axis for axis, own in zip(AXES[2 : 2 + space], around, strict=True) if own],
            name="arrays",
        )
    import torch

    for name, values in labels.items():
        if values.shape != (len(found),):
            raise PhysrepError(f"y: {name} has {len(values)} values, but X has {len(found)} trajectories.")
        if np.isinf(values).any():
            raise PhysrepError(f"y: {name} holds infinity; leave these trajectories out, or give NaN for unknown.")
        found.parameters[name] = torch.from_numpy(values.copy())
    return found


def check_array(x: Any) -> np.ndarray:
    """Fields as float32 ``(N, T, C, *S)`` with one, two or three axes of space.

    Raises:
        PhysrepError: another shape, or values that are not finite.
    """
    try:
        array = as_array(x, "X")
    except PhysrepError:
        raise
    except ValueError as error:  # a list of arrays of several shapes
        raise PhysrepError(
            "X holds trajectories of several shapes; cut them to one (N, T, C, H, W), or write files, which may differ "
            "in length."
        ) from error
    if array.ndim - 3 not in SPACE or 0 in array.shape:
        raise PhysrepError(
            f"X has the shape {array.shape}; give trajectories as (N, T, C, H, W): T frames of C channels each; with "
            "one axis of space (N, T, C, X), with three (N, T, C, D, H, W)."
        )
    if array.dtype.kind not in "fiu":
        raise PhysrepError(f"X has the type {array.dtype}; give real numbers.")
    if not np.isfinite(array).all():
        raise PhysrepError("X holds NaN or infinity; leave these trajectories out.")
    return in_single(array, "X")


def write_splits(trajectories: Trajectories, root: Path, fractions: Sequence[float], seed: int) -> Path:
    """A data set with train, valid and test, drawn at random: of labelled and of unlabelled trajectories apart.

    Args:
        trajectories: all of them.
        root: folder of the data set; what it holds already is taken as this data set.
        fractions: of train, valid and test.
        seed: of the draw.
    """
    known = ~np.isnan(np.stack([np.asarray(own) for own in trajectories.parameters.values()], axis=1))
    assigned, _ = assign_labelled(known, seed, fractions)
    for split in dict.fromkeys(assigned):
        chosen = [i for i, own in enumerate(assigned) if own == split]
        write_well(root / "data" / split / "arrays.hdf5", select_trajectories(trajectories, chosen))
    write_stats(root)
    return root
