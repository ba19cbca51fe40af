"""Labels of trajectories from a CSV file: parameters that are not in the data files, or classes such as a regime.

The table has a column ``trajectory`` and a column ``split`` or ``file``, or both; every other column is a label::

    split,trajectory,drag,regime            file,trajectory,drag
    train,0,1.31,laminar                    train/flow_0000.hdf5,0,1.31
    train,1,0.88,turbulent                  train/flow_0000.hdf5,1,0.88

A trajectory without a row, and an empty cell, are labels that are unknown (NaN); see `physrep.data.labelled`.
``trajectory`` counts from 0: through the files of the split in the order of their names, or within ``file``. A column
of numbers is a parameter of its name. A column of words is a class: of two classes the last in alphabetical order
becomes one indicator ``regime=turbulent`` (1 or 0), of more each becomes one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import PhysrepError
from .names import SPLITS, parameter_problem
from .remote import RemotePath
from .scan import has_split, split_files
from .table_cells import read_cells
from .wellfile import WellFile

PLACE = ("split", "file", "trajectory")
MOST_CLASSES = 50


@dataclass(frozen=True)
class LabelTable:
    """Labels of one split.

    Attributes:
        values: name to float64 array with shape ``(trajectories,)``, in the order of the split.
        key: identifies the content of the file.
    """

    values: dict[str, np.ndarray]
    key: str


@dataclass(frozen=True)
class _Row:
    """A line of the file and what it holds."""

    number: int
    cells: dict[str, str]


def read_labels(path: str | Path, root: str | Path | RemotePath, split: str) -> LabelTable:
    """Labels of all trajectories of a split, from a CSV file as described above.

    Args:
        path: the CSV file.
        root: the data set that it labels.
        split: "train", "valid" or "test".

    Raises:
        PhysrepError: the file cannot be read; a row names no trajectory or file of the data, or a trajectory that has a
            row already; a cell is no number in a column of numbers. The sentence names file and row.
    """
    split = "valid" if split == "val" else split
    columns, rows = _read(Path(path))
    files = []
    for file in split_files(root, split):
        with WellFile(file, glance=True) as opened:
            files.append((file.name, opened.n_trajectories))
    others = {file.name for name in SPLITS if has_split(root, name) for file in split_files(root, name)}
    own = _rows_of_split(path, rows, columns, split, files, others)
    values: dict[str, np.ndarray] = {}
    for column in columns:
        if column not in PLACE:
            if problem := parameter_problem(column):
                raise PhysrepError(f"{path}: a column {problem}; rename it.")
            labels = _label(path, column, rows, [None if i is None else rows[i] for i in own])
            twice = next((name for name in labels if name in values), None)
            if twice is not None:
                raise PhysrepError(f"{path}: column {column} gives the label {twice}, which another gives; rename one.")
            values |= labels
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
    return LabelTable(values, content)


def _read(path: Path) -> tuple[list[str], list[_Row]]:
    columns, lines = read_cells(path)
    for needed, known in (("trajectory", ["trajectory"]), ("split or file", ["split", "file"])):
        if not set(known) & set(columns):
            raise PhysrepError(f"{path}: has no column {needed}; its columns are {', '.join(columns) or 'none'}.")
    if not set(columns) - set(PLACE):
        raise PhysrepError(f"{path}: has no label; add a column beside {', '.join(columns)}.")
    return columns, [_Row(number, cells) for number, cells in lines]


def _rows_of_split(
    path: str | Path,
    rows: Sequence[_Row],
    columns: Sequence[str],
    split: str,
    files: Sequence[tuple[str, int]],
    every: set[str],
) -> list[int | None]:
    """For every trajectory of the split the index of its row, if it has one; ``every``: names of all splits' files."""
    starts = dict(zip((name for name, _ in files), np.cumsum([0, *(n for _, n in files)]).tolist(), strict=False))
    counts, total = dict(files), sum(n for _, n in files)
    found: dict[int, int] = {}
    for i, row in enumerate(rows):
        place, file = _place(path, row, columns)
        if place is not None and place != split:
            continue
        if place is None and file in every - set(counts):
            continue  # of another split
        if file and file not in counts:
            raise PhysrepError(
                f"{path}, row {row.number}: there is no file {file} in data/{place or '{train,valid,test}'}; mend "
                "the name."
            )
        index, most = _index(path, row), counts[file] if file else total
        where = f"data/{split}/{file}" if file else f"split {split}"
        if not 0 <= index < most:
            raise PhysrepError(
                f"{path}, row {row.number}: there is no trajectory {index} in {where}; it has {most}, from 0."
            )
        index += starts[file] if file else 0
        if index in found:
            raise PhysrepError(
                f"{path}, row {row.number}: the same trajectory as in row {rows[found[index]].number}; delete one."
            )
        found[index] = i
    return [found.get(k) for k in range(total)]


def _place(path: str | Path, row: _Row, columns: Sequence[str]) -> tuple[str | None, str]:
    """Split and file name of a row; the split is None where neither column says it."""
    split: str | None = row.cells["split"] if "split" in columns else None
    file = row.cells["file"] if "file" in columns else ""
    if "file" in columns and not file:
        raise PhysrepError(f"{path}, row {row.number}: names no file; fill the cell.")
    parts = file.replace("\\", "/").split("/")
    if len(parts) > 1:
        split = split or parts[-2]
    split = "valid" if split == "val" else split
    if split is not None and split not in SPLITS:
        raise PhysrepError(f"{path}, row {row.number}: the split {split!r} is none of {', '.join(SPLITS)}.")
    return split, parts[-1]


def _index(path: str | Path, row: _Row) -> int:
    text = row.cells["trajectory"]
    try:
        return int(text)
    except PhysrepError:
        raise
    except ValueError as error:
        raise PhysrepError(
            f"{path}, row {row.number}: trajectory {text!r} is no whole number; count from 0."
        ) from error


def _number(text: str) -> float | None:
    try:
        return float(text)
    except PhysrepError:
        raise
    except ValueError:
        return None


def _label(path: str | Path, column: str, rows: Iterable[_Row], own: Sequence[_Row | None]) -> dict[str, np.ndarray]:
    """The parameters that a column holds: itself, or indicators of its classes (of all splits, so that they agree)."""
    cells = [(row.number, row.cells[column], _number(row.cells[column])) for row in rows]
    cells = [cell for cell in cells if not (cell[1] == "" or (cell[2] is not None and math.isnan(cell[2])))]
    if not cells:
        raise PhysrepError(f"{path}: column {column} is empty; fill it, or delete it.")
    words = [number is None for _, _, number in cells]
    for row, text, number in cells:
        if number is not None and math.isinf(number):
            raise PhysrepError(f"{path}, row {row}: {column} is {text!r}; give a number, or leave the cell empty.")
        if number is None and not all(words):
            raise PhysrepError(
                f"{path}, row {row}: {column} is {text!r}, but other rows hold numbers; give a number, or leave the "
                "cell empty."
            )
    texts = ["" if row is None else row.cells[column] for row in own]
    if not any(words):
        return {column: np.array([float(text or "nan") for text in texts])}
    classes = sorted({text for _, text, _ in cells})
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise PhysrepError(f"{path}: column {column} has {len(classes)} classes; give 2 to {MOST_CLASSES}, or numbers.")
    shown = classes[-1:] if len(classes) == 2 else classes
    return {
        f"{column}={name}": np.array([float(text == name) if text in classes else math.nan for text in texts])
        for name in shown
    }
