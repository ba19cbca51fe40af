"""Published weights become a run directory: by the real command, never unpickled, channels by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.checkpoints import run as importing
from physrep.checkpoints.base import read_tensors
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.learners import DISCO, MPP, VideoMAE
from physrep.run_directory import is_finished, load_run
from physrep.simulation import SimulationConfig, simulate
from tests.helpers.golden import golden_cases, tensors
from tests.helpers.official_pickle import Payload

SHEAR = ("pressure", "tracer", "velocity_x", "velocity_y")


def command(*words: Any) -> int:
    return main([str(word) for word in words])


@pytest.mark.golden
@pytest.mark.parametrize("case", [c for c in golden_cases("ConvEncoder") if "official_checkpoint_file" in c.values[0]])
def test_the_published_encoder_is_imported_embedded_and_probed(
    case: dict[str, Any], golden: Path, tmp_path: Path, capsys
) -> None:
    file, run = golden / case["official_checkpoint_file"]["file"], tmp_path / "run"
    assert command("import-checkpoint", file, "--as", "jepa", "--out", run, "--dataset", "shear_flow") == 0
    said = capsys.readouterr().out
    assert "pressure, tracer, velocity_x, velocity_y" in said and "initial values: predictor" in said
    learner, config = load_run(run)
    assert is_finished(run) and learner.channels == SHEAR and read_json(run / "summary.json")["imported_from"]["sha256"]
    weights = tensors(golden, case)["weights"]
    assert all(torch.equal(learner.state_dict()[f"encoder.{key}"], value) for key, value in weights.items())
    # Again: nothing happens; something else in that place: refused.
    assert command("import-checkpoint", file, "--as", "jepa", "--out", run, "--dataset", "shear_flow") == 0
    other = tmp_path / "other.pth"
    torch.save({key: value + 1 for key, value in weights.items()}, other)
    assert command("import-checkpoint", other, "--as", "jepa", "--out", run, "--dataset", "shear_flow") == 2
    assert "holds something else" in capsys.readouterr().err
    assert command("probe", run) == 2
    assert "say with --data" in capsys.readouterr().err
    settings = SimulationConfig(
        trajectories=12,
        resolution=[16, 32],
        frames=config["num_frames"] + 2,
        save_dt=0.05,
        ranges={"Reynolds": [20, 90]},
        splits=[0.5, 0.25, 0.25],
    )
    root = simulate("shear_flow", tmp_path, settings, workers=1)
    assert command("probe", run, "--data", root, "--stride", 2) == 0
    assert "Reynolds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("family", "learner"),
    [
        (
            "videomae",
            VideoMAE(
                4, 4, patch=4, embed_dim=64, depth=1, num_heads=1, decoder_dim=64, decoder_depth=1, decoder_heads=1
            ),
        ),
        (
            "mpp",
            MPP(
                4,
                4,
                patch=4,
                embed_dim=24,
                depth=1,
                num_heads=2,
                states=12,
                columns={n: i for i, n in enumerate(SHEAR)},
            ),
        ),
        ("disco", DISCO(4, 4, patch=4, dim=48, blocks=1, hidden=4, heads=2, vocabulary="well", dataset="shear_flow")),
    ],
)
def test_the_other_families(family: str, learner: Any, tmp_path: Path, capsys) -> None:
    prefix = {"mpp": "encoder.", "disco": "model."}.get(family, "")
    own = {
        k.removeprefix(prefix): v
        for k, v in learner.state_dict().items()
        if k.startswith(prefix) and "field_" not in k and k != "channel_names"
    }
    torch.save({"model_state": {f"module.{key}": value for key, value in own.items()}}, tmp_path / "weights.tar")
    words = [
        "import-checkpoint",
        tmp_path / "weights.tar",
        "--as",
        family,
        "--out",
        tmp_path / "run",
        "--num_frames",
        4,
    ]
    assert command(*words, "--dataset", "shear_flow") == 0, capsys.readouterr().err
    loaded, _ = load_run(tmp_path / "run")
    for key, value in own.items():
        assert torch.equal(loaded.state_dict()[prefix + key], value), key
    order = ("tracer", "pressure", *SHEAR[2:]) if family == "disco" else SHEAR
    assert loaded.channels == order


def test_an_import_that_was_stopped_half_way_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learner = VideoMAE(
        4, 4, patch=4, embed_dim=64, depth=1, num_heads=1, decoder_dim=64, decoder_depth=1, decoder_heads=1
    )
    own = {k: v for k, v in learner.state_dict().items() if "field_" not in k and k != "channel_names"}
    torch.save({"model_state": own}, tmp_path / "weights.tar")
    words = ["import-checkpoint", tmp_path / "weights.tar", "--as", "videomae", "--out", tmp_path / "run"]
    words = [*words, "--num_frames", 4, "--dataset", "shear_flow"]

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "write_json", stopped)
    assert command(*words) == 130
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["weights.tar"]
    assert command(*words) == 0, capsys.readouterr().err
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    assert command(*words) == 0 and (tmp_path / "run" / "weights.safetensors").read_bytes() == weights
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "weights.tar"]


def test_a_malicious_file_is_not_run(tmp_path: Path, capsys) -> None:
    torch.save({"model": Payload(tmp_path / "touched")}, tmp_path / "bad.pth")
    assert (
        command(
            "import-checkpoint",
            tmp_path / "bad.pth",
            "--as",
            "jepa",
            "--out",
            tmp_path / "run",
            "--dataset",
            "shear_flow",
        )
        == 2
    )
    assert "is not unpickled" in capsys.readouterr().err
    assert not (tmp_path / "touched").exists() and not (tmp_path / "run").exists()


def test_one_sentence_for_what_does_not_fit(tmp_path: Path, capsys) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    start = ["import-checkpoint", tmp_path / "other.pth", "--out", tmp_path / "run"]
    for words, message in (
        (["--as", "jepa", "--dataset", "shear_flow"], "holds no convolutional encoder"),
        (["--as", "videomae", "--dataset", "shear_flow"], "holds no VideoMAE encoder"),
        (["--as", "mpp", "--dataset", "shear_flow"], "no axial vision transformer"),
        (["--as", "disco", "--dataset", "shear_flow"], "no DISCO checkpoint"),
        (["--as", "gpt", "--dataset", "shear_flow"], "give one of jepa"),
        (["--as", "jepa"], "give --dataset"),
        (["--as", "jepa", "--channels", "a", "a"], "a channel twice"),
        (["--as", "jepa", "--dataset", "shear_flow", "--options.num_heads", 2], "no setting 'num_heads'"),
    ):
        assert command(*start, *words) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1, said
    torch.save(VideoMAE(3, 4, patch=4, embed_dim=64, depth=1, num_heads=1).encoder.state_dict(), tmp_path / "three.pth")
    assert (
        command(
            "import-checkpoint",
            tmp_path / "three.pth",
            "--as",
            "videomae",
            "--out",
            tmp_path / "run",
            "--dataset",
            "shear_flow",
        )
        == 2
    )
    assert "read 3 channels, but 4 are named" in capsys.readouterr().err


def _envelopes(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    import argparse

    import numpy as np

    compiled = {f"_orig_mod.{key}": value for key, value in state.items()}
    return {
        "namespace": {"model": state, "args": argparse.Namespace(lr=1e-3, betas=(0.9, 0.95)), "epoch": 3},
        "numpy scalars": {"state_dict": state, "best": np.float64(0.5), "epoch": np.int64(3)},
        "compiled": compiled,
        "compiled in parallel": {f"module.{key}": value for key, value in compiled.items()},
        "parallel, compiled": {f"_orig_mod.module.{key}": value for key, value in state.items()},
        "trainer": {"state_dict": {f"model.{key}": value for key, value in state.items()}},
        "loose tensor": {"model": state, "loss_scale": torch.ones(1)},
        "two wrappers": {"model": {"state_dict": state}, "step": torch.tensor(3)},
    }


ENVELOPES = tuple(_envelopes({}))


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelopes_of_trainers_are_opened(name: str, tmp_path: Path) -> None:
    state = {"patch.weight": torch.randn(3, 2), "norm.bias": torch.randn(4)}
    torch.save(_envelopes(state)[name], tmp_path / "w.pth")
    read = read_tensors(tmp_path / "w.pth")
    assert read.keys() == state.keys() and all(torch.equal(read[key], state[key]) for key in state)


def test_envelopes_end(tmp_path: Path) -> None:
    loop: dict[str, Any] = {}
    loop["model"] = loop
    torch.save(loop, tmp_path / "loop.pth")
    torch.save({3: torch.ones(1)}, tmp_path / "number.pth")
    for file, sentence in (("loop.pth", "wraps its weights"), ("number.pth", "no name")):
        with pytest.raises(PhysrepError, match=sentence):
            read_tensors(tmp_path / file)
