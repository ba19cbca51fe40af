"""The matrix of paired differences: signs, stars, and what one seed can say."""

from __future__ import annotations

from pathlib import Path

from physrep.benchmark.differences import compared, difference_rows
from physrep.benchmark.directory import Bench
from physrep.report.sections.differences import difference_section
from tests.helpers.bench_directory import write_bench

THREE = {
    "statistics": ("floor", {"ridge": 0.5}),
    "jepa": ("learner", {"ridge": 0.2}),
    "next_frame": ("learner", {"ridge": 0.205}),
}


def test_pairs_are_those_of_the_scores_and_only_clear_ones_have_a_star(tmp_path: Path) -> None:
    bench = Bench.read(write_bench(tmp_path / "bench", learners=THREE))
    by_title = {entry.title: entry for entry in compared(bench, "shear_flow")}
    rows = difference_rows(bench, "shear_flow")
    assert len(by_title) == 3 and len(rows) == 3
    for row in rows.to_dict("records"):
        assert abs(row["value"] - (by_title[row["a"]].value - by_title[row["b"]].value)) < 1e-6
        assert row["ci_low"] < row["value"] < row["ci_high"] and row["p_holm"] >= row["p"]
    clear = {frozenset((row["a"], row["b"])) for row in rows.to_dict("records") if row["p_holm"] < 0.05}
    assert frozenset(("JEPA, ridge", "Next frame, ridge")) not in clear
    section = difference_section(bench, "shear_flow")
    assert section is not None and "Pairs with one seed" in section.sentences[0]
    assert section.sentences[0].startswith(f"{len(clear)} of 3 pairs")
    assert section.pictures[0].markup.count("*</text>") == 2 * 2 * len(clear), "both halves, wide and narrow"


def test_nothing_to_compare_no_section(tmp_path: Path) -> None:
    alone = {"jepa": ("learner", {"ridge": 0.2})}
    assert difference_section(Bench.read(write_bench(tmp_path / "alone", learners=alone)), "shear_flow") is None
    bare = write_bench(tmp_path / "bare", learners=THREE, optional=False)
    assert difference_section(Bench.read(bare), "shear_flow") is None
