"""Former names of settings: read with one line that names the new one, refused beside it, silent in stored files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from physrep import renamed
from physrep.analyses.latent import read_latent
from physrep.benchmark import expand, read_config
from physrep.cli.arguments import add_device, apply_overrides, chosen_device, parser, split_overrides
from physrep.cli.main import main
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_yaml, write_yaml
from physrep.learners.jepa import JEPA
from physrep.metrics import bootstrap
from physrep.probes import PROBES
from physrep.registry import build
from physrep.run_directory import SUMMARY, load_run
from physrep.tokens.encoder_hash import encoder_hash
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from tests.helpers.small_data import TINY_ENCODER, write_waves

TINY = {"in_channels": 2, "num_frames": 4, **TINY_ENCODER}


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "_told", set())


def test_a_configuration_of_before_is_read_and_every_new_name_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    config = read_config(
        {
            "resamples": 50,
            "training": {"accumulate": 2, "clip_norm": 0.5, "mirrors": ["x"]},
            "runs": [
                {"learner": "jepa", "options": {"rows": "clips", "pairing": "any"}},
                {"learner": "finetuned", "start": "jepa", "training": {"clip_norm": 0.25}, "options": {"base": "jepa"}},
            ],
        },
        "old.yaml",
    )
    first, second = expand(config)
    told = capsys.readouterr().err
    assert config.n_resamples == 50 and first.options["level"] == "clip" and first.options["target"] == "random"
    assert (config.training.accumulate_grad_batches, config.training.gradient_clip_val) == (2, 0.5)
    assert second.init_from == "jepa" and second.training.gradient_clip_val == 0.25 and second.training.flip == ["x"]
    for new in ("n_resamples", "accumulate_grad_batches", "gradient_clip_val", "flip", "level", "target", "init_from"):
        assert told.count(f"write {new}.") == 1, new
    assert all(line.startswith(("old.yaml", "runs[")) for line in told.splitlines())


def test_two_names_of_one_setting_are_refused() -> None:
    with pytest.raises(PhysrepError, match="clip_norm and gradient_clip_val are one setting"):
        read_config({"training": {"clip_norm": 1.0, "gradient_clip_val": 1.0}}, "x")
    with pytest.raises(PhysrepError, match="are one setting"):
        split_overrides(["--training.clip_norm", "1", "--training.gradient-clip-val", "2"])


def test_options_of_parts_and_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert build("ridge", PROBES, "probe", {"penalties": (1.0,)}).alphas == (1.0,)
    p = parser("x", "x")
    p.add_argument("--init-from", type=str)
    assert p.parse_args(["--start", "run"]).init_from == "run" == p.parse_args(["--init_from", "run"]).init_from
    assert "write init_from." in capsys.readouterr().err
    # An override replaces the setting of the file, under whichever name either has it.
    stored = apply_overrides({"training": {"clip_norm": 1.0}}, {"training.gradient-clip-val": 2.0})
    assert read_config(stored, "x").training.gradient_clip_val == 2.0
    assert split_overrides(["--n-resamples", "3"], ["n_resamples"])[1] == {"n-resamples": 3}
    assert read_config({"n-resamples": 3}, "x").n_resamples == 3


def test_a_name_that_somebody_uses_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def part(rows: int, level: str = "") -> tuple[int, str]:
        return rows, level

    assert build("part", {"part": part}, "part", {"rows": 3}) == (3, "")
    assert capsys.readouterr().err == ""


def test_a_learner_that_states_its_pairing_as_before() -> None:
    class Own(JEPA):
        pairing = "any"

    assert Own.target == "random"
    learner = JEPA(**TINY)
    learner.pairing = "any"
    assert learner.target == "random"


def test_a_hash_is_that_of_the_former_names() -> None:
    assert renamed.former_attributes({"level": "clip", "target": "random", "depth": 3, "names": ("a",)}) == {
        "rows": "clips", "pairing": "any", "depth": 3, "names": ("a",),
    }  # fmt: skip
    torch.manual_seed(0)
    learner = JEPA(**TINY, level="clip", projector=(8, 4))
    now = encoder_hash(learner)
    vars(learner)["rows"], vars(learner)["pairing"] = "clips", "next"
    del vars(learner)["level"], vars(learner)["target"]
    assert encoder_hash(learner) == now


def test_a_run_of_before_is_read_and_goes_on_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = DataConfig(path=str(write_waves(tmp_path / "data")))
    options = {**TINY_ENCODER, "level": "clip", "projector": (8, 4), "target": "random"}
    short = {"options": options, "num_frames": 4, "training": TrainingConfig(steps=2, batch_size=4, probe_every=0)}
    run = pretrain("jepa", data, tmp_path / "run", **short)
    config = read_yaml(run / "config.yaml")
    for values, names in (
        (config["training"], {"accumulate_grad_batches": "accumulate", "gradient_clip_val": "clip_norm",
                              "flip": "mirrors", "transpose": "swap"}),
        (config["options"], {"level": "rows", "target": "pairing"}),
    ):  # fmt: skip
        for new, old in names.items():
            values[old] = {"clip": "clips", "random": "any"}.get(str(values[new]), values[new])
            del values[new]
    write_yaml(run / "config.yaml", config)
    capsys.readouterr()
    assert load_run(run)[0].target == "random"
    (run / SUMMARY).unlink()
    pretrain("jepa", data, run, **short)
    assert "deprecated" not in capsys.readouterr().err
    with pytest.raises(PhysrepError, match="another training"):
        pretrain("jepa", data, run, **{**short, "training": TrainingConfig(steps=2, batch_size=4, flip=["x"])})


def test_the_device_that_auto_takes_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    p = parser("x", "x")
    add_device(p)
    found = chosen_device(p.parse_args([]))
    assert capsys.readouterr().err == f"device: {found} (--device auto)\n"
    assert chosen_device(p.parse_args(["--device", "cpu"])) == "cpu" and capsys.readouterr().err == ""


def test_options_of_a_simulation_are_dotted_and_read_as_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["simulate", "heat", "--trajectories", "10", "--resolution", "8", "8", "--frames", "2", "--workers", "1"]
    assert main([*small, "--out", str(tmp_path / "a"), "--ranges.diffusivity", "[0.001, 0.002]"]) == 0
    assert "deprecated" not in capsys.readouterr().err
    assert main([*small, "--out", str(tmp_path / "b"), "--range", "diffusivity=0.001:0.002"]) == 0
    assert "write --ranges.NAME VALUE" in capsys.readouterr().err
    a, b = (read_yaml(tmp_path / folder / "heat" / "stats.yaml") for folder in "ab")
    assert a == b
    assert main([*small, "--out", str(tmp_path / "c"), "--ranges.diffusivity", "low"]) == 2
    assert "[LOW, HIGH]" in capsys.readouterr().err


def test_options_of_commands_are_spelled_with_dashes() -> None:
    for path in (Path(renamed.__file__).parent / "cli").glob("*.py"):
        assert not re.findall(r'add_argument\(\s*"--\w*_\w*"', path.read_text()), path.name


def test_functions_and_classes_take_arguments_under_their_former_names() -> None:
    values, target = np.zeros((4, 1)), np.ones((4, 1))
    with pytest.warns(DeprecationWarning, match="bootstrap: resamples is deprecated and called n_resamples"):
        old = bootstrap(values, target, [0, 0, 1, 1], resamples=7, seed=3)
    new = bootstrap(values, target, [0, 0, 1, 1], n_resamples=7, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))
    with pytest.warns(DeprecationWarning) as told:
        config = TrainingConfig(accumulate=3, clip_norm=0.5)  # pyright: ignore[reportCallIssue]
    assert config == TrainingConfig(accumulate_grad_batches=3, gradient_clip_val=0.5) and len(told) == 2
    assert Path(told[0].filename).name == "test_renamed.py"
    with pytest.warns(DeprecationWarning):
        learner = JEPA(**TINY, rows="clips", pairing="any")  # pyright: ignore[reportCallIssue]
    assert (learner.level, learner.target) == ("clip", "random")


def test_a_wrong_argument_stays_one_and_two_names_are_refused() -> None:
    with pytest.raises(TypeError, match="resampels"):
        bootstrap(np.zeros((2, 1)), np.ones((2, 1)), [0, 1], resampels=7)  # pyright: ignore[reportCallIssue]
    with pytest.raises(PhysrepError, match="are one setting"):
        TrainingConfig(accumulate=3, accumulate_grad_batches=3)  # pyright: ignore[reportCallIssue]


def test_tables_of_before_are_read_under_the_names_of_today(tmp_path: Path) -> None:
    (tmp_path / "analyses").mkdir()
    rest = "target,level,metric,value,ci_low,ci_high,per_seed\njepa-s0,heat,speed,frame,r2,0.5,0.4,0.6,[]\n"
    found = []
    for name in ("set", "system"):
        (tmp_path / "analyses" / "koopman.csv").write_text(f"run,{name},{rest}")
        found.append(read_latent(tmp_path, "koopman")[0])
    assert found[0] == found[1] and found[0][0]["set"] == "heat"
    assert renamed.current_columns({"low": 1, "ci_low": 2}) == {"low": 1, "ci_low": 2}
