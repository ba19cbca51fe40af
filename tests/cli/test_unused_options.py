"""Whatever a command does not use is refused: an option that is swallowed is a setting that the user believes in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from physrep.cli.main import COMMANDS, main
from physrep.data.config import DataConfig
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from tests.helpers.small_data import TINY_ENCODER, write_waves

NONSENSE = ("--nonsense", "--training.nonsense", "--options.nonsense", "--data.nonsense", "--nonsense.nonsense")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "jepa"
    training = TrainingConfig(steps=1, batch_size=8, probe_every=0)
    return pretrain("jepa", DataConfig(path=str(data)), out, options=TINY_ENCODER, num_frames=4, training=training)


def words(command: str, data: Path, run: Path, out: Path) -> list[str]:
    """A call of ``command`` that would work."""
    config = out / "config.yaml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(f"data: {{path: {data}}}\nnum_frames: 4\nruns: [{{learner: constant}}]\n")
    weights = out / "weights.pth"
    torch.save({"a": torch.zeros(1)}, weights)
    required = {
        "simulate": ["heat", "--out", str(out / "x")],
        "check": [str(data)],
        "pretrain": ["jepa", "--data", str(data), "--out", str(out / "x"), "--num_frames", "4"],
        "import-checkpoint": [str(weights), "--as", "jepa", "--out", str(out / "x"), "--dataset", "shear_flow"],
        "embed": [str(run), "--out", str(out / "tokens")],
        "probe": [str(run), "--out", str(out / "tokens")],
        "score": [str(run), "--out", str(out / "x")],
        "predict": [str(run), str(data)],
        "fit": [str(data), str(out / "x")],
        "convert": [str(data), str(out / "x")],
        "bench": [str(config), "--out", str(out / "x")],
        "calibrate": [str(config), "--out", str(out / "x")],
        "study": ["configs/study_heat.yaml", "--out", str(out / "x")],
        "report": [str(out)],
        "compare": [str(out), "--out", str(out / "x")],
        "leaderboard": [str(out)],
        "list": [],
    }
    return [command, *required.get(command, [])]


@pytest.mark.parametrize("option", NONSENSE)
@pytest.mark.parametrize("command", COMMANDS)
def test_nonsense_is_refused_before_anything_is_written(
    command: str, option: str, data: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words(command, data, run, tmp_path / "w"), option, "1"]) == 2
    error = re.sub("^device: .*\n", "", capsys.readouterr().err)
    assert ("nonsense" in error or "there is no setting" in error) and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "w" / "x").exists() and not (tmp_path / "w" / "tokens").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["probe", "RUN", "--num_frames", "8"], "num_frames"),
        (["probe", "RUN", "--resolution", "8", "8"], "resolution"),
        (["embed", "RUN", "--fields", "height"], "fields"),
        (["probe", "RUN", "--training.steps", "3"], "training.steps"),
        (["import-checkpoint", "F", "--as", "jepa", "--out", "OUT", "--training.steps", "3"], "training.steps"),
        (["import-checkpoint", "F", "--as", "jepa", "--out", "OUT", "--resolution", "8", "8"], "resolution"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--data.path", "elsewhere"], "data.path"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--simulation.frames", "3"], "simulation.frames"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--crop", "paper", "--data.crop", "paper"], "crop"),
        (["simulate", "heat", "--out", "OUT", "--frame", "3"], "frame"),
        (["simulate", "heat", "--out", "OUT", "--from", "F", "--trajectories", "3"], "trajectories"),
        (["list", "probes", "ridge"], "ridge"),
    ],
)
def test_options_without_effect_are_refused(
    arguments: list[str], named: str, data: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"RUN": run, "DATA": data, "OUT": tmp_path / "out", "F": tmp_path / "f"}
    assert main([str(places.get(word, word)) for word in arguments]) == 2
    error = re.sub("^device: .*\n", "", capsys.readouterr().err)
    assert named in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
