"""PDEInvBench and RealPDEBench: miniature files of their layout become data, and their presets score them."""

from __future__ import annotations

import csv
import itertools
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

import tests.helpers.pdeinvbench_files as inverse
from physrep.cli.main import main
from physrep.cli.presets import presets
from physrep.data import WellFile
from physrep.data.convert import open_any

SMALL = [
    "--training.steps", "2", "--training.batch_size", "4", "--training.probe_every", "0", "--jobs", "1",
    "--n-resamples", "50", "--analyses", "{}", "--probes", "{ridge: {}}",
    "--encoder_options", "{dims: [8, 16], strides: [[2, 2, 2], [2, 2, 2]], groups: 4}",
]  # fmt: skip


def commands(preset: str, source: Path, root: Path) -> list[list[str]]:
    """What the head of the preset says, with folders of this test."""
    found = [line for line in presets()[preset].read_text().splitlines() if line.startswith("# physrep ")]
    kept = {"DIR": str(root), "DT": "0.1", "DX": "0.5"}
    words = [shlex.split(line.removeprefix("# physrep ")) for line in found]
    return [[_placed(word, source, kept) for word in line] for line in words]


def _placed(word: str, source: Path, kept: dict[str, str]) -> str:
    if word.startswith("SRC/"):
        return str(source)
    first, slash, rest = word.partition("/")
    return kept.get(first, first) + slash + rest


def runs_of(preset: str, *learners: str) -> list[str]:
    rows = [run for run in yaml.safe_load(presets()[preset].read_text())["runs"] if run["learner"] in learners]
    assert len(rows) == len(learners)
    return ["--runs", yaml.safe_dump(rows, default_flow_style=True, width=10**6).strip()]


def scores(out: Path, run: str, parameter: str, probe: str) -> float:
    with open(out / "results.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["run"] == run and row["probe"] == probe]
    wanted = {"split": "test", "metric": "mse", "level": "trajectory", "parameter": parameter}
    return float(next(row["value"] for row in rows if all(row[key] == value for key, value in wanted.items())))


def reaction_files(root: Path) -> Path:
    """Cells inside of the training range in three folders, others in the two that are out of distribution."""
    rng, seeds = np.random.default_rng(0), itertools.count()
    for folder in inverse.FOLDERS:
        low, high = (0.02, 0.08) if "out" not in folder else (0.1, 0.12)
        for _ in range(8 if folder == "train" else 3):
            du, dv, k = (round(float(rng.uniform(*span)), 4) for span in ((low, high), (low, high), (0.01, 0.09)))
            data = [inverse.reaction_diffusion(du, dv, k, seed=next(seeds), n=24) for _ in range(2)]
            inverse.write_groups(root / folder / f"Du={du}_Dv={dv}_k={k}.h5", data, 0.05, -1.0, 2.0)
    return root


def any_files(preset: str, source: Path) -> None:
    """Files of the preset's layout with random numbers, named after their parameters."""
    rng, number = np.random.default_rng(0), itertools.count(1)
    for folder in inverse.FOLDERS if "inv" in preset else ("",):
        for _ in range(6):
            own, value = folder, next(number)
            if preset == "pdeinvbench_reaction_diffusion":
                path = source / own / f"Du=0.{value:02d}_Dv=0.2_k=0.05.h5"
                inverse.write_groups(path, list(rng.standard_normal((2, 8, 12, 12, 2))), 0.05, -1.0, 2.0)
            elif preset == "pdeinvbench_navier_stokes":
                inverse.write_solutions(
                    source / own / f"{value}.0.h5", list(rng.standard_normal((2, 8, 12, 12, 1))), 0.1, 1.0
                )
            elif preset == "pdeinvbench_korteweg_de_vries":
                path = source / own / f"delta={1 + value / 10}_ic=4.h5"
                inverse.write_solutions(path, list(rng.standard_normal((2, 8, 32))), 0.7, 100.0)
            elif preset == "pdeinvbench_turbulent_flow":
                path = source / own / f"nu=0.00{value:02d}.h5"
                inverse.write_groups(path, list(rng.standard_normal((2, 8, 12, 12, 1))), 0.25, 0.0, 6.0)
            else:
                source.mkdir(exist_ok=True)
                with h5py.File(source / f"{value}.h5", "w") as file:
                    file["measured_data/u"], file["measured_data/v"] = rng.standard_normal((2, 8, 12, 16))


@pytest.mark.parametrize(
    ("preset", "channels", "first"),
    [
        ("pdeinvbench_reaction_diffusion", ("u", "v"), {"Du": 0.01, "Dv": 0.2, "k": 0.05}),
        ("pdeinvbench_navier_stokes", ("vorticity",), {"re": 1.0}),
        ("pdeinvbench_turbulent_flow", ("vorticity",), {"nu": 0.0001}),
        ("pdeinvbench_korteweg_de_vries", ("u",), {"delta": 1.1, "ic": 4.0}),
        ("realpdebench_cylinder", ("velocity_x", "velocity_y"), {"Reynolds": None}),
    ],
)
def test_the_command_of_the_preset_reads_the_layout(
    preset: str, channels: tuple[str, ...], first: dict[str, float | None], tmp_path: Path
) -> None:
    any_files(preset, tmp_path / "source")
    convert, _ = commands(preset, tmp_path / "source", tmp_path / "in")
    assert main(convert) == 0
    with WellFile(next((tmp_path / "in" / preset / "data" / "train").glob("*.hdf5"))) as file:
        assert file.channels == channels and file.dataset_name == preset and file.axes == ("x", "y")[: len(file.axes)]
        assert len(file.axes) == 1 + ("korteweg" not in preset)
        assert list(file.parameters) == list(first)
        for name, value in first.items():
            assert value is None or file.parameters[name].min() == pytest.approx(value)
        assert set(file.periodic) == {"vorticity" in channels or "korteweg" in preset}
        count = file.n_trajectories
    if "inv" in preset:
        convert[2] = str(tmp_path / "extreme" / preset)
        assert main([*convert, "--test-folder", "out_of_distribution_extreme"]) == 0
        one, other = (next((tmp_path / p / preset / "data" / "test").glob("*")) for p in ("in", "extreme"))
        (name, *_) = first
        with WellFile(one) as inside, WellFile(other) as outside:
            assert count == len(outside.parameters[name]) == 12
            assert outside.parameters[name].min() > inside.parameters[name].max()


@pytest.mark.slow
def test_reaction_and_diffusion_in_and_out_of_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    preset, source = "pdeinvbench_reaction_diffusion", reaction_files(tmp_path / "source")
    convert, bench = commands(preset, source, tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    assert main(convert) == 0
    assert "folders out_of_distribution, out_of_distribution_extreme are left out" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "in" / preset)]) == 0
    rows = runs_of(preset, "constant", "statistics", "spectra", "jepa", "pde_regression")
    assert main([*bench, *SMALL, *rows]) == 0
    out = tmp_path / "runs" / "pdeinvbench_rd"
    for name in ("Du", "Dv", "k"):
        assert scores(out, "pde_regression-s0", name, "direct") < 0.02, name
        assert scores(out, "statistics-s0", name, "ridge") > 0
    assert (out / "report.html").is_file()

    convert[2] = str(tmp_path / "out" / preset)
    assert main([*convert, "--test-folder", "out_of_distribution"]) == 0
    for split, of in (("train", "in"), ("test", "out")):
        found = open_any(tmp_path / of / preset / "data" / split).parameters["Du"]
        assert (found.max() < 0.09) if split == "train" else (found.min() > 0.09)
    one, other = (next((tmp_path / of / preset / "data" / "train").glob("*")).read_bytes() for of in ("in", "out"))
    assert one == other, "the same training data"
    assert main([*convert[:2], str(tmp_path / "no"), "--test-folder", "nowhere"]) == 2
    assert "mend --test-folder" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "name"), [("pdeinvbench_navier_stokes", "re"), ("pdeinvbench_turbulent_flow", "nu")]
)
def test_flows_and_their_oracle(preset: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, seeds, source = np.random.default_rng(1), itertools.count(), tmp_path / "source"
    for folder, count in (("train", 6), ("validation", 3), ("test", 3)):
        for _ in range(count):
            if name == "re":
                re = round(float(rng.uniform(100, 800)), 2)
                data = [inverse.vorticity(0.8 / re, next(seeds), 1.0, 3 / 64)]
                inverse.write_solutions(source / folder / f"{re}.h5", data, 3 / 64, 1.0)
            else:
                nu = round(float(np.exp(rng.uniform(-5.5, -4))), 6)
                data = [inverse.vorticity(nu, next(seeds), 2 * np.pi, 0.25, drag=0.1, force=-2.0)]
                inverse.write_groups(source / folder / f"nu={nu}.h5", data, 0.25, 0.0, 2 * np.pi)
    convert, bench = commands(preset, source, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert main(convert) == 0
    assert main([*bench, *SMALL, *runs_of(preset, "constant", "statistics", "pde_regression")]) == 0
    (out,) = (tmp_path / "runs").iterdir()
    assert scores(out, "pde_regression-s0", name, "direct") < 0.02


@pytest.mark.slow
def test_a_measured_wake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset, source = "realpdebench_cylinder", tmp_path / "source"
    source.mkdir()
    rng = np.random.default_rng(0)
    t, y, x = np.meshgrid(0.1 * np.arange(40), np.arange(12), np.arange(24), indexing="ij")
    for number in range(20):
        reynolds = 1800 + 300 * number
        wave = np.sin(0.002 * reynolds * t - 0.4 * x + rng.uniform(0, 6.3)) * np.exp(-((y - 6.0) ** 2) / 8)
        wave += 0.01 * rng.standard_normal(wave.shape)
        with h5py.File(source / f"{reynolds}.h5", "w") as file:
            file["measured_data/u"], file["measured_data/v"] = (1 + 0.3 * wave).astype("f4"), wave.astype("f4")
    convert, bench = commands(preset, source, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert main(convert) == 0
    small = ["--data.resolution", "[24, 12]", "--eval_stride", "8"]
    assert (
        main([*bench, *SMALL, *small, *runs_of(preset, "constant", "statistics", "dynamic_modes", "next_frame")]) == 0
    )
    assert scores(tmp_path / "runs" / "realpdebench", "dynamic_modes-s0", "Reynolds", "ridge") < 1


@pytest.mark.slow
def test_waves_on_one_axis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linear waves whose speed depends on the dispersion: rows of all kinds are scored (1: a constant)."""
    preset, source = "pdeinvbench_korteweg_de_vries", tmp_path / "source"
    rng, x = np.random.default_rng(0), 2 * np.pi * np.arange(32) / 32
    for folder, count in (("train", 24), ("validation", 6), ("test", 6)):
        for number in range(count):
            delta = round(float(rng.uniform(0.8, 5)), 4)
            t = 0.05 * np.arange(24)[:, None]
            first, second = (np.cos(k * x + k**3 * delta**2 * t / 20 + rng.uniform(0, 6.3)) for k in (1, 2))
            data = [first + second]
            inverse.write_solutions(source / folder / f"delta={delta}_ic={number}.h5", data, 0.05, 6.2832)
    convert, bench = commands(preset, source, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert main(convert) == 0
    one = [word.replace("[[2, 2, 2], [2, 2, 2]]", "[[2, 2], [2, 2]]") for word in SMALL]
    assert main([*bench, *one, *runs_of(preset, "constant", "spectra", "jepa", "operator_discovery")]) == 0
    assert scores(tmp_path / "runs" / "pdeinvbench_kdv", "operator_discovery-s0", "delta", "ridge") < 0.5
