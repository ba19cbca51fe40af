"""The documentation says what the code does: keys and defaults, links, and examples that run."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import yaml

from physrep.benchmark import BenchConfig, RunConfig
from physrep.data import check
from physrep.data.config import DataConfig
from physrep.executors import ClusterConfig
from physrep.metrics import bootstrap
from physrep.simulation import SimulationConfig
from physrep.training.config import TrainingConfig
from tests.helpers.learner_clips import CONV, make_clip
from tests.helpers.small_data import decaying_waves, write_waves

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SECTIONS = {
    "Top level": BenchConfig,
    "`simulation`": SimulationConfig,
    "`data`": DataConfig,
    "`training`": TrainingConfig,
    "`runs`": RunConfig,
    "`cluster`": ClusterConfig,
}


def blocks(page: str, first_line: str = "") -> list[str]:
    """Python examples of a page that contain ``first_line``."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if first_line in block]


def run(block: str, name: str = "example", package: str = "") -> dict[str, Any]:
    """Names that an example defines; with a package it is executed as a module of it."""
    scope: dict[str, Any] = {"__name__": name, "__package__": package}
    exec(compile(block, name, "exec"), scope)
    return scope


@pytest.mark.parametrize("title", SECTIONS)
def test_every_setting_is_listed_with_its_default(title: str) -> None:
    text = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.split(f"### {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*?)\|", section, re.MULTILINE))
    settings = {
        f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(SECTIONS[title])
    }
    assert list(rows) == list(settings)
    for name, default in settings.items():
        if shown := rows[name].strip(" `"):
            assert yaml.safe_load(shown) == default, name
        else:
            assert default is MISSING or name in ("simulation", "data", "training", "cluster", "search")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere_and_no_path_is_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        assert target.startswith("https://") or (page.parent / target).exists(), target
    assert not re.search(r"(?<![\w.])/(work|tmp|home|root|mnt)/", text)


def test_own_hdf5_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw, n, frames, shape = np.random.default_rng(0), 12, 20, (16, 24)
    with h5py.File("mine.h5", "w") as file:
        for name in ("rho", "u", "v"):
            file[name] = draw.normal(size=(n, frames, *shape)).astype("f4")
        file["nu"], file["t"] = draw.uniform(0.1, 1.0, n), 0.1 * np.arange(frames)
        file["x"], file["y"] = np.arange(shape[0]) / shape[0], np.linspace(0, 1, shape[1])
    write, read = blocks("docs/data_format.md")
    run(write)
    assert not check("my_flow")
    clip = run(read)["clip"]
    assert clip.fields.shape == (4, 2, 16, 64, 64) and clip.channels == ("velocity_x", "velocity_y")


def test_own_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    write_waves(tmp_path / "data").rename(tmp_path / "data/shear_flow")
    module, _, script = blocks("docs/own_encoder.md")
    Path("my_encoder.py").write_text(module)
    try:
        rows = run(script)["rows"]
    finally:
        sys.modules.pop("my_encoder", None)
    assert set(rows["parameter"]) == {"rate", "mean"}


def test_recipe_of_a_system() -> None:
    (block,) = blocks("CONTRIBUTING.md", "class Diffusion")
    system = run(block, "physrep.systems.diffusion", "physrep.systems")["Diffusion"]()
    kappa = torch.tensor([1e-3, 1e-2], dtype=torch.float64)
    result = system.simulate({"diffusivity": kappa}, [1, 1], resolution=(32, 32), frames=3, dtype=torch.float64)
    amplitude = torch.fft.rfft2(result.fields["concentration"])[:, :, 2, 1].abs()
    expected = torch.exp(-kappa * (2 * torch.pi) ** 2 * 5 * 0.2)
    torch.testing.assert_close(amplitude[:, 2] / amplitude[:, 0], expected, rtol=1e-6, atol=0)


def test_recipe_of_a_learner() -> None:
    (block,) = blocks("CONTRIBUTING.md", "class NextSpread")
    learner = run(block, "physrep.learners.next_spread", "physrep.learners")["NextSpread"](3, 8, **CONV)
    learner.loss(make_clip(frames=16))["loss"].backward()
    assert all(parameter.grad is not None for parameter in learner.parameters())
    assert learner.encode(make_clip()).shape[2] == learner.embed_dim


def test_recipe_of_a_probe() -> None:
    (block,) = blocks("CONTRIBUTING.md", "class PartialLeastSquaresProbe")
    tokens = torch.randn(40, 3, 4, generator=torch.Generator().manual_seed(0))
    labels = tokens.mean(1)[:, :2]
    scope = run(block, "physrep.probes.partial_least_squares", "physrep.probes")
    probe = scope["PartialLeastSquaresProbe"](components=(1, 4))
    probe.fit(tokens[:30], labels[:30], tokens[30:], labels[30:])
    assert probe.best_params_["components"] == 4
    torch.testing.assert_close(probe.predict(tokens), labels, rtol=0, atol=1e-5)


def test_recipe_of_a_metric() -> None:
    block, _ = blocks("CONTRIBUTING.md", "rmse")
    scope = run(block, "physrep.metrics.rmse", "physrep.metrics")
    prediction, target = np.array([[1.0], [2.0], [4.0]]), np.array([[0.0], [2.0], [0.0]])
    found = bootstrap(prediction, target, [0, 0, 1], scope["RMSE"], n_resamples=20)
    assert found.value == pytest.approx([*scope["rmse"](prediction, target)] * 2)


def test_the_python_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = blocks("README.md", "physrep.pretrain")
    for shown, small in (
        ("trajectories=300", 'trajectories=20, ranges={"Reynolds": [20, 90]}'),
        ("[32, 64]", "[16, 32]"),
        ("steps=200", "steps=3, batch_size=4"),
    ):
        assert shown in block
        block = block.replace(shown, small)
    monkeypatch.chdir(tmp_path)
    rows = run(block)["rows"]
    assert set(rows["parameter"]) == {"Reynolds", "Schmidt", "mean"} and set(rows["split"]) == {"valid", "test"}


def test_arrays_and_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("docs/convert.md")
    scope = run(block)
    assert len(scope["recording"]) == 30 and not [fault for fault in check("flow.hdf5") if fault.severity == "error"]


def test_from_netcdf_to_parameters_with_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    xarray = pytest.importorskip("xarray")
    whole = decaying_waves(130, 12)
    names = ("sample", "time", "x", "y")
    fields = {
        "tracer": (names, whole.fields["tracer"].numpy()),
        "viscosity": (("sample",), whole.parameters["rate"].numpy()),
    }
    axes = {"time": whole.time.numpy(), **{axis: values.numpy() for axis, values in whole.coordinates.items()}}
    xarray.Dataset(fields, {**axes, "sample": np.arange(130)}).to_netcdf(tmp_path / "flows.nc", engine="h5netcdf")
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("README.md", "flows.nc")
    assert "ParameterEstimator()" in block
    scope = run(block.replace("ParameterEstimator()", 'ParameterEstimator("statistics", probes=("ridge",))'))
    assert scope["estimator"].parameters_ == ("viscosity",), "the numbers of the samples are no parameter"
    truth = whole.parameters["rate"].numpy()[100:]
    estimate, low, high = (scope[name].reshape(len(truth)) for name in ("estimate", "low", "high"))
    assert np.abs(np.log(estimate / truth)).mean() < 0.3
    assert ((low <= truth) & (truth <= high)).mean() > 0.7
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("viscosity ")]) == 30
