"""A complete study in seconds: its files, its answers, killed and gone on, without weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.learners import FrozenVideo
from physrep.study.config import read_study_config
from physrep.study.context import outer_folds
from physrep.study.data import prepare
from physrep.study.embed import colour_scales
from physrep.study.run import study
from physrep.tokens import LatentTrajectories, TokenStore
from tests.helpers.study_settings import tiny_study

FILES = (
    "fit_summary.txt",
    "fit_metrics.json",
    "pixel_falsification_summary.txt",
    "pixel_falsification_metrics.json",
    "study.html",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A study with a missing pretrained model among its encoders."""
    values = tiny_study()
    values["encoders"]["vjepa2"] = {"kind": "vjepa2", "source": "nowhere/vjepa2"}
    values["analyses"] = ["parameters", "koopman", "spatial_head", "falsification"]
    out = tmp_path_factory.mktemp("study") / "out"
    return out, study(read_study_config(values, "x"), out)


def test_a_study_writes_its_files_and_says_its_answers(finished: tuple[Path, str]) -> None:
    out, text = finished
    for name in FILES:
        assert (out / name).stat().st_size > 200, name
    metrics = json.loads((out / "fit_metrics.json").read_text())
    assert metrics["answers"] and all(row["splits"] is not None for row in metrics["scores"])
    assert {row["modality"] for row in metrics["scores"]} == {"random_vjepa2", "rgb16"}
    assert "diffusivity of heat" in text and str(out / "study.html") in text
    page = (out / "study.html").read_text()
    assert page.index("How sure") < page.index("What the models see") and 'src="http' not in page
    assert list((out / "videos").glob("heat_00.*"))


def test_missing_weights_are_one_sentence_and_the_study_goes_on(finished: tuple[Path, str]) -> None:
    lines = [line for line in finished[1].splitlines() if "vjepa2 is left out" in line]
    assert len(lines) == 1 and "nowhere/vjepa2" in lines[0]


def test_stores_hold_a_record_per_simulation(finished: tuple[Path, str]) -> None:
    tokens = TokenStore.open(finished[0] / "embeddings" / "random_vjepa2")
    store = LatentTrajectories.of(tokens)
    assert store.frames.shape == (24, 6, 24) and store.grid is not None and store.grid.shape == (24, 6, 2, 2, 24)
    assert tokens.trajectory.tolist() == list(range(24)) and tokens.parameter_names == ("diffusivity",)
    assert len(np.unique(tokens.labels)) == 24


def test_a_killed_study_goes_on_to_the_same_numbers(
    finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = tiny_study()
    values["analyses"] = ["parameters", "koopman", "spatial_head", "falsification"]
    config = read_study_config(values, "x")
    calls = 0
    whole = FrozenVideo.encode

    def dies(self: Any, clip: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return whole(self, clip)

    monkeypatch.setattr(FrozenVideo, "encode", dies)
    with pytest.raises(KeyboardInterrupt):
        study(config, tmp_path / "out")
    study(config, tmp_path / "out")
    for name in ("fit_metrics.json", "pixel_falsification_metrics.json"):
        assert (tmp_path / "out" / name).read_text() == (finished[0] / name).read_text()


def test_another_study_in_the_same_folder_is_refused(finished: tuple[Path, str]) -> None:
    values = tiny_study()
    values["seed"] = 1
    with pytest.raises(PhysrepError, match="another 'seed'"):
        study(read_study_config(values, "x"), finished[0])


def test_matched_pairs_start_alike_and_share_their_colours(tmp_path: Path) -> None:
    values = tiny_study()
    values["systems"] = {
        "wave": {"system": "damped_wave", "save_dt": 0.05},
        "heat": {"system": "heat", "matched_to": "wave"},
    }
    values["render"] = {}
    config = read_study_config(values, "x")
    data = prepare(config, tmp_path)
    wave, heat = data.rows("wave"), data.rows("heat")
    assert np.array_equal(data.fields[wave, 0], data.fields[heat, 0])
    assert not np.array_equal(data.fields[wave, -1], data.fields[heat, -1])
    assert [data.simulations[i]["pair"] for i in wave] == [data.simulations[i]["pair"] for i in heat]
    for name, rows in (("wave", wave), ("heat", heat)):
        for parameter in data.sets[name]["parameters"]:
            assert len(np.unique(data.parameter(parameter, rows))) == 24, "every parameter varies"
    again = prepare(config, tmp_path)
    assert list(again.sets) == ["wave", "heat"] and list(again.sets["wave"]["parameters"]) == ["wave_speed", "damping"]
    assert np.array_equal(outer_folds(config, again, 1), outer_folds(config, data, 1))
    scales = colour_scales(config, data)
    assert scales["wave"] == scales["heat"] and scales["wave"].low == -scales["wave"].high


def test_the_unstable_published_data_are_made_on_request(tmp_path: Path) -> None:
    values = tiny_study()
    values["systems"] = {"unstable": {"system": "heat_ftcs"}}
    data = prepare(read_study_config(values, "x"), tmp_path)
    alpha = data.parameter("diffusivity", np.arange(24))
    assert alpha.min() < 2.5 < alpha.max()
    rough = np.abs(np.diff(np.asarray(data.fields[:, -1]), axis=1)).mean((1, 2))
    assert rough[alpha > 3.5].min() > 10 * rough[alpha < 2.5].max()
    assert data.fields.min() >= 0 and data.fields.max() <= 1


def test_an_own_encoder_is_trained_on_other_simulations_and_read_from_its_run(tmp_path: Path) -> None:
    values = tiny_study()
    values["encoders"] = {
        "jepa": {
            "kind": "pretrain",
            "source": "jepa",
            "num_frames": 4,
            "trajectories": 20,
            "options": {
                "encoder": "conv3d",
                "encoder_options": {"dims": [8, 8], "strides": [[2, 2, 2], [1, 2, 2]], "groups": 4},
            },
            "training": {"steps": 2, "batch_size": 4, "checkpoint_every": 2, "probe_every": 2},
        },
        "rgb16": values["encoders"]["rgb16"],
    }
    values["analyses"], values["render"] = ["parameters"], {"colour_range": [0.0, 1.0]}
    study(read_study_config(values, "x"), tmp_path / "first")
    probed = json.loads((tmp_path / "first/simulations/simulations.json").read_text())["simulations"]
    trained = json.loads((tmp_path / "first/pretraining/simulations/simulations.json").read_text())["simulations"]
    used = {own["parameters"]["diffusivity"] for own in probed}
    assert len(trained) == 20 and used.isdisjoint(own["parameters"]["diffusivity"] for own in trained)
    store = LatentTrajectories.of(TokenStore.open(tmp_path / "first/embeddings/jepa"))
    assert store.times.tolist() == [1.5, 3.5, 5.5, 7.5, 9.5]
    values["encoders"]["jepa"] = {"kind": "run", "source": str(tmp_path / "first/encoders/jepa")}
    study(read_study_config(values, "x"), tmp_path / "second")
    again = LatentTrajectories.of(TokenStore.open(tmp_path / "second/embeddings/jepa"))
    assert np.array_equal(store.frames, again.frames)


def test_several_equations_are_classified_named_and_shown(tmp_path: Path) -> None:
    values = tiny_study()
    values["frames"], values["trajectories"] = 32, 12
    values["systems"] = {
        "wave": {"system": "damped_wave", "save_dt": 0.05},
        "heat": {"system": "heat", "matched_to": "wave"},
        "unstable": {"system": "heat_ftcs"},
    }
    values["render"] = {}
    values["encoders"] = {
        "statistics": {"kind": "statistics", "num_frames": 2, "stride": 2},
        "rgb16": {"kind": "pixels", "source": "rgb16"},
    }
    values["analyses"] = ["naming", "classification", "parameters", "koopman", "spatial_head"]
    study(read_study_config(values, "x"), tmp_path)
    made = {path.name for path in (tmp_path / "figures").glob("*.png")}
    wanted = ("confusion", "naming", "classification", "spectrum", "sweep", "order", "rollout", "instability_unstable")
    assert made >= {f"{name}.png" for name in wanted}
    scores = json.loads((tmp_path / "fit_metrics.json").read_text())["scores"]
    targets = {row["target"] for row in scores if row["analysis"] == "koopman"}
    assert targets >= {
        "order 1",
        "order 2",
        "shuffled time, order 1",
        "shared operator",
        "own operator",
        "4 components",
    }
    distances = [row["high"] for row in scores if row["metric"] == "dmd_distance"]
    assert distances and np.median(distances) < 1e-3
    # Every score of a probe and of dynamics has an interval over simulations.
    bare = [r for r in scores if r["low"] is None and r["metric"] not in ("chance",)]
    assert not bare, bare[:3]


def test_a_setting_that_an_analysis_does_not_have_is_named(tmp_path: Path) -> None:
    values = tiny_study()
    values["encoders"] = {"rgb16": values["encoders"]["rgb16"]}
    values["settings"], values["analyses"] = {"koopman": {"componants": 4}}, ["koopman"]
    with pytest.raises(PhysrepError, match="did you mean 'components'"):
        study(read_study_config(values, "x"), tmp_path)
