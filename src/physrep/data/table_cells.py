"""The cells of a CSV file that people wrote, with a spreadsheet or without."""

from __future__ import annotations

import csv
from pathlib import Path

from ..errors import PhysrepError


def read_cells(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Names of the columns, and for every row its line in the file and its cells, without the blanks around them.

    Cells may be separated by commas, semicolons or tabs; in the latter two, numbers may have decimal commas.

    Args:
        path: the CSV file, UTF-8 with or without a byte order mark.

    Raises:
        PhysrepError: the file cannot be read, two columns have one name, or a row has another number of cells.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            between = max(",;\t", key=head.count)
            reader = csv.DictReader(file, delimiter=between)
            columns = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PhysrepError(f"{path}: cannot be read as a table ({error}); give a CSV file.") from error
    if len(set(columns)) < len(columns):
        raise PhysrepError(f"{path}: has two columns of one name; rename one of {', '.join(columns)}.")
    rows = []
    for number, cells in lines:
        if None in cells or any(value is None for value in cells.values()):
            raise PhysrepError(f"{path}, row {number}: does not have the {len(columns)} cells of the first row.")
        plain = {name: value.strip() for name, value in cells.items()}
        rows.append((number, plain if between == "," else {name: _decimal_point(cell) for name, cell in plain.items()}))
    return columns, rows


def _decimal_point(cell: str) -> str:
    number = cell.replace(",", ".")
    try:
        float(number)
    except PhysrepError:
        raise
    except ValueError:
        return cell
    return number
