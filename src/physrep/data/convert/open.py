"""From a path to the parts of a source: which format it is, and which files belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from ..open_hdf5 import reading
from .dedalus import fields_of_runs, handler_of, is_dedalus, read_dedalus
from .hdf5 import layout, read_hdf5
from .images import IMAGES, VIDEOS, read_images, read_video
from .matlab import read_matlab
from .numpy_files import read_numpy
from .py_pde import read_py_pde
from .series import by_field, go_on, join_parts
from .source import Part, open_file
from .vtk_files import read_vtk_series
from .well_files import read_well
from .xarray_files import read_xarray


@dataclass(frozen=True)
class Format:
    """A kind of files.

    Attributes:
        label: for messages.
        suffixes: of its files.
        read: file, axes and whether it holds one trajectory, to a part; or folder and its frames, for a ``series``.
        series: a folder of such files is one trajectory, each file one frame.
    """

    label: str
    suffixes: tuple[str, ...]
    read: Callable[..., Part]
    series: bool = False


def _hdf5(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """HDF5: by what is inside, since all of them share suffixes."""
    with reading(path, "file"):
        kind = layout(open_file(path))
    if kind == "dedalus":
        return read_dedalus(path, [path])
    if kind == "py-pde":
        return read_py_pde(path)
    return read_well(path) if kind == "well" else read_hdf5(path, axes, frame)


FORMATS: dict[str, Format] = {
    "netcdf": Format("NetCDF", (".nc", ".nc4", ".cdf", ".netcdf"), read_xarray),
    "zarr": Format("Zarr", (".zarr",), read_xarray),
    "numpy": Format("NumPy", (".npz", ".npy"), read_numpy),
    "hdf5": Format(
        "HDF5 (Dedalus, py-pde, PDEBench, PDEInvBench, RealPDEBench, The Well, others)", (".h5", ".hdf5", ".hdf"), _hdf5
    ),
    "matlab": Format("MATLAB", (".mat",), read_matlab),
    "vtk": Format("VTK image series", (".vti", ".vtk"), read_vtk_series, series=True),
    "images": Format("image folder", IMAGES, read_images, series=True),
    "video": Format("video", VIDEOS, read_video),
}
"""Name to format; the order decides where a folder holds several kinds."""

SPLIT_FOLDERS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}
"""Name of a folder to the split that it holds."""


def format_of(path: Path) -> str | None:
    """Name of the format of a file or store, by its suffix or its first bytes; None if it is none of `FORMATS`."""
    if path.is_dir():
        marks = ("zarr.json", ".zgroup", ".zattrs")
        return "zarr" if path.suffix == ".zarr" or any((path / mark).exists() for mark in marks) else None
    suffix = path.suffix.lower()
    return next((name for name, kind in FORMATS.items() if suffix in kind.suffixes), None) or _by_content(path)


def _by_content(path: Path) -> str | None:
    """Formats that need no suffix: solvers give HDF5 and NetCDF files many (``.athdf``, ``_plt_cnt_0001``)."""
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        if start[:3] == b"CDF" and start[3:4] in (b"\x01", b"\x02", b"\x05"):
            return "netcdf"
        if start != b"\x89HDF\r\n\x1a\n":
            return None
        return "netcdf" if "_NCProperties" in open_file(path).attrs else "hdf5"
    except OSError:
        return None


def natural(path: Path) -> list[int | str]:
    """Key that sorts ``frame_9`` before ``frame_10``."""
    return [int(word) if word.isdigit() else word.lower() for word in re.split(r"(\d+)", path.name)]


def read_parts(
    path: str | Path,
    axes: Sequence[str] | None = None,
    numbers: Sequence[str] | None = None,
    test_folder: str | None = None,
    files_are: str | None = None,
) -> list[Part]:
    """All parts of a source.

    Args:
        path: a file, a store, a folder of files, a folder of folders with frames, or one with folders ``train``,
            ``valid`` (``val``, ``validation``) and ``test``.
        axes: meaning of the axes of the fields, in the order of the file.
        numbers: parameters that the numbers in the files' names are, in order; ``name=value`` is read without it.
        test_folder: name of the folder whose files are the test split, instead of ``test``.
        files_are: what the files of a folder are: ``trajectories``, or ``frames`` (parts of one trajectory in the order
            of their names); default ``frames`` where they hold no axis of time, or go on from one to the next in time.

    Raises:
        PhysrepError: nothing there that can be read; the sentence says what was found.
    """
    path = Path(path)
    if not path.exists():
        raise PhysrepError(f"{path}: no such file or folder; check the path.")
    if files_are not in (None, "trajectories", "frames"):
        raise PhysrepError(f"files_are is {files_are!r}; it must be trajectories or frames.")
    if files_are is not None and format_of(path) is not None:
        raise PhysrepError(f"{path}: is one file or store, so that --files-are has no effect; leave it out.")
    folders = dict(SPLIT_FOLDERS)
    if test_folder is not None:
        folders = {name: split for name, split in folders.items() if split != "test"} | {test_folder.lower(): "test"}
    parts = [_with_name(part, path, numbers) for part in _parts(path, axes, folders, files_are)]
    if test_folder is not None and all(part.split != "test" for part in parts):
        raise PhysrepError(f"{path}: holds no files in a folder {test_folder} beside train; mend --test-folder.")
    if parts and all(part.error for part in parts):
        raise PhysrepError(f"{parts[0].path}: {parts[0].error}")
    if not parts:
        suffixes = ", ".join(suffix for kind in FORMATS.values() for suffix in kind.suffixes)
        raise PhysrepError(f"{path}: holds nothing that can be converted; files may end in {suffixes}.")
    return parts


def _parts(path: Path, axes: Sequence[str] | None, folders: Mapping[str, str], files_are: str | None) -> Iterator[Part]:
    kind = format_of(path)
    if kind is not None:
        if FORMATS[kind].series:
            yield FORMATS[kind].read(path.parent, [path])
        else:
            yield FORMATS[kind].read(path, axes)
    elif path.is_dir():
        yield from _folder(path, axes, folders, files_are)


def _folder(
    path: Path, axes: Sequence[str] | None, folders: Mapping[str, str], files_are: str | None
) -> Iterator[Part]:
    entries = sorted((e for e in path.iterdir() if not e.name.startswith(".")), key=natural)
    if (path / "data").is_dir() and not any(format_of(entry) for entry in entries):
        path, entries = path / "data", sorted((path / "data").iterdir(), key=natural)
    splits = [entry for entry in entries if entry.is_dir() and entry.name.lower() in folders]
    if splits:
        others = [e.name for e in entries if e.is_dir() and e not in splits and format_of(e) is None]
        for entry in splits:
            for part in _folder(entry, axes, folders, files_are):
                left = [f"folders {', '.join(others)} are left out; --test-folder takes one of them as test"]
                yield replace(part, split=folders[entry.name.lower()], notes=part.notes + left * bool(others))
        return
    kinds = {entry: format_of(entry) for entry in entries}
    present = [name for name in FORMATS if name in kinds.values()]
    if present:
        kind = FORMATS[present[0]]
        files = [entry for entry, own in kinds.items() if own == present[0]]
        if kind.series:
            _one_trajectory(path, kind.label, files_are)
            yield replace(_attempt(kind, path, files), files=tuple(files))
            return
        sets = _dedalus_sets(path, files)
        if sets:
            _one_trajectory(path, "Dedalus", files_are)
            yield from _runs(path, sets)
            return
        yield from _together(path, kind, files, axes, files_are)
        return
    inside = [entry for entry in entries if entry.is_dir()]
    found = {entry: _dedalus_sets(entry, _hdf5_files(entry)) for entry in inside}
    handlers = {place: sets for own in found.values() for place, sets in own.items()}
    if handlers:
        _one_trajectory(path, "Dedalus", files_are)
        yield from _runs(path, handlers)
    for entry in inside:
        if not found[entry]:
            yield from _folder(entry, axes, folders, files_are)


def _one_trajectory(path: Path, what: str, files_are: str | None) -> None:
    """Refuse a choice that would have no effect."""
    if files_are == "trajectories":
        raise PhysrepError(f"{path}: {what}: these files are one trajectory together; leave --files-are out.")


def _together(
    folder: Path, kind: Format, files: Sequence[Path], axes: Sequence[str] | None, files_are: str | None
) -> Iterator[Part]:
    """The files of a folder as trajectories of their own, or as parts of one."""
    parts = [_attempt(kind, files[0], axes)]
    if len(files) > 1 and files_are != "trajectories":
        frame = _attempt(kind, files[0], axes, True) if parts[0].error else parts[0]
        if frame is not parts[0] and not frame.error:
            parts = [frame, *(_attempt(kind, file, axes, True) for file in files[1:])]
            yield _as_one(folder, parts, "files of a folder hold a frame each and are one trajectory")
            return
    parts += [_attempt(kind, file, axes) for file in files[1:]]
    single = len(parts) > 1 and all(len(part) == part.frames == 1 for part in parts)
    if files_are == "frames" or (files_are is None and (single or go_on(parts))):
        how = "hold a frame each" if single else "go on in time" if files_are is None else "are parts"
        yield _as_one(folder, parts, f"files of a folder {how} and are one trajectory")
        return
    yield from parts


def _as_one(folder: Path, parts: Sequence[Part], why: str) -> Part:
    try:
        part = join_parts(folder, by_field(parts))
    except PhysrepError as error:
        return Part(folder, {}, error=str(error), files=tuple(part.path for part in parts))
    part.notes.append(f"{why}, in the order of their names; --files-are trajectories says otherwise")
    return part


def _hdf5_files(folder: Path) -> list[Path]:
    return sorted((entry for entry in folder.iterdir() if format_of(entry) == "hdf5"), key=natural)


def _dedalus_sets(folder: Path, files: Sequence[Path]) -> dict[Path, list[Path]]:
    """The sets of Dedalus in a folder by the place of their run: the folder, if the handler has its name, or a name."""
    if not files or format_of(files[0]) != "hdf5":
        return {}
    try:
        if not is_dedalus(open_file(files[0])):
            return {}
    except OSError:
        return {}  # named where it is read
    names = dict.fromkeys(handler_of(file) for file in files)
    return {
        folder if name == folder.name else folder / name: [file for file in files if handler_of(file) == name]
        for name in names
    }


def _runs(folder: Path, sets: Mapping[Path, list[Path]]) -> Iterator[Part]:
    """One trajectory per run of Dedalus."""
    taken, note = fields_of_runs(folder, sets)
    for place in taken:
        try:
            part = read_dedalus(place, sets[place])
        except PhysrepError as error:
            part = Part(place, {}, error=str(error).removeprefix(f"{place}: "), files=tuple(sets[place]))
        part.notes += [note] * bool(note)
        yield part


def _attempt(kind: Format, path: Path, *rest: Any) -> Part:
    """A part of a folder; what cannot be read is named with all other bad trajectories, not at once."""
    try:
        return kind.read(path, *rest)
    except PhysrepError as error:
        return Part(path, {}, error=str(error).removeprefix(f"{path}: "))


def _with_name(part: Part, root: Path, numbers: Sequence[str] | None) -> Part:
    """Parameters in the name of a file or a folder above: ``Du=0.1_k=0.05.h5``, or numbers that ``numbers`` names."""
    stem = part.path.stem if part.path.is_file() else part.path.name
    above = part.path.relative_to(root).parts[:-1] if part.path.is_relative_to(root) else ()
    found = {name: float(value) for text in (*above, stem) for name, value in _PAIR.findall(text)}
    if numbers:
        # Of a run that is a folder of folders, the name of the innermost one that holds as many numbers.
        texts = [_NUMBER.findall(text) for text in (stem, *reversed(above))]
        values = next((own for own in texts if len(own) >= len(numbers)), texts[0])
        if len(values) < len(numbers):
            raise PhysrepError(
                f"{part.path}: its name holds {len(values)} numbers, but --numbers names {', '.join(numbers)}."
            )
        found = dict(zip(numbers, map(float, values), strict=False))
    part.parameters |= {name: np.full(len(part), value) for name, value in found.items() if name not in part.parameters}
    return part


_FLOAT = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PAIR = re.compile(rf"([A-Za-z][A-Za-z0-9]*)=({_FLOAT})")
_NUMBER = re.compile(rf"(?<![A-Za-z0-9.]){_FLOAT}")
