"""The paper's studies as they are shipped: complete, true to their recipe, and started with ``--data-root`` alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from physrep.benchmark import expand, read_config
from physrep.cli.main import main
from physrep.learners.build_encoder import build_encoder
from tests.helpers.well_layout import LAYOUTS, write_layout

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
EPOCHS = {"shear_flow": {"jepa": 6}, "rayleigh_benard": {"jepa": 30, "jepa_6_epochs": 6}}
EPOCHS["active_matter"] = EPOCHS["rayleigh_benard"]
PARAMETERS = {
    "shear_flow": {"Reynolds", "Schmidt"},
    "rayleigh_benard": {"Rayleigh", "Prandtl"},
    "active_matter": {"alpha", "zeta"},
}
# Frames of 2 x 2 patches: MPP divides by the deviation over the patches of a frame, which may vanish between two.
SMALL = [
    "--data.resolution", "[32, 32]", "--eval_stride", "32", "--n-resamples", "50", "--jobs", "1",
    "--training.steps", "2", "--training.batch_size", "5", "--training.accumulate_grad_batches", "1",
    "--training.probe_every", "0", "--probes.attentive.epochs", "2",
]  # fmt: skip
MPP = {"embed_dim": 24, "depth": 1, "num_heads": 2}
SMALL_SIZES: dict[str, dict[str, Any]] = {
    # Of 11 channels both have thousands of numbers, whose covariance takes a minute.
    "classical": {"parts": ["quantiles", "increments"]},
    "pixels": {"grid": [2, 4, 2]},
    "videomae": {
        "embed_dim": 24, "depth": 1, "num_heads": 2, "decoder_dim": 12, "decoder_depth": 1, "decoder_heads": 1,
    },
    "mpp": MPP,
    "finetuned": {"base": "mpp", "base_options": MPP},
    "disco": {"size": "light", "dim": 48, "blocks": 1, "depth": 2, "solver": "rk4"},
}  # fmt: skip
SMALL_ENCODER = ["--encoder_options", "{dims: [4, 4, 8, 8, 16], num_res_blocks: [1, 1, 1, 1, 1]}"]


def stored(name: str) -> dict[str, Any]:
    return yaml.safe_load((CONFIGS / f"paper_{name}.yaml").read_text())


def arguments(name: str, root: Path, out: Path) -> list[str]:
    """The command of the docs with two training steps per run."""
    own = []
    for number, run in enumerate(stored(name)["runs"]):
        if "training" in run:
            own += [f"--runs.{number}.training.steps", "2", f"--runs.{number}.training.accumulate_grad_batches", "1"]
        if run["learner"] in SMALL_SIZES:
            small = {key: run["options"][key] for key in ("periodic",) if key in run.get("options", {})}
            own += [f"--runs.{number}.options", yaml.safe_dump({**SMALL_SIZES[run["learner"]], **small})]
    config = str(CONFIGS / f"paper_{name}.yaml")
    return ["bench", config, "--data-root", str(root), "--out", str(out), *SMALL, *own]


def table(out: Path) -> list[dict[str, str]]:
    with open(out / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_recipe_is_the_papers(name: str) -> None:
    config = read_config(stored(name), name)
    assert (config.data.dataset, config.data.crop, config.data.resolution) == (name, "paper", [224, 224])
    assert (config.num_frames, config.data.resample, config.data.fields) == (16, "bilinear", None)
    assert set(config.data.parameters or []) == PARAMETERS[name] == set(config.scales)
    runs = {run.name.removesuffix("-s0"): run for run in expand(config)}
    assert {"constant", "statistics", "pixels", "spectra", "classical", "random", "jepa", "supervised"} <= set(runs)
    layout = LAYOUTS[name]
    windows = layout.trajectories["train"] * ((layout.frames - 32) // config.eval_stride + 1)
    for run, epochs in EPOCHS[name].items():
        training = runs[run].training
        assert training.window_stride == config.eval_stride == (1 if name == "active_matter" else 4)
        assert training.batch_size * training.accumulate_grad_batches == 256
        assert training.steps == round(epochs * windows / 256)
        assert training.learning_rate == (1e-3 if name == "active_matter" else 1e-4)
        assert (training.beta1, training.beta2, training.weight_decay) == (0.9, 0.95, 0.05)
        assert (training.warmup, training.gradient_clip_val, training.final_learning_rate) == (0, 0, 1e-6)
        assert runs[run].options["regulariser"] == {"sim": 2, "std": 40, "cov": 2, "chunks": 5}
    channels = 11 if name == "active_matter" else 4
    encoder = build_encoder(config.encoder, channels, config.num_frames, config.encoder_options)
    assert sum(p.numel() for p in encoder.parameters()) == (2_468_720 if channels == 11 else 2_466_928)
    attentive = config.probes["attentive"]
    assert (attentive["epochs"], attentive["batch_size"], attentive["mlp_ratio"]) == (100, 256, 12)


@pytest.mark.parametrize("name", LAYOUTS)
def test_from_all_files_to_the_table(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("physrep.cli.report.finish", lambda folder: "")
    write_layout(tmp_path / "datasets", name)
    assert main([*arguments(name, tmp_path, tmp_path / "out"), *SMALL_ENCODER]) == 0
    rows = table(tmp_path / "out")
    assert {row["learner"] for row in rows} == {
        "constant", "statistics", "pixels", "spectra", "classical", "random", "jepa", "supervised", "videomae", "mpp",
        "finetuned", "disco",
    }  # fmt: skip
    assert {row["run"].removesuffix("-s0") for row in rows} >= set(EPOCHS[name])
    assert {row["parameter"] for row in rows} == PARAMETERS[name] | {"mean"}
    tested = {row["n_trajectories"] for row in rows if row["split"] == "test"}
    assert tested == {str(len(LAYOUTS[name].files["test"]))}
    data = yaml.safe_load((tmp_path / "out/runs/jepa-s0/config.yaml").read_text())["data"]
    assert (tmp_path / "out/runs/jepa-s0" / data["path"]).resolve() == tmp_path / "datasets" / name


def test_the_public_setting_of_active_matter_from_all_files_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("physrep.cli.report.finish", lambda folder: "")
    write_layout(tmp_path / "datasets", "active_matter", per_file=(1, 1, 1), only=4)
    config = read_config(yaml.safe_load((CONFIGS / "active_matter_public.yaml").read_text()), "public")
    assert (config.num_frames, config.data.resolution, config.data.fields) == (16, [224, 224], None)
    assert config.seeds == [0, 1, 2] and {"ridge", "knn"} <= set(config.probes)
    small = []
    for number, run in enumerate(config.runs):
        small += [f"--runs.{number}.training.steps", "2"] if run.training else []
        small += [f"--runs.{number}.options", yaml.safe_dump(own)] if (own := SMALL_SIZES.get(run.learner)) else []
    size = ["--encoder_options", "{embed_dim: 24, depth: 1, num_heads: 2, patch: [2, 4, 4]}", "--seeds", "[0, 1]"]
    attentive = SMALL.index("--probes.attentive.epochs")
    words = ["bench", str(CONFIGS / "active_matter_public.yaml"), "--data-root", str(tmp_path)]
    assert main([*words, "--out", str(tmp_path / "out"), *SMALL[:attentive], *size, *small]) == 0
    rows = table(tmp_path / "out")
    assert {row["learner"] for row in rows} == {run.learner for run in config.runs}
    assert {row["parameter"] for row in rows} == {"alpha", "zeta", "mean"}
    assert {row["seed"] for row in rows if row["learner"] == "masked_jepa"} == {"0", "1"}
    assert (tmp_path / "out" / "over_seeds.csv").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_at_224_pixels_with_the_published_encoder(name: str, tmp_path: Path) -> None:
    write_layout(tmp_path / "datasets", name, per_file=(1, 1, 1), only=3)
    small = ["--data.resolution", "[224, 224]", "--training.batch_size", "1", "--training.window_stride", "4"]
    assert main([*arguments(name, tmp_path, tmp_path / "out"), *small]) == 0
    assert (tmp_path / "out/report.html").is_file()
    assert {row["parameter"] for row in table(tmp_path / "out")} == PARAMETERS[name] | {"mean"}


def fails(words: list[Any], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "Traceback" not in error
    return error


def test_without_a_root_or_with_a_wrong_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = CONFIGS / "paper_shear_flow.yaml", tmp_path / "out"
    assert "give --data-root DIR" in fails(["bench", config, "--out", out], capsys)
    assert "give --data-root DIR" in fails(["calibrate", config, "--out", out], capsys)
    root = write_layout(tmp_path, "active_matter", frames=2, only=1)
    error = fails(["bench", config, "--data-root", tmp_path, "--out", out], capsys)
    assert "looked for shear_flow/data, datasets/shear_flow/data" in error
    error = fails(["bench", config, "--data-root", root, "--out", out], capsys)
    assert "holds the data set 'active_matter', but 'shear_flow' is wanted" in error
    assert not out.exists()


def test_a_simulated_study_reads_real_data_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pointing to the real data is all that a study of simulated data needs."""
    monkeypatch.setattr("physrep.cli.report.finish", lambda folder: "")
    write_layout(tmp_path / "datasets", "shear_flow", frames=4, only=3)
    config, out = tmp_path / "own.yaml", tmp_path / "out"
    config.write_text("system: shear_flow\nnum_frames: 4\nruns: [{learner: statistics}]\njobs: 1\nresamples: 20\n")
    assert main(["bench", str(config), "--data-root", str(tmp_path), "--out", str(out)]) == 0
    assert not (out / "data").exists()
    capsys.readouterr()
    assert {row["n_train_trajectories"] for row in table(out)} == {"6"}
    assert main(["bench", str(config), "--data-root", str(tmp_path), "--print_config"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["root"] == str(tmp_path)


def test_the_other_commands_take_a_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write_layout(here, "rayleigh_benard", frames=9, only=3)
    write_layout(there / "datasets", "rayleigh_benard", frames=9, only=3)
    assert main(["check", "rayleigh_benard", "--data-root", str(here), "--quick"]) == 0
    assert "rayleigh_benard: valid" in capsys.readouterr().out
    run = tmp_path / "run"
    words = ["pretrain", "jepa", "--data", "rayleigh_benard", "--data-root", here, "--out", run, "--num_frames", "4"]
    words += [
        "--crop",
        "paper",
        "--encoder",
        "conv3d",
        "--encoder_options.dims",
        "[4]",
        "--encoder_options.groups",
        "2",
    ]
    words += ["--encoder_options.strides", "[[2, 2, 2]]", "--training.steps", "2", "--training.batch_size", "2"]
    assert main([str(word) for word in [*words, "--training.probe_every", "0", "--device", "cpu"]]) == 0
    data = yaml.safe_load((run / "config.yaml").read_text())["data"]
    assert ((run / data["path"]).resolve(), data["dataset"]) == (here / "rayleigh_benard", "rayleigh_benard")
    # On another machine the same data lie elsewhere.
    (here / "rayleigh_benard").rename(tmp_path / "moved")
    assert "moved" not in fails(["probe", run, "--stride", "4"], capsys)
    assert main(["probe", str(run), "--stride", "4", "--data-root", str(there)]) == 0
    assert "Prandtl" in capsys.readouterr().out
    assert main(["embed", str(run), "--data", "rayleigh_benard", "--data-root", str(there), "--stride", "4"]) == 0
    assert "no such folder" in fails(["embed", run, "--data-root", tmp_path / "nowhere"], capsys)
