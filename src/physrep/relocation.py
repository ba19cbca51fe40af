"""Paths in the files of a folder, written so that the folder can be moved.

A path is written relative to the folder of the file that holds it (with ``/``, whatever the machine) where it was given
relative, or where what it names lies in the same benchmark, so that both move together. Any other absolute path, also
of what lies beside the benchmark, and every address, is written as it was given: whoever gives a relative path says
that both are moved together, and it is for the user to say where the others lie on another machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA_PLACES = ("path", "root", "labels", "cache_dir")
"""Settings of data that are places: they say where something lies, and nothing of what it is."""

_PARTS = ("runs", "search")
"""Folders of a benchmark that hold folders of runs."""

_MARKS = ("config.yaml", "fit.json")
"""One of them lies in every benchmark."""

_DEEPEST = 4
"""Folders between a run's and its benchmark, both counted: ``BENCHMARK/search/NAME/TRIAL``."""


def stored_place(place: str | Path, folder: str | Path) -> str:
    """A path as a file in ``folder`` holds it; empty and addresses unchanged."""
    text = str(place)
    if not text or "://" in text:
        return text
    path, folder = Path(os.path.abspath(place)), Path(os.path.abspath(folder))
    if Path(place).is_absolute() and not _moves_along(path, folder):
        return text
    return Path(os.path.relpath(path, folder)).as_posix()


def found_place(stored: str, folder: str | Path) -> str:
    """The path that `stored_place` wrote in ``folder``; as the folder is named, so relative to the same if it is."""
    if not stored or "://" in stored or Path(stored).is_absolute():
        return stored
    return os.path.normpath(os.path.join(folder, stored))


def same_place(stored: str, given: str | Path, folder: str | Path) -> bool:
    """Whether what a file in ``folder`` holds is the place that is given now."""
    found = found_place(stored, folder)
    if "://" in found or "://" in str(given):
        return found == str(given)
    return Path(found).resolve() == Path(given).resolve()


def stored_data(data: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """The data of a configuration with its places as a file in ``folder`` holds them."""
    return _with_places(data, lambda place: stored_place(place, folder))


def found_data(data: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """The inverse of `stored_data`."""
    return _with_places(data, lambda place: found_place(place, folder))


def without_data_places(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the data of a configuration are, wherever they lie."""
    return {name: value for name, value in data.items() if name not in DATA_PLACES}


def same_data(stored: Mapping[str, Any], given: Mapping[str, Any], folder: str | Path) -> bool:
    """Whether the data of a file in ``folder`` are those that are given now.

    They may lie elsewhere than then if their ``content`` (`physrep.data.config.data_content`) is the same.
    """
    # The name below a root is a place as well; what the files say they are is part of the content.
    apart = (*DATA_PLACES, "content", "dataset")
    if any(stored.get(name) != given.get(name) for name in {*stored, *given} if name not in apart):
        return False
    if "content" in stored and "content" in given:
        return stored["content"] == given["content"]
    return same_place(stored.get("path", ""), given.get("path", ""), folder)


def _with_places(data: Mapping[str, Any], change: Any) -> dict[str, Any]:
    return {n: change(v) if n in DATA_PLACES and isinstance(v, (str, Path)) else v for n, v in data.items()}


def _moves_along(path: Path, folder: Path) -> bool:
    """Whether a path lies in the benchmark, study or fit that a run's folder is part of; else in the folder itself."""
    near = [folder, *folder.parents][:_DEEPEST]
    parts = [own.parent for own in near if own.name in _PARTS and any((own.parent / mark).is_file() for mark in _MARKS)]
    return path.is_relative_to((parts or [folder])[-1])
