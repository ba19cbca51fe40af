"""The oracle as a learner and as a row of a benchmark."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.clip import Clip
from physrep.data import write_stats, write_well
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS, PDERegression
from physrep.report import build_report
from physrep.run_directory import load_run, prepare_learner
from physrep.systems import SYSTEMS
from tests.helpers.oracle_clips import noisy, windows


def learner_of(system: str, channels: int) -> PDERegression:
    return PDERegression(channels, system, num_frames=8)


def test_one_token_holds_the_parameters_on_their_scales():
    clip = windows("advection_diffusion")
    tokens = learner_of("advection_diffusion", 1).encode(clip)
    true = clip.parameters.clone()
    true[:, 2] = true[:, 2].log10()
    assert tokens.shape == (3, 1, 3) and tokens.dtype == torch.float32
    torch.testing.assert_close(tokens[:, 0].double(), true, rtol=0.02, atol=0.01)


def test_channels_are_read_by_name_and_windows_by_themselves():
    clip, order = windows("shear_flow"), [2, 0, 3, 1]
    learner = learner_of("shear_flow", 4)
    learner.set_normalisation(clip.channels, [5.0] * 4, [3.0] * 4)  # physical fields are read, whatever this says
    found = learner.encode(clip)
    permuted = replace(clip, fields=clip.fields[:, order], channels=tuple(clip.channels[i] for i in order))
    torch.testing.assert_close(learner.encode(permuted), found)
    torch.testing.assert_close(learner.encode(replace(clip, fields=clip.fields[1:2]))[0], found[1])


def test_noise_is_moved_into_the_declared_ranges():
    clip = noisy(windows("heat"), 20.0)
    (parameter,) = SYSTEMS["heat"].parameters
    (value,) = learner_of("heat", 1).estimate(clip).values()
    assert ((value >= parameter.low) & (value <= parameter.high)).all()
    assert learner_of("heat", 1).encode(clip).isfinite().all()


def test_what_cannot_be_done_is_said():
    clip = windows("heat")
    learner = learner_of("heat", 1)
    with pytest.raises(PhysrepError, match="nothing to train"):
        learner.loss(clip)
    with pytest.raises(PhysrepError, match="clips of 8 frames"):
        learner.encode(clip.frames(0, 7))
    with pytest.raises(PhysrepError, match="at least 4"):
        PDERegression(1, "heat", num_frames=3)
    with pytest.raises(PhysrepError, match="no oracle for system 'waves'"):
        PDERegression(1, "waves")
    with pytest.raises(PhysrepError, match="needs the channel 'temperature'"):
        learner.encode(replace(clip, channels=("heat",)))


@pytest.fixture(scope="module")
def heat_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "heat"
    system = SYSTEMS["heat"]
    for number, (split, count) in enumerate({"train": 8, "valid": 4, "test": 6}.items()):
        seeds = list(range(100 * number, 100 * number + count))
        drawn = system.draw_parameters(seeds, (32, 32), {"diffusivity": (1e-3, 1e-2)})
        made = system.simulate(drawn, seeds, resolution=(32, 32), frames=12, save_dt=0.02)
        write_well(root / "data" / split / "heat_0000.hdf5", made)
    write_stats(root)
    return root


def benched(data: Path, out: Path, **run: object) -> list[dict[str, str]]:
    settings = {
        "system": "heat",
        "data": {"path": str(data), "cache_dir": str(out / "cache")},
        "num_frames": 8,
        "eval_stride": 4,
        "runs": [{"learner": "pde_regression", **run}, {"learner": "statistics"}],
        "probes": {"ridge": {}},
        "n_resamples": 50,
        "jobs": 1,
    }
    with open(bench(read_config(settings, "test"), out), newline="") as file:
        return [row for row in csv.DictReader(file) if row["learner"] == "pde_regression" and row["metric"] == "mse"]


def test_a_benchmark_scores_the_direct_estimate(heat_data: Path, tmp_path: Path):
    rows = benched(heat_data, tmp_path)
    assert {(row["probe"], row["split"]) for row in rows} == {
        (p, s) for p in ("ridge", "direct") for s in ("valid", "test")
    }
    assert all(float(row["value"]) < 1e-3 for row in rows if row["probe"] == "direct")
    learner, config = load_run(tmp_path / "runs" / "pde_regression-s0")
    assert config["system"] == "heat" and isinstance(learner, PDERegression) and not learner.needs_labels
    assert "Oracle (equation given)" in build_report(tmp_path).read_text(encoding="utf-8")


def test_a_wrong_system_is_seen_in_the_direct_score(heat_data: Path, tmp_path: Path):
    with pytest.raises(PhysrepError, match="needs the channel 'concentration'"):
        benched(heat_data, tmp_path, options={"system": "advection_diffusion"})


class Half(PDERegression):
    """An oracle that knows only some of the parameters."""

    def estimate(self, clip: Clip) -> dict[str, torch.Tensor]:
        return {"another": super().estimate(clip)["diffusivity"]}


def test_a_parameter_that_is_not_estimated_is_named(heat_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LEARNERS, "pde_regression", Half)
    monkeypatch.setattr(Half, "encode", lambda self, clip: torch.zeros(len(clip), 1, 1))
    with pytest.raises(PhysrepError, match="not 'diffusivity'"):
        benched(heat_data, tmp_path)


def test_other_learners_keep_their_configuration(heat_data: Path, tmp_path: Path):
    """A run's config.yaml gains a system only where the learner asks for it: finished runs stay finished."""
    from physrep.data.config import DataConfig
    from physrep.run_directory import learner_config

    data = DataConfig(path=str(heat_data), cache_dir=str(tmp_path))
    train = data.open("train")
    plain = learner_config("statistics", {}, 8, train, {"diffusivity": "log"}, data, 0)
    asked = learner_config("pde_regression", {}, 8, train, {"diffusivity": "log"}, data, 0)
    assert "system" not in plain and asked["system"] == "heat"
    assert isinstance(prepare_learner(asked, train), PDERegression)
