"""Is this a file of another format, and what is in it? Asked by `physrep check`, in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import PhysrepError
from ..check_storage import GROUPS
from .assemble import open_any
from .hdf5 import layout
from .open import FORMATS, format_of
from .source import close_files, open_file


def describe_foreign(path: Path) -> str | None:
    """What a file or folder holds, if that is a format of others that can be converted; None otherwise."""
    try:
        return _describe(path)
    finally:
        close_files()


def _describe(path: Path) -> str | None:
    example = _example(path)
    kind = None if example is None else format_of(example)
    if example is None or kind is None or (kind == "hdf5" and not _foreign_hdf5(example)):
        return None
    label = FORMATS[kind].label if kind != "hdf5" else "HDF5 of another layout"
    try:
        found = open_any(path)
    except PhysrepError as error:
        reason = str(error).removeprefix(f"{path}: ").removesuffix(".")
        return f"{label} ({reason})"
    fields = ", ".join(field.name for field in found.fields)
    grid = " x ".join(map(str, found.shape))
    return f"{label} ({len(found)} trajectories of {fields} on {grid} points)"


def _example(path: Path) -> Path | None:
    """The first file or store that decides what kind a folder holds."""
    if path.is_file() or format_of(path) is not None:
        return path
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in entries if format_of(entry) is not None]
    if files:
        return files[0]
    for entry in entries:
        if entry.is_dir() and entry.name != "cache":
            found = _example(entry)
            if found is not None:
                return found
    return None


def _foreign_hdf5(path: Path) -> bool:
    """Whether an HDF5 file has nothing of The Well's layout; one with faults is no file of others."""
    try:
        file: Any = open_file(path)
    except OSError:
        return False
    return layout(file) != "well" and not any(name in file for name in GROUPS) and "dataset_name" not in file.attrs
