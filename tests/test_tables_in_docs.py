"""Numbers in docs are those of the stored tables beside them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


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
