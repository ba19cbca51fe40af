"""metrics.csv of a run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, one_line
from ..files import write_csv
from ..run_directory import METRICS


def write_metrics(out: Path, rows: list[dict[str, Any]]) -> None:
    """Write metrics.csv; columns in the order of first appearance, empty where a row has no value."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(out / METRICS, columns, rows)


def read_metrics(run: str | Path) -> list[dict[str, str]]:
    """Rows of a run's metrics.csv.

    Raises:
        PhysrepError: the file is damaged.
    """
    path = Path(run) / METRICS
    if not path.is_file():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            int(row["step"])
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        reason = one_line(error, 80)
        raise PhysrepError(f"{path}: is no table of a training ({reason}); delete it, its rows are lost.") from error
    return rows
