"""Parameters of the trajectories of a source: out of its files, and out of a table that names files or numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import PhysrepError
from ..table_cells import read_cells
from .axes import SAMPLE, role
from .source import Part

KEYS = ("file", "trajectory")
FILE_NAMES = ("file", "filename", "file_name", "path")


def stored_parameters(parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """Name to one value per trajectory of all parts; NaN where a file does not say it."""
    names = list(dict.fromkeys(name for part in parts for name in part.parameters))
    return {
        name: np.concatenate([part.parameters.get(name, np.full(len(part), np.nan)) for part in parts])
        for name in names
    }


def read_table(
    path: str | Path, parts: Sequence[Part], root: Path, notes: list[str] | None = None
) -> dict[str, list[str]]:
    """Columns of a CSV file, one cell per trajectory of the source, in the source's order.

    The table has a column ``file`` (name of the file or folder, with or without its suffix or the folders above it), or
    ``trajectory`` (counted from 0 through the source, or within ``file`` if both are there); other usual names of
    these two, as ``filename`` or ``run``, are taken and said. Of one file with as many trajectories as the table has
    rows, rows may be in the order of the file. Cells may be separated by semicolons or tabs; numbers may then have
    decimal commas.

    Args:
        path: the CSV file.
        parts: of the source.
        root: the source, which file names may start from.
        notes: takes what was guessed, one line each.

    Raises:
        PhysrepError: no such column, a row that fits no trajectory, two rows for one, or none for one.
    """
    path = Path(path)
    notes = [] if notes is None else notes
    columns, lines = read_cells(path)
    starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    rows = _with_keys(path, columns, [row for _, row in lines], len(parts), starts[-1], notes)
    places = _names(parts, root)
    cells: list[dict[str, str] | None] = [None] * starts[-1]
    for (line, _), row in zip(lines, rows, strict=True):
        for index in _indices(path, line, row, places, starts):
            if cells[index] is not None:
                raise PhysrepError(f"{path}, row {line}: a second row for the same trajectory; delete one.")
            cells[index] = row
    missing = [index for index, row in enumerate(cells) if row is None]
    if missing:
        part = int(np.searchsorted(starts, missing[0], side="right")) - 1
        place = parts[part].place(missing[0] - starts[part])
        raise PhysrepError(f"{path}: has no row for {len(missing)} trajectories, the first being {place}; add them.")
    found = [row for row in cells if row is not None]
    return {name: [row[name] for row in found] for name in rows[0] if name not in KEYS}


def _with_keys(
    path: Path, columns: Sequence[str], rows: list[dict[str, str]], files: int, trajectories: int, notes: list[str]
) -> list[dict[str, str]]:
    """The rows with a column that tells which trajectory they are of; a guess is put into ``notes``."""
    if set(KEYS) & set(columns):
        return rows
    guesses = {
        "file": [name for name in columns if name.lower() in FILE_NAMES],
        "trajectory": [name for name in columns if role(name) == SAMPLE],
    }
    taken = {names[0]: key for key, names in guesses.items() if len(names) == 1}
    if taken:
        notes += [f"column {name} of {path} is taken as {key}" for name, key in taken.items()]
        return [{taken.get(name, name): cell for name, cell in row.items()} for row in rows]
    if files == 1 and len(rows) == trajectories:
        notes.append(f"{path} has no column trajectory: its rows are taken in the order of the trajectories")
        return [{"trajectory": str(index), **row} for index, row in enumerate(rows)]
    raise PhysrepError(
        f"{path}: has no column file or trajectory ({', '.join(columns) or 'it is empty'}), and {len(rows)} rows for "
        f"{trajectories} trajectories in {files} file{'s' * (files > 1)}, so that its rows cannot be told; add one."
    )


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


def numeric_columns(table: Mapping[str, Sequence[str]]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Columns of numbers as parameters (an empty cell is NaN, unknown), and of the others what they hold."""
    values, words = {}, {}
    for name, cells in table.items():
        try:
            values[name] = np.array([float(cell) if cell else np.nan for cell in cells])
        except PhysrepError:
            raise
        except ValueError:
            odd = [index for index, cell in enumerate(cells) if cell and not _is_number(cell)]
            mixed = len(odd) < sum(map(bool, cells))
            words[name] = f"numbers, but {cells[odd[0]]!r} for trajectory {odd[0]}" if mixed else "words"
    return values, words


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except PhysrepError:
        raise
    except ValueError:
        return False
    return True
