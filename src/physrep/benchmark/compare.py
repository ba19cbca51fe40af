"""Several finished studies in one table."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..files import atomic_path, write_csv, write_json, write_record, write_yaml
from .directory import RECORD
from .studies import Study, read_studies, repeated_runs, rows_by_run

KEPT = ("summary.json", "config.yaml", "metrics.csv", "scores.json")
"""Files of a run that a page reads; predictions come in addition, weights and tokens stay where they are."""


@dataclass
class Comparison:
    """What `compare` did.

    Attributes:
        folder: where table and page lie.
        studies: name to folder.
        duplicates: sentences on runs that were left out because another study has the very same.
    """

    folder: Path
    studies: dict[str, str]
    duplicates: list[str] = field(default_factory=list)


def compare(folders: Sequence[str | Path], out: str | Path) -> Comparison:
    """Merge finished studies, of the same or of different systems, into one ``results.csv``.

    Rows get a column ``study``, and runs are called ``STUDY.RUN``. A run that another study holds with the very same
    scores (all its seeds) is left out. What the page needs of every run is copied, so that the folder can be moved or
    sent.

    Args:
        folders: what `physrep bench` wrote.
        out: new folder, or one of an earlier comparison.

    Returns:
        What was done; `physrep.report.build_report` makes the page of the folder.

    Raises:
        PhysrepError: see `physrep.benchmark.studies.read_studies`; or ``out`` holds a benchmark.
    """
    out = Path(out)
    if (out / "results.csv").exists() and not (out / RECORD).exists():
        raise PhysrepError(f"{out}: holds a benchmark of its own; give another --out.")
    studies = read_studies(folders)
    nested = next((study for study in studies if (study.bench.folder / RECORD).exists()), None)
    if nested is not None:
        raise PhysrepError(f"{nested.bench.folder}: is itself a comparison; give the studies that it was made of.")
    done = Comparison(out, {study.name: str(study.bench.folder) for study in studies})
    rows, columns = _rows(studies, done)
    for study in studies:
        _copy_runs(study, {row["run"] for row in rows if row["study"] == study.name}, out / "runs")
    _describe(studies, out)
    write_json(out / RECORD, {"studies": done.studies, "duplicates": done.duplicates})
    write_csv(out / "results.csv", columns, rows)
    return done


def _rows(studies: Sequence[Study], done: Comparison) -> tuple[list[dict[str, str]], list[str]]:
    rows: list[dict[str, str]] = []
    repeated = repeated_runs(studies)
    for study in studies:
        for name, run in rows_by_run(study).items():
            if (study.name, name) in repeated:
                owner = repeated[study.name, name]
                done.duplicates.append(f"Run {name} of {study.name} is the same as in {owner} and was left out.")
            else:
                rows += [{"study": study.name, **row, "run": f"{study.name}.{name}"} for row in run]
    return rows, list(dict.fromkeys(column for row in rows for column in row))


def _copy_runs(study: Study, names: set[str], target: Path) -> None:
    for name in sorted(names):
        source = study.bench.folder / "runs" / name.removeprefix(f"{study.name}.")
        files = [source / file for file in KEPT] + sorted(source.glob("predictions_*.npz"))
        for file in files:
            if file.is_file():
                with atomic_path(target / name / file.name) as temporary:
                    shutil.copyfile(file, temporary)


def _describe(studies: Sequence[Study], out: Path) -> None:
    """The data of every system, and configuration and environment of every study."""
    summaries: dict[str, Any] = {}
    for study in studies:
        for system in study.bench.systems:
            summaries.setdefault(system, study.bench.data_of(system) or {"system": system})
    write_record(out / "data_summary.json", {"systems": summaries})
    write_json(out / "environment.json", {study.name: study.bench.environment for study in studies})
    write_yaml(out / "config.yaml", {study.name: study.bench.config for study in studies})
