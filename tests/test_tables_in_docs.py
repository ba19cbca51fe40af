"""Numbers in docs are those of the stored tables beside them."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import pandas as pd

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS.parent / "benchmarks"))

import docs_tables  # noqa: E402


def test_the_table_of_the_equal_search_is_its_csv() -> None:
    with open(DOCS / "tables" / "search_2026-11-27.csv", newline="") as file:
        trials = list(csv.DictReader(file))
    section = (DOCS / "results.md").read_text(encoding="utf-8").partition("## An equal search")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| [^|]+ \| `(\w+)` \| ([^\n]+) \|$", section, re.M)
    assert sorted(title for title, _ in lines) == sorted({trial["title"] for trial in trials})
    for title, cells in lines:
        expected = []
        for study in ("quick", "quick_rayleigh_benard"):
            own = [float(t["valid_mse"]) for t in trials if (t["study"], t["title"]) == (study, title)]
            assert len(own) == 4
            expected += [f"{min(own):.3f}", f"{max(own):.3f}"]
        assert cells.split(" | ") == expected, title
    flops = [float(trial["flops"]) for trial in trials]
    assert max(flops) < 1.05 * min(flops)
    steps = [int(t["steps"]) for t in trials if t["title"] != "supervised"]
    assert f"{min(steps)} to {max(steps)} steps" in section


def test_every_table_of_scores_is_that_of_its_file() -> None:
    named: set[str] = set()
    for page in docs_tables.PAGES:
        text = (DOCS.parent / page).read_text(encoding="utf-8")
        assert docs_tables.written(text, DOCS / "tables") == text, f"{page}: run python benchmarks/docs_tables.py"
        named |= set(re.findall(r"<!-- scores (\S+)", text))
    stored = {path.stem for path in (DOCS / "tables").glob("*.csv")}
    assert named and named == {name for name in stored if not name.startswith("search_")}


def test_a_table_shows_the_probe_of_valid_and_changes_with_its_file() -> None:
    scores = pd.read_csv(DOCS / "tables" / "quick_2026-11-27.csv")
    assert (scores[scores["chosen"]].groupby("label")["probe"].nunique() == 1).all()
    before = docs_tables.table(scores)
    scores.loc[scores["chosen"] & (scores["label"] == "Power spectra"), "value"] *= 2
    assert docs_tables.table(scores) != before and "Power spectra" not in docs_tables.table(scores, ("Power spectra",))
