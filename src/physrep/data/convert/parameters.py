"""Parameters of the trajectories of a source: out of its files, and out of a table that names files or numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import PhysrepError
from .source import Part

KEYS = ("file", "trajectory")


def stored_parameters(parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """Name to one value per trajectory of all parts; NaN where a file does not say it."""
    names = list(dict.fromkeys(name for part in parts for name in part.parameters))
    return {
        name: np.concatenate([part.parameters.get(name, np.full(len(part), np.nan)) for part in parts])
        for name in names
    }


def read_table(path: str | Path, parts: Sequence[Part], root: Path) -> dict[str, list[str]]:
    """Columns of a CSV file, one cell per trajectory of the source, in the source's order.

    The table has a column ``file`` (name of the file or folder, with or without its suffix or the folders above it), or
    ``trajectory`` (counted from 0 through the source, or within ``file`` if both are there).

    Args:
        path: the CSV file.
        parts: of the source.
        root: the source, which file names may start from.

    Raises:
        PhysrepError: no such column, a row that fits no trajectory, two rows for one, or none for one.
    """
    path = Path(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PhysrepError(f"{path}: cannot be read as a table ({error}); give a CSV file.") from error
    columns = [str(name).strip() for name in rows[0]] if rows else []
    if not set(KEYS) & set(columns):
        raise PhysrepError(
            f"{path}: has no column file or trajectory ({', '.join(columns) or 'it is empty'}), so that its rows "
            "cannot be told; add one."
        )
    starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    places = _names(parts, root)
    cells: list[dict[str, str] | None] = [None] * starts[-1]
    for line, raw in enumerate(rows, 2):
        row = {str(name).strip(): str(value or "").strip() for name, value in raw.items()}
        for index in _indices(path, line, row, places, starts):
            if cells[index] is not None:
                raise PhysrepError(f"{path}, row {line}: a second row for the same trajectory; delete one.")
            cells[index] = row
    missing = [index for index, row in enumerate(cells) if row is None]
    if missing:
        part = int(np.searchsorted(starts, missing[0], side="right")) - 1
        place = parts[part].place(missing[0] - starts[part])
        raise PhysrepError(f"{path}: has no row for {len(missing)} trajectories, the first being {place}; add them.")
    return {name: [row[name] for row in cells if row is not None] for name in columns if name not in KEYS}


def _names(parts: Sequence[Part], root: Path) -> dict[str, int]:
    """Every name that a part goes by; names that several parts share are left out."""
    found: dict[str, int] = {}
    twice: set[str] = set()
    for number, part in enumerate(parts):
        full = part.path.relative_to(root) if part.path != root and part.path.is_relative_to(root) else part.path
        for name in {str(full), str(full.with_suffix("")), part.path.name, part.path.stem}:
            if name in found:
                twice.add(name)
            found[name] = number
    return {name: number for name, number in found.items() if name not in twice}


def _indices(
    path: Path, line: int, row: Mapping[str, str], places: Mapping[str, int], starts: Sequence[int]
) -> Sequence[int]:
    first, count = 0, starts[-1]
    if "file" in row:
        if row["file"] not in places:
            raise PhysrepError(f"{path}, row {line}: there is no file {row['file']!r} in the source; mend the name.")
        first = starts[places[row["file"]]]
        count = starts[places[row["file"]] + 1] - first
    if "trajectory" not in row:
        return range(first, first + count)
    try:
        index = int(row["trajectory"])
    except PhysrepError:
        raise
    except ValueError as error:
        raise PhysrepError(f"{path}, row {line}: trajectory {row['trajectory']!r} is no whole number.") from error
    if not 0 <= index < count:
        raise PhysrepError(f"{path}, row {line}: there is no trajectory {index}; there are {count}, from 0.")
    return [first + index]


def numeric_columns(table: Mapping[str, Sequence[str]]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Columns of numbers as parameters (an empty cell is NaN, unknown), and the names of the others."""
    values, words = {}, []
    for name, cells in table.items():
        try:
            values[name] = np.array([float(cell) if cell else np.nan for cell in cells])
        except PhysrepError:
            raise
        except ValueError:
            words.append(name)
    return values, words
