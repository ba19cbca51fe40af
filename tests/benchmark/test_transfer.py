"""The studies of transfer: made on clean data, tested on shifted, with a headline of their own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from physrep.benchmark.directory import Bench
from physrep.cli.main import main
from physrep.report.transfer_facts import transfer_lead

TOY = {
    "simulation.trajectories": "40", "simulation.frames": "20", "simulation.resolution": "[16, 16]",
    "simulation.ranges": "{}", "training.steps": "2", "training.batch_size": "4", "num_frames": "4", "jobs": "1",
    "eval_stride": "8", "encoder_options": "{dims: [8, 8], strides: [[2, 2, 2], [2, 2, 2]], groups: 4}",
    "n_resamples": "50", "probes": "{ridge: {}}",
    "runs": "[{learner: constant}, {learner: statistics}, {learner: spectra}, {learner: random}, {learner: jepa}]",
}  # fmt: skip
SYSTEMS = {"shear_flow": "[16, 16]", "rayleigh_benard": "[32, 16]", "active_matter": "[16, 16]"}


def words(name: str, out: Path) -> list[str]:
    toy = {**TOY, "simulation.resolution": SYSTEMS[name]}
    if name == "active_matter":
        toy["data.resolution"] = "[8, 8]"
    return ["bench", f"transfer_{name}", "--out", str(out), *(w for k, v in toy.items() for w in (f"--{k}", v))]


@pytest.mark.parametrize(
    "name", ["shear_flow", *(pytest.param(n, marks=pytest.mark.slow) for n in ("rayleigh_benard", "active_matter"))]
)
def test_from_the_preset_to_its_headline(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(name, tmp_path / "out"), "--plan"]) == 0
    assert "analysis generalisation" in capsys.readouterr().out
    assert main(words(name, tmp_path / "out")) == 0
    with open(tmp_path / "out" / "analyses" / "generalisation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    noted = {row["shift"] for row in rows if row["note"]}
    scored = {row["shift"] for row in rows if not row["note"]}
    assert {"clean", "noise", "gain", "time_step", "initial_condition"} <= scored and "resolution" in scored | noted
    bench = Bench.read(tmp_path / "out")
    lead = transfer_lead(bench, bench.systems[0])
    assert lead is not None and "JEPA" in lead.verdict and f"of {len(lead.facts)} shifts" in lead.verdict
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.index("Made on clean data and tested on other") < page.index('id="table"')
    ratios = {(r["title"], r["level"]): float(r["ratio"]) for r in rows
              if r["shift"] == "gain" and r["parameter"] == "mean"}  # fmt: skip
    assert {level for _, level in ratios} == {"up to x 1.2", "up to x 2"}
