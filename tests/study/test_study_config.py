"""Settings of a study: what does not fit is one sentence, before anything is simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from physrep.cli.arguments import apply_overrides
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.files import read_yaml
from physrep.study.config import read_study_config
from tests.helpers.study_settings import tiny_study

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("study_*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    config = read_study_config(read_yaml(path), path.name)
    assert config.encoders[config.reference].kind == "pixels"


def test_defaults_of_a_study() -> None:
    config = read_study_config({k: v for k, v in tiny_study().items() if k not in ("trajectories", "splits")}, "x")
    assert config.trajectories >= 200 and config.splits >= 5


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("trajectoris", 3, "did you mean 'trajectories'"),
        ("systems.heat.sytem", "heat", "did you mean 'system'"),
        ("systems.heat.system", "heet", "did you mean 'heat'"),
        ("systems.heat.system", "gray_scott_3d", "not two-dimensional"),
        ("systems.heat.trajectories", 4, "at least 8"),
        ("systems.heat.grid", 24, "multiple of the resolution"),
        ("systems.heat.colour_range", [1.0, 0.0], "low < high"),
        ("systems.heat.matched_to", "wave", "only a set of heat can be matched"),
        ("systems.Heat", {"system": "heat", "save_dt": 0.05}, "two sets are called 'Heat' and 'heat', which"),
        ("encoders.RGB16", {"kind": "pixels", "source": "rgb16"}, "two encoders are called 'RGB16' and 'rgb16', which"),
        ("systems", {}, "at least one"),
        ("encoders.rgb16.source", "rgb15", "did you mean 'rgb16'"),
        ("encoders.rgb16.kind", "pixel", "encoders.rgb16: kind"),
        ("encoders.random_vjepa2.kind", "vjepa2", "source is missing"),
        ("encoders.random_vjepa2.training", {"stps": 3}, "did you mean 'steps'"),
        ("reference", "rgb32", "no encoder of this study"),
        ("analyses", ["koopmann"], "did you mean 'koopman'"),
        ("settings", {"kopman": {}}, "did you mean 'koopman'"),
        ("test", 1.5, "smaller than 1"),
        ("splits", "many", "splits: 'many' is not valid"),
    ],
)
def test_bad_settings_are_one_sentence(key: str, value: Any, message: str) -> None:
    with pytest.raises(PhysrepError) as error:
        read_study_config(apply_overrides(tiny_study(), {key: value}), "tiny.yaml")
    assert message in str(error.value) and str(error.value).startswith("tiny.yaml")
    assert "\n" not in str(error.value)


def test_matched_sets_take_their_settings_from_the_partner() -> None:
    values = tiny_study()
    values["systems"]["wave"] = {"system": "damped_wave"}
    values["systems"]["heat"] = {"system": "heat", "matched_to": "wave"}
    assert read_study_config(values, "x").systems["heat"].matched_to == "wave"
    values["systems"]["heat"]["save_dt"] = 0.1
    with pytest.raises(PhysrepError, match="save_dt follows from the partner"):
        read_study_config(values, "x")


def test_the_command_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "nowhere.yaml", "--out", str(tmp_path)]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["study", str(CONFIGS[0])]) == 2
    assert "--out is missing" in capsys.readouterr().err
