"""The files of a split, what their metadata say, and how their fields are seen (channels, crop, grid)."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import PhysrepError
from ..streams import say_line
from .foreign import refuse_foreign
from .identity import data_identity, differences
from .missing import Missing
from .names import paper_crop
from .observation.base import Scene
from .remote import HDF5_SUFFIXES, AnyPath, RemotePath, as_path
from .resample import Method, Resampler
from .time_steps import say_uneven, time_step_spread, uneven
from .wellfile import WellFile

OTHER_SUFFIXES = (".nc", ".nc4", ".he5", ".hdf", ".npy", ".npz", ".mat")
"""Suffixes of data that nobody puts beside HDF5 files by chance."""

Crop = str | Mapping[str, Sequence[int]] | None


@dataclass(frozen=True)
class FileInfo:
    """What a split needs to know of each of its files."""

    path: AnyPath
    n_trajectories: int
    n_frames: int
    plain: bool = False
    """Whether the values of all channels of the view lie in it as they are (`physrep.data.layout`)."""


def split_files(root: str | Path | RemotePath, split: str) -> Sequence[AnyPath]:
    """HDF5 files of a split in the order of their names; "val" is accepted for "valid".

    A single file, and a folder of files without ``data``, are a training split without others.

    Args:
        root: folder of the data set, one file, or an address.
        split: ``train``, ``valid`` (or ``val``) or ``test``.

    Raises:
        PhysrepError: no such dataset or split, or a split without files.
    """
    split = "valid" if split == "val" else split
    root = as_path(root)
    loose = _loose_files(root)
    if loose:
        if split != "train":
            refuse_foreign(root)
            raise PhysrepError(f"{root}: has no split {split!r}: files without splits are all training data.")
        return loose
    if not (root / "data").is_dir():
        refuse_foreign(root)
        raise PhysrepError(f"{root}: is not a dataset folder; it must hold data/train, data/valid and data/test.")
    folder = root / "data" / split
    if not folder.is_dir():
        have = sorted(entry.name for entry in (root / "data").iterdir() if entry.is_dir())
        raise PhysrepError(f"{root}: has no split {split!r}; it has {have}.")
    files = hdf5_files(folder)
    if not files:
        raise PhysrepError(f"{folder}: holds no .hdf5 or .h5 file; simulate or download the data first.")
    if isinstance(folder, Path):
        say_left_out(folder)
    return files


def has_split(root: str | Path | RemotePath, split: str) -> bool:
    """Whether a data set has files of a split.

    Args:
        root: folder of the data set, one file, or an address.
        split: ``train``, ``valid`` (or ``val``) or ``test``.
    """
    root = as_path(root)
    if _loose_files(root):
        return split == "train"
    folder = root / "data" / ("valid" if split == "val" else split)
    return folder.is_dir() and bool(hdf5_files(folder))


def _loose_files(root: AnyPath) -> Sequence[AnyPath]:
    """Files that lie in no split: the file itself, or those of a folder without a folder ``data``."""
    if isinstance(root, RemotePath):
        return []
    if root.is_file():
        return [root]
    return hdf5_files(root) if root.is_dir() and not (root / "data").is_dir() else []


def hdf5_files(folder: str | Path | RemotePath) -> Sequence[AnyPath]:
    """The HDF5 files in a folder (.hdf5 or .h5, in any case) in the order of their names, leaving out hidden ones."""
    entries = (entry for entry in as_path(folder).iterdir() if entry.suffix.lower() in HDF5_SUFFIXES)
    return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def left_out_fields(folder: str | Path | RemotePath) -> str:
    """Half a sentence on data in a split's folder that no reader takes: files of sub-folders, and of other suffixes."""
    folder = as_path(folder)
    if not isinstance(folder, Path) or not folder.is_dir():
        return ""
    below: list[Path] = []
    for place, folders, names in os.walk(folder):  # passes over what another process deletes meanwhile
        folders[:] = [name for name in folders if not name.startswith(".")]
        below += [Path(place) / name for name in names if not name.startswith(".")]
    below.sort()
    inner = [path for path in below if path.parent != folder and path.suffix.lower() in HDF5_SUFFIXES]
    other = [path for path in below if path.suffix.lower() in OTHER_SUFFIXES]
    parts = []
    if inner:
        parts.append(f"{len(inner)} files in sub-folders ({inner[0].relative_to(folder)}, ...)")
    if other:
        parts.append(f"{len(other)} files of other formats ({other[0].relative_to(folder)}, ...)")
    return " and ".join(parts)


@functools.cache
def say_left_out(folder: Path) -> None:
    """One line, once, on data in a split's folder that are not read."""
    found = left_out_fields(folder)
    if found:
        say_line(f"{folder}: {found} are not read; move them up, or convert them.")


class FieldView:
    """How the fields of a dataset are seen: channels, crop and resampling, worked out from one file's metadata.

    Attributes:
        channels, components: names, and axis indices of each component (see `WellFile.components`).
        region: a slice per axis.
        missing: what is done with missing values, see `physrep.data.missing`.
        resampler: maps the cropped fields to the wanted grid; its `shape` and `dx` describe the result.
        periodic: per axis, whether it is periodic; a cropped axis is not.
    """

    def __init__(
        self,
        file: WellFile,
        fields: Sequence[str] | None,
        resolution: Sequence[int] | None,
        resample: Method | None,
        crop: Crop,
        missing: Missing = "refuse",
    ) -> None:
        self.missing: Missing = missing
        self.channels = file.select(fields)
        self.components = tuple(file.components[channel] for channel in self.channels)
        self.axes = file.axes
        limits = _crop_limits(file, crop)
        self.region = tuple(slice(*limits.get(axis, (0, n))) for axis, n in zip(file.axes, file.shape, strict=True))
        self.periodic = tuple(
            periodic and len(range(*part.indices(n))) == n
            for periodic, part, n in zip(file.periodic, self.region, file.shape, strict=True)
        )
        coordinates = [file.coordinates[axis][part] for axis, part in zip(file.axes, self.region, strict=True)]
        self.resampler = Resampler(coordinates, self.periodic, resolution, resample, file.path)

    def read(
        self, file: WellFile, trajectory: int, start: int, frames: int, step: int = 1, known: bool = False
    ) -> torch.Tensor:
        """Frames of one trajectory as seen through this view, float32 with shape ``(C, frames, *S)``.

        Args:
            file, trajectory, start, frames, step: as in `WellFile.read`.
            known: these very frames were read before, nothing is missing in them and their checksums match, so they are
                not looked through.
        """
        missing: Missing = "raw" if known and self.missing == "refuse" else self.missing
        block = file.read(trajectory, start, frames, step, self.channels, self.region, missing, known)
        return self.resampler(torch.from_numpy(block))


def _crop_limits(file: WellFile, crop: Crop) -> dict[str, tuple[int, int]]:
    if crop is None:
        return {}
    if isinstance(crop, str):
        if crop != "paper":
            raise PhysrepError(f"{file.path}: unknown crop {crop!r}; use 'paper' or a map from axis to [first, last].")
        return paper_crop(file.dataset_name, file.axes, file.shape, file.path)
    limits = {}
    for axis, (low, high) in crop.items():
        if axis not in file.axes:
            raise PhysrepError(f"{file.path}: crop names axis {axis!r}, but the axes are {list(file.axes)}.")
        n = file.shape[file.axes.index(axis)]
        if not 0 <= low < high <= n or int(low) != low or int(high) != high:
            raise PhysrepError(f"{file.path}: crop [{low}, {high}] of axis {axis} does not fit its {n} points.")
        limits[axis] = (int(low), int(high))
    return limits


@dataclass(frozen=True)
class Scan:
    """The metadata of a split: parameters are ``{name: (trajectories,)}`` over all its files."""

    view: FieldView
    files: list[FileInfo]
    dataset_name: str
    parameters: dict[str, np.ndarray]
    dt: float
    identity: dict[str, Any]

    @property
    def scene(self) -> Scene:
        """What trajectories are as this view shows them, before any observation."""
        view, grid = self.view, self.view.resampler
        source = str(self.files[0].path.parent) if self.files else self.dataset_name
        return Scene(
            view.channels, view.components, view.axes, grid.shape, grid.dx, grid.coordinates, view.periodic, self.dt,
            source=source,
        )  # fmt: skip

    @property
    def lengths(self) -> list[int]:
        """Frames of every trajectory of the split."""
        return [info.n_frames for info in self.files for _ in range(info.n_trajectories)]


def scan_split(
    paths: Sequence[AnyPath],
    fields: Sequence[str] | None,
    resolution: Sequence[int] | None,
    resample: Method | None,
    crop: Crop,
    missing: Missing = "refuse",
) -> Scan:
    """Read the metadata of every file of a split and make sure that they belong together.

    Raises:
        PhysrepError: a file cannot be read, lacks a field, or differs from the first one in name, grid, coordinates,
            time step, boundaries, fields or parameters; the sentence names both files and both values.
    """
    first: WellFile | None = None
    identities: dict[str, Any] = {}
    infos, columns, vary = [], [], []
    view: FieldView | None = None
    for path in paths:
        with WellFile(path, glance=True) as file:
            first = first or file
            view = view or FieldView(file, fields, resolution, resample, crop, missing)
            own, identities = data_identity(file), identities or data_identity(first)
            for item, value, other in differences(own, identities):
                raise PhysrepError(
                    f"{path}: has {item} {value}, but {first.path.name} has {other}; move one of them elsewhere."
                )
            infos.append(FileInfo(path, file.n_trajectories, file.n_frames, file.is_plain(view.channels)))
            columns.append(file.parameters)
            if varies := uneven(file.time):
                vary.append((time_step_spread(file.time), path, varies))
    if first is None or view is None:
        raise PhysrepError("a split without files cannot be read; simulate or download the data first.")
    if vary:
        _, worst, varies = max(vary, key=lambda row: row[0])
        others = f" and {len(vary) - 1} more of {len(infos)} files" if len(vary) > 1 else ""
        say_uneven(f"{worst}{others}", varies)
    return Scan(
        view=view,
        files=infos,
        dataset_name=first.dataset_name,
        parameters={name: np.concatenate([column[name] for column in columns]) for name in first.parameters},
        dt=first.dt,
        identity={"file": _short_name(first.path), **identities},
    )


def _short_name(path: AnyPath) -> str:
    """Name of a file with its data set and split: it is kept beside the data, which may be moved."""
    parts = path.parts if isinstance(path, Path) else tuple(str(path).split("/"))
    return "/".join(parts[-4:] if parts[-3:-2] == ("data",) else parts[-1:])
