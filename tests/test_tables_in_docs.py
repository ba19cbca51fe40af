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


def test_the_table_of_the_readme_is_its_csv() -> None:
    with open(DOCS / "tables" / "quick_2026-11-27.csv", newline="") as file:
        scores = {(r["run"], r["probe"], r["parameter"], r["split"], r["metric"]): r for r in csv.DictReader(file)}
    labels = {
        "Field statistics": "statistics", "Power spectra": "spectra", "Classical features": "classical",
        "Dynamic modes": "dynamic_modes", "Random encoder": "random", "JEPA (published)": "jepa_published",
        "JEPA (clips, any windows)": "jepa", "Masked pixels": "masked_pixels", "Next frame": "next_frame",
        "Operator": "operator", "Operator discovery": "operator_discovery", "PDE regression": "pde_regression",
        "Supervised": "supervised",
    }  # fmt: skip
    table = (DOCS.parent / "README.md").read_text(encoding="utf-8").partition("mean MSE [95%]")[2].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [line[1] for line in lines] == list(labels)
    for _, label, probe, reynolds, schmidt, mean, r2 in lines:
        run, probe = f"{labels[label]}-s0", probe.replace(" ", "_")
        row = scores[run, probe, "mean", "test", "mse"]
        expected = [float(scores[run, probe, name, "test", "mse"]["value"]) for name in ("Reynolds", "Schmidt")]
        expected += [float(row[key]) for key in ("value", "ci_low", "ci_high")]
        shown = [
            float(x.replace("−", "-")) for x in re.findall(r"[\d.]+(?:e−\d+)?", " ".join((reynolds, schmidt, mean)))
        ]
        assert shown == [
            float(f"{x:.3f}" if x >= 0.0095 else f"{x:.2g}" if x >= 0.001 else f"{x:.0e}") for x in expected
        ]
        assert float(r2) == round(float(scores[run, probe, "mean", "test", "r2"]["value"]), 3)
