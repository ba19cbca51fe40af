"""Configurations by name, from a checkout and from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from physrep.cli.main import main
from physrep.cli.presets import config_path, presets
from physrep.errors import PhysrepError

ROOT = Path(__file__).resolve().parents[2]


def test_every_configuration_is_a_preset() -> None:
    assert {path.name for path in (ROOT / "configs").glob("*.yaml")} == {path.name for path in presets().values()}


def test_names_and_old_paths_work_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_path("quick") == config_path("configs/quick.yaml") == presets()["quick"]
    (tmp_path / "quick").write_text("own")
    assert config_path("quick") == Path("quick")
    with pytest.raises(PhysrepError, match="no preset of that name; did you mean 'quick'"):
        config_path("quik")


def test_a_preset_is_read_and_overridden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "quick", "--print_config", "--training.steps", "7"]) == 0
    said = capsys.readouterr()
    assert "steps: 7" in said.out and "the preset quick of the package" in said.err
    assert main(["list", "presets"]) == 0
    assert "study_heat" in capsys.readouterr().out


@pytest.mark.slow
def test_the_wheel_runs_in_an_empty_folder(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "wheel"), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = (tmp_path / "wheel").glob("physrep-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)], check=True)
    (tmp_path / "empty").mkdir()
    plan = subprocess.run(
        [sys.executable, "-m", "physrep", "bench", "quick", "--plan"],
        cwd=tmp_path / "empty",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plan.returncode == 0, plan.stderr
    assert "train jepa_published-s0" in plan.stdout and not list((tmp_path / "empty").iterdir()), "nothing is written"
    small = {
        "simulation.trajectories": "30", "simulation.frames": "20", "simulation.resolution": "[16, 16]",
        "training.steps": "2", "num_frames": "4", "jobs": "1", "analyses": "{}", "system": "heat",
        "runs": "[{learner: constant}, {learner: statistics}, {learner: jepa}]", "probes": "{ridge: {}}",
        "simulation.ranges": "{}", "training.flip": "[]", "training.shift": "false", "scales": "{}",
    }  # fmt: skip
    options = [word for name, value in small.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "physrep", "bench", "quick", *options],
        cwd=tmp_path / "empty",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "empty" / "runs" / "quick" / "report.html").is_file()
