"""A ceiling that still improves is refused the name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from physrep.benchmark.calibration import calibration, calibration_text, ceiling_end, training_end
from physrep.benchmark.compare import compare
from physrep.benchmark.directory import Bench
from physrep.benchmark.headline import lead_of
from physrep.benchmark.run_lines import identified, lines
from physrep.files import write_csv, write_yaml
from physrep.report import build_report, latex_table, markdown_table
from physrep.report.draw import Plot
from tests.helpers.bench_directory import LEARNERS, write_bench


def _rows(learner: str, probe: str, value: float) -> list[dict[str, Any]]:
    common = {"learner": learner, "probe": probe, "run": f"{learner}-s0", "metric": "mse", "parameter": "mean"}
    return [{**common, "level": "trajectory", "split": split, "value": value} for split in ("valid", "test")]


@pytest.mark.parametrize("column", ["valid_loss", "loss"])
@pytest.mark.parametrize(("last", "converged"), [(0.3, False), (0.495, True)])
def test_a_ceiling_that_still_improves_is_not_accepted(
    tmp_path: Path, column: str, last: float, converged: bool
) -> None:
    losses = [(10 * k, {"step": 10 * k, "loss": 0.5, column: 0.5 if k < 7 else last}) for k in range(1, 11)]
    columns = list(dict.fromkeys(["step", "loss", column]))
    losses = [(step, row if step > 70 else {**row, column: 0.5}) for step, row in losses]
    write_csv(tmp_path / "supervised-s0" / "metrics.csv", columns, [row for _, row in losses])
    assert training_end(tmp_path / "supervised-s0").converged is converged
    rows = _rows("statistics", "ridge", 0.4) + _rows("supervised", "head", 0.1)
    (cell,) = calibration(rows, runs=tmp_path)
    assert cell["accepted"] is converged
    assert ("is no ceiling" in calibration_text([cell])) is not converged
    (untold,) = calibration(rows)
    assert untold["converged"] is None and untold["accepted"] is True


def _trained(run: Path, steps: int, lowest: float, **options: Any) -> None:
    """A training whose last quarter always improves, as it does where the learning rate falls to zero."""
    rows = [{"step": steps * k // 10, "loss": 1.0, "valid_loss": lowest * (2 - k / 10)} for k in range(1, 11)]
    write_csv(run / "metrics.csv", ["step", "loss", "valid_loss"], rows)
    config = {
        "learner": "supervised", "options": options, "in_channels": 1, "num_frames": 8, "seed": 0,
        "data": {"path": "x"},
        "training": {"steps": steps, "learning_rate": 0.1},
    }  # fmt: skip
    write_yaml(run / "config.yaml", config)


@pytest.mark.parametrize(("lowest", "converged"), [(0.39, True), (0.30, False)])
def test_twice_the_steps_tell_whether_a_ceiling_has_converged(tmp_path: Path, lowest: float, converged: bool) -> None:
    _trained(tmp_path / "supervised-s0", 1000, 0.4)
    _trained(tmp_path / "supervised_twice-s0", 2000, lowest)
    for run in ("supervised-s0", "supervised_twice-s0"):
        others = [tmp_path / "supervised-s0", tmp_path / "supervised_twice-s0"]
        assert training_end(tmp_path / run).converged is False
        assert ceiling_end(tmp_path / run, others).converged is converged
    twice = [{**row, "run": "supervised_twice-s0"} for row in _rows("supervised", "head", 0.09)]
    (cell,) = calibration(_rows("statistics", "ridge", 0.4) + _rows("supervised", "head", 0.1) + twice, runs=tmp_path)
    assert cell["converged"] is converged and cell["accepted"] is converged


def test_a_ceiling_is_held_against_the_same_learner_alone(tmp_path: Path) -> None:
    _trained(tmp_path / "supervised-s0", 1000, 0.4)
    _trained(tmp_path / "wider-s0", 2000, 0.4, width=64)  # of other options
    _trained(tmp_path / "little_longer-s0", 1200, 0.4)
    others = [tmp_path / name for name in ("supervised-s0", "wider-s0", "little_longer-s0")]
    assert ceiling_end(tmp_path / "supervised-s0", others).converged is False


@pytest.mark.parametrize(("last", "converged"), [(0.3, False), (0.495, True)])
def test_page_headline_and_latex_call_a_network_a_ceiling_only_where_it_has_converged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: float, converged: bool
) -> None:
    monkeypatch.setattr(Plot, "save", lambda *_: "<svg/>")  # drawing is most of a page's time
    folder = write_bench(tmp_path)
    rows = [{"step": 10 * k, "loss": 0.5 if k < 8 else last} for k in range(1, 11)]
    write_csv(folder / "runs" / "shear_flow-supervised-0" / "metrics.csv", ["step", "loss"], rows)
    bench = Bench.read(folder)
    facts = {fact.name: fact.note for fact in lead_of(bench, "shear_flow").facts}
    heading = "Ceiling" if converged else "With labels, training not converged"
    assert ("Supervised ceiling" in facts) is converged
    assert facts.get("Supervised, not converged", "") == ("" if converged else "no ceiling: more steps would lower it")
    assert f"| {heading} | Supervised |" in markdown_table(bench.rows, bench.identities)
    assert rf"\emph{{{heading}}}" in latex_table(bench.rows, bench.identities)
    page = build_report(folder).read_text(encoding="utf-8")
    assert (f'data-kind="{heading}"' in page) and ("Supervised ceiling" in page) is converged


def test_a_comparison_calls_a_network_what_its_study_does(tmp_path: Path) -> None:
    folder = write_bench(tmp_path / "study", {**LEARNERS, "supervised_twice": ("ceiling", {"head": 0.11})})
    for name, steps, lowest in (("supervised", 1000, 0.4), ("supervised_twice", 2000, 0.39)):
        _trained(folder / "runs" / f"shear_flow-{name}-0", steps, lowest)
    done = compare([folder], tmp_path / "compared")
    for place in (folder, done.folder):
        assert {run.identity.kind for run in Bench.read(place).runs.values()} == {"floor", "learner", "ceiling"}


def test_one_seed_that_has_not_converged_is_enough_in_tables_and_analyses(tmp_path: Path) -> None:
    folder = write_bench(tmp_path, seeds=(0, 1, 2))
    for seed, last in enumerate((0.495, 0.3, 0.495)):
        rows = [{"step": 10 * k, "loss": 0.5 if k < 8 else last} for k in range(1, 11)]
        write_csv(folder / "runs" / f"shear_flow-supervised-{seed}" / "metrics.csv", ["step", "loss"], rows)
    bench = Bench.read(folder)
    (entry,) = [entry for entry in bench.entries if entry.learner == "supervised" and entry.chosen]
    assert entry.kind == "unconverged" and entry.unconverged == 1 and len(entry.runs) == 3
    facts = {fact.name: fact.note for fact in lead_of(bench, "shear_flow").facts}
    assert facts["Supervised, not converged"] == "no ceiling: more steps would lower it (1 of 3 seeds)"
    stored = [{"run": run, "title": "supervised", "learner": "supervised", "kind": "ceiling"} for run in entry.runs]
    assert [line.kind for line in lines(identified(bench, stored))] == ["unconverged"]
    assert [line.kind for line in lines(identified(bench, stored[:1]))] == ["ceiling"]
