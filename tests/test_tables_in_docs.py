"""Numbers in docs are those of the stored tables beside them."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "benchmarks"))

import docs_blocks  # noqa: E402
import docs_quoted  # noqa: E402
import docs_tables  # noqa: E402


def test_the_table_of_the_equal_search_is_its_csv() -> None:
    with open(DOCS / "tables" / "search_2026-11-27.csv", newline="") as file:
        trials = list(csv.DictReader(file))
    section = (DOCS / "results.md").read_text(encoding="utf-8").partition("## An equal search")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| [^|]+ \| `(\w+)` \| ([^\n]+) \|$", section, re.M)
    assert sorted(title for title, _ in lines) == sorted({trial["title"] for trial in trials})
    for title, cells in lines:
        expected = []
        for study in ("quick", "quick_rayleigh_benard", "quick_active_matter"):
            own = [float(t["valid_mse"]) for t in trials if (t["study"], t["title"]) == (study, title)]
            assert len(own) == 4
            expected += [f"{min(own):.3f}", f"{max(own):.3f}"]
        assert cells.split(" | ") == expected, title
    flops = [float(trial["flops"]) for trial in trials]
    assert max(flops) < 1.05 * min(flops)
    steps = [int(t["steps"]) for t in trials if t["title"] != "supervised"]
    assert f"{min(steps)} to {max(steps)} steps" in section


def test_every_table_is_that_of_its_file() -> None:
    named: set[str] = set()
    for page in docs_tables.PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert docs_tables.written(text, DOCS / "tables") == text, f"{page}: run python benchmarks/docs_tables.py"
        named |= {name for _, block in blocks(text) for name in re.findall(r"\w+_20[-\d]+", block)}
    stored = {path.stem for path in (DOCS / "tables").glob("*.csv")}
    assert named and named == {
        name for name in stored if not name.startswith(("search_", "differences_", "increment_", "generalisation_"))
    }


def blocks(text: str) -> list[tuple[str, str]]:
    return re.findall(r"<!-- (scores|side by side|differences|increments|losses|shifts) ([^>]+?) -->", text)


def test_a_table_shows_the_probe_of_valid_and_changes_with_its_file() -> None:
    scores = pd.read_csv(DOCS / "tables" / "quick_2026-11-27.csv")
    assert (scores[scores["chosen"]].groupby("label")["probe"].nunique() == 1).all()
    before = docs_blocks.scores(scores)
    scores.loc[scores["chosen"] & (scores["label"] == "Power spectra"), "value"] *= 2
    assert docs_blocks.scores(scores) != before and "Power spectra" not in docs_blocks.scores(
        scores, ("Power spectra",)
    )


def test_a_difference_turned_round_keeps_its_meaning() -> None:
    row = {"a": "Operator", "b": "Masked pixels", "value": 0.2, "ci_low": 0.1, "ci_high": 0.4, "p_holm": 0.01}
    table = docs_blocks.differences({"one": pd.DataFrame([row])}, ("Masked pixels", "Operator"))
    assert "| Masked pixels | Operator | −0.200 [−0.400, −0.100]* |" in table


@pytest.mark.parametrize("page", docs_tables.PAGES)
def test_numbers_in_sentences_are_those_of_their_tables(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- quoted" in text and not docs_quoted.faults(text, ROOT)


def test_a_stale_or_unnamed_number_is_found() -> None:
    listed = "<!-- quoted\n0.0042 [0.0036, 0.0051] | quick_2026-11-27 | Power spectra\n-->\n"
    assert docs_quoted.faults(f"Spectra leave 0.0042\n[0.0036, 0.0051].\n{listed}", ROOT) == []
    for text, said in (
        (f"Spectra leave 0.0042 [0.0036, 0.0051], JEPA 0.133.\n{listed}", "0.133 stands in a sentence"),
        (f"Spectra leave little.\n{listed}", "in no sentence"),
        (listed.replace("0042", "0043") + "Spectra leave 0.0043 [0.0036, 0.0051].", "is 0.0042 [0.0036, 0.0051] in"),
        ("It is 0.987.\n<!-- quoted\n0.987 | README.md\n-->", "0.987 is not in README.md"),
    ):
        assert [fault for fault in docs_quoted.faults(text, ROOT) if said in fault], said
