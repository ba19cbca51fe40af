"""The folders in which the values of a file may lie.

What a file refers to may lie in the folder of its data set. Other places are refused unless ``PHYSREP_DATA_ALSO`` names
a folder above them; several folders are separated as in ``PATH``.
"""

from __future__ import annotations

import os
from pathlib import Path

from .remote import AnyPath

ALSO = "PHYSREP_DATA_ALSO"


def data_folders(path: AnyPath) -> list[Path]:
    """Folders in which the values of a file may lie: that of its data set, and those of ``PHYSREP_DATA_ALSO``."""
    also = [Path(text).expanduser() for text in os.environ.get(ALSO, "").split(os.pathsep) if text]
    own: list[Path] = []
    if isinstance(path, Path):
        folder = path.absolute().parent
        own = [folder.parent.parent if folder.parent.name == "data" else folder, path.resolve().parent]
    return [folder.resolve() for folder in (*own, *also)]


def found_file(path: AnyPath, name: str) -> Path:
    """The file that HDF5 takes for a name in a link or virtual source, in its own order; else where it looks last."""
    given = Path(name)
    places = [given] if given.is_absolute() else []
    if isinstance(path, Path):
        relative = Path(given.name) if given.is_absolute() else given
        places += [path.absolute().parent / relative, Path.cwd() / relative, path.resolve().parent / relative]
    places.append(given.absolute())
    return next((place for place in places if place.exists()), places[0])


def allowed(path: AnyPath, place: Path) -> bool:
    """Whether a place is in one of the `data_folders` of a file."""
    resolved = place.resolve()
    return any(resolved.is_relative_to(folder) for folder in data_folders(path))
