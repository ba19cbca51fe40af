"""The numbers of a study as files, by the names of the published study: fit_* and pixel_falsification_*."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..benchmark.latent_table import row_text, verdicts
from ..files import write_json, write_text
from .answers import ANSWER, StudyAnswer, StudyTable, answers
from .config import StudyConfig
from .data import StudyData

NAMES = {"fit": "fit", "falsification": "pixel_falsification"}
"""Stems of the files."""


def write_summaries(
    config: StudyConfig,
    data: StudyData,
    table: StudyTable,
    notes: Sequence[str],
    out: Path,
) -> list[StudyAnswer]:
    """Write both pairs of files; returns the answers.

    Args:
        config, data: of the study.
        table: of all analyses.
        notes: sentences for the reader.
        out: folder of the study.
    """
    rows = table.rows
    found = answers(table, data)
    about_pixels = ANSWER["falsification"](table) if "falsification" in config.analyses else []
    parts = {
        "fit": ([r for r in rows if not _compares(r)], found),
        "falsification": ([r for r in rows if _compares(r)], about_pixels),
    }
    judged = {
        name: own for name in config.systems if "parameters" in config.analyses and (own := verdicts(table, name))
    }
    for part, (own, said) in parts.items():
        content: dict[str, Any] = {
            "title": config.title,
            "simulations": len(data),
            "seeds": config.splits,
            "answers": [asdict(answer) for answer in said],
            "scores": [{k: _plain(v) for k, v in row.items()} for row in own],
        }
        if part == "falsification":
            content["verdicts"] = {
                name: {m: {"verdict": v["verdict"], **_plain(asdict(v["evidence"]))} for m, v in by.items()}
                for name, by in judged.items()
            }
        write_json(out / f"{NAMES[part]}_metrics.json", content)
        write_text(out / f"{NAMES[part]}_summary.txt", _text(config, own, said, notes))
    return found


def _compares(row: Mapping[str, Any]) -> bool:
    return row["analysis"] == "falsification" or row["metric"] == "r2_minus_reference"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _text(
    config: StudyConfig, rows: Sequence[dict[str, Any]], said: Sequence[StudyAnswer], notes: Sequence[str]
) -> str:
    lines = [config.title, "=" * len(config.title), config.question, ""]
    for answer in said:
        lines += [f"{answer.question} {answer.verdict.upper()}", f"    {answer.text} ({answer.sure})"]
    lines += ["", *(f"note: {note}" for note in notes), ""] if notes else [""]
    lines += ["Brackets: 95 % intervals over simulations (of spectral_radius and dmd_distance: range over folds).", ""]
    heading = ""
    for row in rows:
        own = f"{row['analysis']}: {row['set']}, {row['target']}, {row['level']}, {row['metric']}"
        if own != heading:
            lines.append(own)
            heading = own
        lines.append(f"    {row['modality']:<16} {row_text(row)}")
    return "\n".join(lines) + "\n"
