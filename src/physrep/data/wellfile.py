"""Reading one HDF5 file in The Well's format: metadata by name, and blocks of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from ..errors import PhysrepError
from .boundaries import boundary_types, is_periodic
from .layout import Layout, VerifiedBefore, is_stored_plain
from .missing import Missing, find, replace_by_mean
from .names import canonical_parameter, channel_names, component_axes, select_channels
from .open_hdf5 import reading
from .packing import packing
from .remote import RemotePath, as_path
from .stored_field import StoredField, fill_values
from .units import stated_units
from .valid_file import open_valid


class WellFile:
    """A file in The Well's format, open for reading; use it as a context manager.

    The metadata stay valid after `close`. An axis that a file stores in descending order is handed out in ascending
    order, coordinates and values alike: spacings are positive everywhere, so that the sign of a derivative along the
    axis would be lost otherwise.

    Args:
        path: the file, or its address (see `physrep.data.remote`).
        glance: only metadata or a few frames are wanted, so a remote file need not be fetched as a whole.

    Attributes:
        path, dataset_name: the file and the name of the dataset that it belongs to.
        attributes: notes of the file that are text or single numbers, e.g. ``solver``.
        axes: names of the spatial axes, in storage order.
        shape: grid points per axis.
        n_trajectories, n_frames: N and T.
        fields: name to `StoredField`, in the order of the ``field_names`` attributes, order 0 first.
        channels: channel names of all time-varying fields, in that order.
        components: channel name to the axis indices of the component: ``()``, ``(i,)`` or ``(i, j)``.
        parameters: scalars that are constant in time, name to float64 array with shape ``(N,)``; known aliases are
            replaced by the true name (`physrep.data.names`).
        time: saved times with shape ``(N, T)``.
        coordinates: axis name to grid coordinates, float64 with shape ``(n,)``, ascending.
        descending: per axis, whether the file stores it in descending order.
        boundaries: axis name to the types of its boundary conditions, e.g. ``("PERIODIC",)``.
        replaced: missing values that `read` has replaced so far.
        periodic: per axis, whether both its ends are periodic.
        units: that it states, by what they are of (`physrep.data.units`).

    Raises:
        PhysrepError: no such file, not HDF5, truncated, or an error of those that `physrep check` names.
    """

    def __init__(self, path: str | Path | RemotePath, glance: bool = False) -> None:
        self.path = as_path(path)
        # h5py types an item as group, dataset or datatype; which one it is, the format says, so Any.
        self._known: dict[str, VerifiedBefore] = {}
        self._file: Any = open_valid(self.path, glance)
        try:
            with reading(self.path, "file"):
                self._read_metadata(self._file)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> WellFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the metadata stay."""
        self._file.close()

    def _read_metadata(self, file: Any) -> None:
        self.replaced = 0
        self.dataset_name = str(file.attrs["dataset_name"])
        self.n_trajectories = int(file.attrs["n_trajectories"])
        self.attributes = {name: v for name, v in file.attrs.items() if isinstance(v, (str, int, float, np.generic))}
        dimensions = file["dimensions"]
        self.axes = tuple(str(axis) for axis in dimensions.attrs["spatial_dims"])
        self.coordinates = {axis: _first_sample(dimensions[axis]) for axis in self.axes}
        self.descending = tuple(bool(points[0] > points[-1]) for points in self.coordinates.values())
        for axis, reverse in zip(self.axes, self.descending, strict=True):
            if reverse:
                self.coordinates[axis] = self.coordinates[axis][::-1].copy()
        self.shape = tuple(len(self.coordinates[axis]) for axis in self.axes)
        time = np.asarray(dimensions["time"][()], dtype=np.float64)
        self.n_frames = time.shape[-1]
        self.time = np.broadcast_to(time, (self.n_trajectories, self.n_frames))
        self.fields: dict[str, StoredField] = {}
        for order in range(3):
            group = file[f"t{order}_fields"]
            for name in map(str, group.attrs["field_names"]):
                attributes = group[name].attrs
                if (packed := packing(group[name], f"{self.path}: field {name}")).scaled:
                    raise PhysrepError(
                        f"{self.path}: field {name} is packed ({packed}), which this format does not know; store its "
                        "values (stored * scale_factor + add_offset), and delete these attributes."
                    )
                self.fields[name] = StoredField(
                    name=name,
                    order=order,
                    sample_varying=bool(attributes["sample_varying"]),
                    time_varying=bool(attributes["time_varying"]),
                    dim_varying=tuple(bool(flag) for flag in attributes["dim_varying"]),
                    channels=channel_names(name, order, self.axes),
                    fill_values=fill_values(group[name]),
                )
        self.channels = tuple(c for field in self.fields.values() if field.time_varying for c in field.channels)
        self.components = {
            channel: index
            for field in self.fields.values()
            for channel, index in zip(field.channels, component_axes(field.order, len(self.axes)), strict=True)
        }
        # A file without scalars is unlabelled.
        scalars = file.get("scalars", {})
        stored = [str(name) for name in scalars.attrs["field_names"]] if scalars else []
        self.parameters: dict[str, np.ndarray] = {}
        labels: dict[str, Any] = {}
        for name in stored:
            if not scalars[name].attrs["time_varying"]:
                values = np.asarray(scalars[name][()], dtype=np.float64)
                label = canonical_parameter(self.dataset_name, name, stored)
                labels[label] = scalars[name]
                # Some writers store a scalar with shape (1,); with sample_varying it has shape (N,).
                self.parameters[label] = np.broadcast_to(values, (self.n_trajectories,)).copy()
        stored_fields = {name: file[f"t{field.order}_fields"][name] for name, field in self.fields.items()}
        self.units = stated_units(dimensions, self.axes, stored_fields, labels)
        self.periodic = tuple(is_periodic(file["boundary_conditions"], axis) for axis in self.axes)
        self.boundaries = {axis: boundary_types(file["boundary_conditions"], axis) for axis in self.axes}

    @property
    def dt(self) -> float:
        """Time between saved frames."""
        return float((self.time[0, -1] - self.time[0, 0]) / max(self.n_frames - 1, 1))

    def select(self, requested: Sequence[str] | None) -> tuple[str, ...]:
        """Channels for field or channel names; None stands for all time-varying fields."""
        if requested is None:
            return self.channels
        return select_channels({name: f.channels for name, f in self.fields.items()}, requested, self.path)

    def read(
        self,
        trajectory: int,
        start: int,
        frames: int,
        step: int = 1,
        channels: Sequence[str] | None = None,
        region: Sequence[slice] | None = None,
        missing: Missing = "refuse",
        known: bool = False,
    ) -> np.ndarray:
        """Frames ``start, start + step, ...`` of one trajectory.

        Args:
            trajectory: index in this file.
            start, frames, step: first frame, number of frames and distance between them.
            channels: channel names in the order wanted; default all time-varying ones.
            region: a slice per spatial axis, whose coordinates ascend; default everything.
            missing: what to do with values that stand for nothing, see `physrep.data.missing`.
            known: these very frames were read before, so their checksums are not verified again.

        Returns:
            float32 array with shape ``(C, frames, *S)``.

        Raises:
            PhysrepError: the frames do not exist, a channel is unknown, the data cannot be read, or values are missing.
        """
        channels = self.channels if channels is None else tuple(channels)
        last = start + (frames - 1) * step
        if not 0 <= trajectory < self.n_trajectories:
            raise PhysrepError(f"{self.path}: has {self.n_trajectories} trajectories, so there is no {trajectory}.")
        if start < 0 or frames < 1 or last >= self.n_frames:
            raise PhysrepError(
                f"{self.path}: has {self.n_frames} frames, but frames {start} to {last} are wanted; ask for fewer."
            )
        if len(set(channels)) < len(channels):
            raise PhysrepError(f"{self.path}: channels {list(channels)} name one twice; leave it out.")
        region = tuple(region) if region is not None else (slice(None),) * len(self.axes)
        shape = tuple(len(range(*part.indices(n))) for part, n in zip(region, self.shape, strict=True))
        out = np.empty((len(channels), frames, *shape), dtype=np.float32)
        row_of = {channel: row for row, channel in enumerate(channels)}
        for field in self.fields.values():
            wanted = [(row_of.pop(c), i) for i, c in enumerate(field.channels) if c in row_of]
            if wanted:
                block = self._read_field(field, trajectory, slice(start, last + 1, step), region, known)
                for row, component in wanted:
                    out[row] = block[..., component]
        if row_of:
            raise PhysrepError(f"{self.path}: has no channel {next(iter(row_of))!r}; it has {list(self.components)}.")
        if missing != "raw":
            self._settle(out, channels, trajectory, start, step, missing)
        return out

    def declared(self, channels: Sequence[str]) -> list[tuple[float, ...]]:
        """Per channel, the declared fill values other than 0."""
        fills = {c: field.fill_values for field in self.fields.values() for c in field.channels}
        return [tuple(value for value in fills[channel] if value != 0) for channel in channels]

    def _settle(
        self, block: np.ndarray, channels: Sequence[str], trajectory: int, start: int, step: int, missing: Missing
    ) -> None:
        """Refuse or replace missing values in place."""
        declared = self.declared(channels)
        if missing == "mean":
            count, empty = replace_by_mean(block, declared)
            self.replaced += count
            if empty is not None:
                channel, frame = channels[empty[0]], start + step * empty[1]
                raise PhysrepError(
                    f"{self.path}: frame {frame} of trajectory {trajectory} has no valid point of {channel}; leave "
                    "that trajectory out."
                )
            return
        found = find(block, declared)
        if found is not None:
            channel, mask, what = found
            frame = start + step * int(np.flatnonzero(mask.reshape(len(mask), -1).any(1))[0])
            raise PhysrepError(
                f"{self.path}: field {channels[channel]} of trajectory {trajectory} is {what} in frame {frame} "
                f"({int(mask.sum())} of {mask.size} values); leave that trajectory out, or set data.missing: mean."
            )

    def _read_field(
        self, field: StoredField, trajectory: int, frames: slice, region: tuple[slice, ...], known: bool
    ) -> np.ndarray:
        """A block that broadcasts to ``(T, *S, components)``."""
        stored = [
            _reversed(part, n) if reverse else part
            for part, n, reverse in zip(region, self.shape, self.descending, strict=True)
        ]
        index = field.index(trajectory, frames, stored)
        with reading(self.path, f"field {field.name}"):
            if known and field.name not in self._known:
                self._known[field.name] = VerifiedBefore(self._stored(field))
            block = self._known[field.name].read(index) if known else np.asarray(self._stored(field)[tuple(index)])
        block = field.spread(block)
        return np.flip(block, tuple(1 + axis for axis, reverse in enumerate(self.descending) if reverse))

    def _stored(self, field: StoredField) -> h5py.Dataset:
        return self._file[f"t{field.order}_fields"][field.name]

    def is_plain(self, channels: Sequence[str]) -> bool:
        """Whether the bytes of these channels lie in this local file as they are, as far as its properties say."""
        if any(self.descending):
            return False
        wanted = [field for field in self.fields.values() if set(field.channels) & set(channels)]
        return isinstance(self.path, Path) and all(is_stored_plain(self._stored(field)) for field in wanted)

    def layouts(self, channels: Sequence[str]) -> dict[str, Layout] | None:
        """Per field of these channels where its values lie in the file; None where one of them is stored otherwise."""
        found: dict[str, Layout] = {}
        if not self.is_plain(channels):
            return None
        for field in self.fields.values():
            if set(field.channels) & set(channels):
                with reading(self.path, f"field {field.name}"):
                    layout = Layout.of(self._stored(field))
                if layout is None:
                    return None
                found[field.name] = layout
        return found


def open_well(path: str | Path | RemotePath) -> WellFile:
    """Open a file in The Well's format: ``with open_well(path) as file: file.read(0, 0, 16)``."""
    return WellFile(path)


def _first_sample(dataset: Any) -> np.ndarray:
    """Coordinates along one axis; where they differ per trajectory, those of the first."""
    values = np.asarray(dataset[()], dtype=np.float64)
    return values.reshape(-1, values.shape[-1])[0]


def _reversed(part: slice, n: int) -> slice:
    """Where the points ``part`` of n, counted from the other end, are stored; in the order of storage."""
    points = range(*part.indices(n))
    return slice(n - 1 - points[-1], n - points[0], points.step) if len(points) else slice(0, 0)
