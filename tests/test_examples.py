"""The examples run as their README lines say, at toy size."""

from __future__ import annotations

import csv
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from physrep.cli.main import main
from physrep.report import page

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SHORT = ["--jobs", "1", "--n-resamples", "50", "--training.steps", "2", "--training.batch_size", "4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A copy of the example, in which the test works."""
    copy = tmp_path / str(request.param)
    shutil.copytree(EXAMPLES / str(request.param), copy, ignore=shutil.ignore_patterns("runs", "data", "*.h5"))
    monkeypatch.chdir(copy)
    monkeypatch.setattr(page, "save_figure", lambda *_, **__: "data:image/png;base64,")  # pages have tests of their own
    monkeypatch.setattr(sys, "path", [str(copy), *sys.path])
    return copy


def script(name: str, *arguments: str) -> None:
    """Run a script as the command line would."""
    before = sys.argv
    sys.argv = [name, *arguments]
    try:
        runpy.run_path(name, run_name="__main__")
    finally:
        sys.argv = before


def bench(*overrides: str) -> list[dict[str, str]]:
    """Rows of the test split of a short run of ``bench.yaml``."""
    assert main(["bench", "bench.yaml", "--out", "runs", *SHORT, *overrides]) == 0
    with open("runs/results.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == "test"]


@pytest.mark.parametrize("folder", ["own_data"], indirect=True)
def test_own_data(folder: Path) -> None:
    script("make_source.py", "source.h5", "40", "14", "16")
    assert main(["check", "source.h5"]) == 1, "the source is not in The Well's layout"
    script("convert.py")
    assert main(["check", "spots"]) == 0
    rows = bench()
    assert {row["parameter"] for row in rows} == {"diffusivity", "speed", "mean"}
    assert {row["learner"] for row in rows} == {"constant", "statistics", "random", "jepa", "supervised"}
    # How far a spot has spread is to be seen in any single frame: field statistics tell the diffusivity.
    (spread,) = [float(row["value"]) for row in rows if (row["learner"], row["parameter"], row["metric"], row["level"])
                 == ("statistics", "diffusivity", "mse", "trajectory")]  # fmt: skip
    assert spread < 0.5


@pytest.mark.parametrize("folder", ["own_encoder"], indirect=True)
def test_own_encoder(folder: Path) -> None:
    try:
        rows = bench(
            "--simulation.trajectories", "20", "--simulation.resolution", "[16, 16]", "--simulation.frames", "12"
        )
    finally:
        sys.modules.pop("my_module", None)
    encoders = {row["run"]: row["encoder"] for row in rows}
    assert encoders["mine_jepa-s0"] == encoders["mine_untrained-s0"] == "my_module:MyEncoder"


@pytest.mark.parametrize("folder", ["own_labels"], indirect=True)
def test_own_labels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate = ["simulate", "shear_flow", "--out", "data", "--trajectories", "20", "--resolution", "16", "32"]
    assert main([*simulate, "--frames", "20", "--range", "Reynolds=20:90"]) == 0
    script("label.py", "data/shear_flow")
    rows = bench()
    assert {row["parameter"] for row in rows} == {"Reynolds", "variance_left", "state", "state=unmixed", "mean"}
    scored = {(row["probe"], row["metric"]) for row in rows if row["parameter"] == "state"}
    assert {("logistic", "accuracy"), ("logistic", "macro_f1"), ("ridge", "accuracy")} <= scored
    assert (
        main(["predict", str(Path("runs") / "runs" / "statistics-s0"), "data/shear_flow", "--probe", "logistic"]) == 0
    )
    lines = Path("labels.csv").read_text().splitlines()
    Path("labels.csv").write_text("\n".join(lines[:-1]) + "\n")
    capsys.readouterr()
    assert main(["bench", "bench.yaml", "--out", "again", *SHORT]) == 2
    assert "is known for 1 of 2 trajectories" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.* of .* trajectories lie outside:UserWarning")
@pytest.mark.parametrize("folder", ["estimator"], indirect=True)
def test_estimator(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        script("estimate.py", "60")
    finally:
        sys.modules.pop("vorticity", None)
    said = capsys.readouterr().out
    assert "True" in said and "noise instead of a flow: outside" in said
    scores = [float(line.rsplit(":", 1)[1]) for line in said.splitlines() if "R2" in line]
    assert len(scores) == 2 and min(scores) > 0.8


@pytest.mark.parametrize("folder", ["equation"], indirect=True)
def test_equation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("burgers.py", "30")
    assert main(["convert", "burgers.npz", "burgers", "--periodic", "x"]) == 0
    assert (
        main(["pretrain", "operator_discovery", "--data", "burgers", "--out", "runs/burgers", "--num_frames", "8"]) == 0
    )
    capsys.readouterr()
    assert main(["equation", "runs/burgers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 parameter varies between trajectories."
    viscous, advection = (line.split() for line in lines[3:5])
    assert viscous[-3:] == ["d_xx(u)", "kept", "100%"] and advection[1:3] == ["d_x(u", "u)"]
    assert float(advection[0]) == pytest.approx(-0.5, abs=1e-3) and not lines[5].strip()
