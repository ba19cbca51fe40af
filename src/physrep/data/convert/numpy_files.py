"""NumPy: ``.npz`` with named arrays, ``.npy`` with one field. Nothing is unpickled."""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import PhysrepError
from ...leftovers import temporary_folder
from .arrays import RawArray, part_of_arrays, raw
from .source import Handles, Part


class _Unpacked:
    """The arrays of an ``.npz`` as memory maps: its members are unpacked into a temporary folder when first read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._open = contextlib.ExitStack()
        self._folder = self._open.enter_context(temporary_folder("physrep-npz"))
        self._maps: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._maps:
            target = self._folder / f"{len(self._maps)}.npy"
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(f"{name}.npy") as member,
                open(target, "wb") as out,
            ):
                shutil.copyfileobj(member, out, 1 << 20)
            self._maps[name] = np.load(target, mmap_mode="r", allow_pickle=False)
        return self._maps[name]

    def close(self) -> None:
        self._maps.clear()
        self._open.close()


_archives = Handles(_Unpacked)


def read_numpy(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """An ``.npz`` or ``.npy`` file as a part of a source."""
    try:
        if path.suffix == ".npy":
            array = raw(np.load(path, mmap_mode="r", allow_pickle=False))
            return part_of_arrays(path, {path.stem: array}, axes, frame=frame)
        return part_of_arrays(path, _members(path), axes, frame=frame)
    except PhysrepError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise PhysrepError(f"{path}: cannot be read as NumPy arrays ({error}); save plain arrays.") from error


def _members(path: Path) -> dict[str, RawArray]:
    members = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with archive.open(info) as file:
                version = np.lib.format.read_magic(file)
                reader = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = reader(file)
            members[name] = RawArray(tuple(shape), dtype.kind, lambda index, name=name: _archives(path)[name][index])
    return members
