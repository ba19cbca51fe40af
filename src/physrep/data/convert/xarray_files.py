"""NetCDF and Zarr through xarray: dimensions by name, coordinates, and variables without space as parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError, one_line
from ..units import units_of
from .arrays import RawArray, part_of_arrays, with_channel_names
from .axes import CHANNEL, TIME, role
from .source import Handles, Part
from .staggered import find_faces, onto_centres


def _open(path: str) -> Any:
    engine = _engine(Path(path))
    settings: dict[str, Any] = {"consolidated": _consolidated(Path(path))} if engine == "zarr" else {}
    settings |= {"engine": engine, "cache": False, "decode_timedelta": False}
    xarray = _xarray(path)
    try:
        dataset = xarray.open_dataset(path, **settings)
    except ValueError as error:
        if "decode time" not in str(error):
            raise
        dataset = None
    # Dates of a calendar that NumPy does not have, as of climate models, stay the numbers that are stored.
    if dataset is None or any(values.dtype.kind == "O" for values in dataset.coords.values()):
        return xarray.open_dataset(path, decode_times=False, **settings)
    return dataset


def _consolidated(store: Path) -> bool:
    """Whether a Zarr store holds its metadata in one place; xarray warns where it has to find out."""
    whole = store / "zarr.json"
    return (store / ".zmetadata").exists() or (whole.exists() and "consolidated_metadata" in whole.read_text())


_files = Handles(_open)


def read_xarray(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """A NetCDF file or a Zarr store as a part of a source."""
    try:
        dataset = _files(path)
    except PhysrepError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise PhysrepError(f"{path}: cannot be opened by xarray ({one_line(error)}); check the file.") from error
    return part_of_dataset(path, dataset, axes, lambda name: _files(path)[name], frame)


def part_of_dataset(
    path: Path,
    dataset: Any,
    axes: Sequence[str] | None = None,
    variable: Callable[[str], Any] | None = None,
    frame: bool = False,
) -> Part:
    """An xarray dataset as a part of a source.

    Args:
        path: for messages.
        dataset: an ``xarray.Dataset``.
        axes: names of the dimensions of the fields, in place of their own.
        variable: name to variable, at the time of reading; default those of ``dataset``.
        frame: the dataset holds one frame, without an axis of time.
    """
    get = variable or dataset.__getitem__
    arrays = {str(name): _raw(str(name), values, get) for name, values in dataset.data_vars.items()}
    coordinates, units, channels, notes, epoch = {}, {}, None, [], 0.0
    for name, values in dataset.coords.items():
        meaning = role(str(name))
        if meaning == CHANNEL:
            channels = [str(value) for value in values.values]
        elif values.ndim == 1 and values.dims == (name,) and meaning not in ("sample", "component"):
            coordinates[meaning] = _numbers(values.values, f"{path}: {name}", notes)
            # Dates and durations have become seconds.
            units[meaning] = "s" if values.dtype.kind in "Mm" else units_of(values.attrs)
            epoch = _epoch(values.values) if meaning == TIME else epoch
            if factor := _seconds(values):
                counted = factor * coordinates[meaning]
                coordinates[meaning], epoch, units[meaning] = counted - counted[0], float(counted[0]), "s"
                notes.append(f"{path}: {name} counts {values.attrs['units']}; they become seconds since the first")
        elif frame and meaning == TIME and values.ndim == 0:
            coordinates[TIME] = _numbers(values.values.reshape(1), f"{path}: {name}", notes)
            epoch = _epoch(values.values.reshape(1))
        elif meaning == "sample" and values.dims == (name,) and values.dtype.kind in "iu":
            notes.append(f"{path}: {name} numbers the trajectories, so it is not taken as a parameter")
        elif values.dtype.kind in "fiub":
            arrays[str(name)] = _raw(str(name), values, get)
    if axes is not None:
        arrays = {
            name: replace(array, names=tuple(axes)) if len(axes) == len(array.shape) else array
            for name, array in arrays.items()
        }
    points = {str(name): values.values for name, values in dataset.coords.items() if values.dims == (name,)}
    faces = find_faces(arrays, points)
    part = part_of_arrays(path, onto_centres(arrays, faces, notes), frame=frame)
    part.epoch = epoch
    part.periodic |= {role(pair.points): pair.periodic for pair in faces.values()}
    lengths = {TIME: part.frames, **part.grid}
    part.coordinates |= {axis: values for axis, values in coordinates.items() if lengths.get(axis) == len(values)}
    part.units |= {axis: text for axis, text in units.items() if text}
    part.notes += notes
    for name, value in dataset.attrs.items():
        if isinstance(value, int | float | np.number) and not isinstance(value, bool) and name not in part.parameters:
            part.parameters[str(name)] = np.full(len(part), float(value))
    return with_channel_names(part, channels) if channels else part


def _raw(name: str, values: Any, get: Callable[[str], Any]) -> RawArray:
    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        return np.asarray(get(name)[index].values)

    names = tuple(map(str, values.dims))
    return RawArray(tuple(values.shape), values.dtype.kind, read, names, units=units_of(values.attrs))


def _numbers(values: np.ndarray, place: str, notes: list[str]) -> np.ndarray:
    """Coordinates as float64; dates and durations become seconds since the first."""
    if values.dtype.kind in "Mm":
        notes.append(f"{place} holds dates; they become seconds since the first")
        return (values - values[0]).astype("timedelta64[ns]").astype(np.float64) / 1e9
    return np.asarray(values, dtype=np.float64)


def _epoch(values: np.ndarray) -> float:
    """The first of dates in seconds; times that are numbers count from their own zero."""
    return float(values[0].astype("datetime64[ns]").astype(np.int64)) / 1e9 if values.dtype.kind == "M" else 0.0


def _seconds(values: Any) -> float:
    """Seconds of the unit in which a coordinate counts time from a date; 0 where it does not, or in months."""
    word = units_of(values.attrs).lower() if " since " in str(values.attrs.get("units", "")) else ""
    known = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
    short = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0}
    return known.get(word.removesuffix("s"), short.get(word, 0.0))


def _engine(path: Path) -> str | None:
    if path.is_dir():
        return "zarr"
    with open(path, "rb") as file:
        start = file.read(4)
    # NetCDF-3 by scipy, which everybody has; NetCDF-4 is HDF5.
    return "scipy" if start[:3] == b"CDF" and start[3:4] != b"\x05" else _hdf5_engine()


def _hdf5_engine() -> str | None:
    import importlib.util

    return "h5netcdf" if importlib.util.find_spec("h5netcdf") else None


def _xarray(path: str | Path) -> Any:
    try:
        import xarray
    except ImportError as error:
        raise PhysrepError(f"{path}: needs xarray; install it: pip install 'physrep[xarray]'.") from error
    return xarray


def is_xarray(value: Any) -> bool:
    """Whether a value is an xarray dataset or data array, without importing xarray."""
    return type(value).__module__.startswith("xarray.") and hasattr(value, "dims")


def as_dataset(value: Any) -> Any:
    """A data array as a dataset of one variable."""
    return value.to_dataset(name=value.name or "field") if not hasattr(value, "data_vars") else value


__all__ = ["as_dataset", "is_xarray", "part_of_dataset", "read_xarray"]
