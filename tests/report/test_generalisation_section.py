"""The section of shifted data names who degrades most, and says nothing of who has nothing to lose."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from physrep.benchmark.shift_cells import read_shift_cells
from physrep.learners.identity import identity_of_name
from physrep.report.section import Section
from physrep.report.sections.generalisation import generalisation_section
from physrep.report.sections.generalisation.sentences import shift_sentence

ENCODERS = {"statistics": "floor", "pixels": "floor", "jepa": "learner", "operator": "learner", "supervised": "ceiling"}
CLEAN = {"statistics": 0.3, "pixels": 1.0, "jepa": 0.2, "operator": 0.4, "supervised": 0.05}
LEVELS = [("noise", "", "10 %"), ("noise", "", "20 %"), ("missing_fields", "tracer", "missing"),
          ("missing_fields", "pressure", "missing"), ("extrapolation", "Re", "highest 30 %"),
          ("window_length", "windows averaged", "1 of 3"), ("window_length", "frames available", "2 of 8"),
          ("initial_condition", "", "the_well")]  # fmt: skip


def rows(ratios: dict[tuple[str, str, str], float], note: str = "") -> list[dict[str, str]]:
    """A table in which every ratio is 1.5 but those by encoder, shift and level."""
    table = []
    for title, kind in ENCODERS.items():
        common = {"run": f"{title}-s0", "title": title, "learner": title, "kind": kind, "seed": "0", "probe": "ridge"}
        for shift, subject, level in [("clean", "", ""), *LEVELS]:
            for parameter in ("Re", "Sc", "mean"):
                ratio = 1.0 if shift == "clean" else ratios.get((title, shift, level), 1.5)
                numbers = {"value": CLEAN[title] * ratio, "ci_low": 0.9 * CLEAN[title] * ratio,
                           "ci_high": 1.1 * CLEAN[title] * ratio, "reference": CLEAN[title], "ratio": ratio,
                           "constant": 1.05}  # fmt: skip
                place = {"shift": shift, "subject": subject, "level": level, "parameter": parameter, "note": ""}
                table.append({**common, **place, **{key: str(value) for key, value in numbers.items()}})
        if note:
            table.append({**common, "shift": "resolution", "subject": "", "level": "", "parameter": "", "note": note})
    return table


def section(folder: Path, table: list[dict[str, str]]) -> Section:
    """The section, drawn into a folder."""
    found = generalisation_section(cast(Any, SimpleNamespace(folder=folder)), table)
    assert found is not None
    return found


@pytest.mark.parametrize("culprit", ["jepa", "operator", "supervised"])
def test_the_culprit_is_named(culprit: str) -> None:
    cells = read_shift_cells(rows({(culprit, "noise", "20 %"): 8.0, ("statistics", "noise", "20 %"): 2.0}))
    text = shift_sentence(cells, "noise")
    change = f"8.00 times its MSE, from {CLEAN[culprit]:.3f} to {8 * CLEAN[culprit]:.3f}, 20 %"
    assert text.startswith(f"White noise on the fields: {identity_of_name(culprit).label} degrades most ({change})")
    more = 0 if culprit == "supervised" else 1
    assert f"{more} of 2 learners without labels" in text and "the best floor, Field statistics (2.00 times)" in text


def test_who_knows_nothing_is_not_ranked() -> None:
    cells = read_shift_cells(rows({("pixels", "noise", "20 %"): 0.5, ("pixels", "missing_fields", "missing"): 90.0}))
    assert [encoder.title for encoder in cells.encoders if not cells.informative(encoder)] == ["pixels"]
    assert not any("Pooled pixels" in shift_sentence(cells, shift) for shift in cells.shifts)


def test_one_figure_per_shift_one_table_and_the_notes(tmp_path: Path) -> None:
    made = section(tmp_path, rows({("statistics", "missing_fields", "missing"): 1e7}, "The grid cannot be divided."))
    shifts = ["noise", "missing_fields", "extrapolation", "window_length", "initial_condition"]
    assert sorted(path.stem for path in (tmp_path / "figures").glob("*.png")) == sorted(
        f"generalisation_{shift}" for shift in shifts
    )
    assert len(made.pictures) == len(shifts)
    assert [("Arrows" in picture.caption) for picture in made.pictures] == [False, True, False, False, False]
    assert "Pooled pixels: clean MSE above 0.9 of a constant's" in made.sentences[0]
    assert made.sentences[-1] == "The grid cannot be divided."
    (table,) = made.tables
    assert list(table.frame.columns[3:]) == [shift.replace("_", " ") for shift in shifts]
    first = ["Field statistics", "floor", "0.300", "1.50 (10 %)", "> 100 (tracer)", "1.50 (Re, highest 30 %)"]
    assert table.texts().iloc[0].tolist() == [*first, "1.50 (1 of 3 windows averaged)", "1.50 (the_well)"]


def test_no_scores_no_section(tmp_path: Path) -> None:
    table = [row for row in rows({}) if row["shift"] == "clean"]
    assert generalisation_section(cast(Any, SimpleNamespace(folder=tmp_path)), table) is None
