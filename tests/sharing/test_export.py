"""A run as a program gives what the run gives, in a Python that cannot import physrep; others are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import physrep
from physrep.cli.main import main
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.readout.storage import read_readout
from physrep.run_directory import load_run
from physrep.sharing import export as module
from physrep.sharing.export import export
from physrep.tokens import TokenStore
from tests.helpers.small_data import TINY_ENCODER, write_waves

ALONE = """
import sys
import numpy as np
import torch
program = torch.export.load(sys.argv[1]).module()
np.savez(sys.argv[3], *[part.numpy() for part in program(torch.from_numpy(np.load(sys.argv[2])))])
assert not [name for name in sys.modules if name.startswith("physrep")]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    data = DataConfig(path=str(write_waves(folder)))
    training = physrep.TrainingConfig(steps=4, batch_size=4, probe_every=0)
    out = physrep.pretrain("jepa", data, folder / "jepa", options=TINY_ENCODER, num_frames=4, training=training)
    assert main(["probe", str(out), "--stride", "4"]) == 0
    assert main(["probe", str(out), "--stride", "4", "--probe", "knn"]) == 0
    return out


@pytest.mark.parametrize("asked", [("--with-readout",), ("--probe", "knn")], ids=["best on valid", "named"])
def test_equal_tokens_and_parameters_without_physrep(asked: tuple[str, ...], run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--out", str(tmp_path / "mine.pt2"), *asked]) == 0
    about = json.loads((tmp_path / "mine.json").read_text())
    assert about["input"]["shape"] == ["any", 3, 4, 16, 16] and about["input"]["dt"] == pytest.approx(0.1)
    assert about["outputs"] == ["tokens", "estimate", "low", "high"] and about["parameters"] == ["rate"]

    learner, config = load_run(run)
    clip = (test := DataConfig(path=config["data"]["path"]).open_splits()["test"]).clip(test.windows(4, 4)[:5], 4)
    names = list(clip.channels)
    fields = clip.fields[:, [names.index(name) for name in about["input"]["channels"]]]
    np.save(tmp_path / "fields.npy", fields.numpy())
    places = [str(tmp_path / name) for name in ("mine.pt2", "fields.npy", "out.npz")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-I", "-c", ALONE, *places], check=True, env=kept, cwd=tmp_path)
    with np.load(tmp_path / "out.npz") as file:
        tokens, estimate, low, high = (file[f"arr_{i}"] for i in range(4))
    with torch.no_grad():
        own = learner.encode(clip)
    np.testing.assert_allclose(tokens, own, atol=1e-5)
    answer = read_readout(run, asked[1] if asked[0] == "--probe" else None).ask(learner, clip)
    np.testing.assert_allclose(estimate, answer.windows, rtol=1e-4)
    np.testing.assert_allclose(low, answer.window_low, rtol=1e-4)
    np.testing.assert_allclose(high, answer.window_high, rtol=1e-4)


@pytest.mark.slow
def test_score_takes_the_program(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = export(run, tmp_path / "mine.pt2")
    data = load_run(run)[1]["data"]["path"]
    options = ["--stride", "8", "--probes", "ridge", "--jobs", "1"]
    assert main(["score", made["program"], "--data", data, "--out", str(tmp_path / "score"), *options]) == 0
    assert "the best floor" in capsys.readouterr().out
    # The program's tokens are the run's: the normalisation is not done twice.
    learner, _ = load_run(run)
    store = TokenStore.open(tmp_path / "score" / "runs" / "encoder-s0" / "tokens" / "test")
    test = DataConfig(path=data).open_splits()["test"]
    windows = np.stack([store.trajectory, store.start], 1)[:4]
    with torch.no_grad():
        np.testing.assert_allclose(store.tokens[:4], learner.encode(test.clip(windows, 4)), atol=1e-4)


def test_what_differs_is_not_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = module._of_module
    monkeypatch.setattr(module, "_of_module", lambda *a: [part + 0.1 for part in true(*a)])
    with pytest.raises(PhysrepError, match="differs from the run"):
        export(run, tmp_path / "mine.pt2")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine.pt2").write_bytes(b"an earlier one")
    with pytest.raises(PhysrepError, match="differs from the run"):
        export(run, tmp_path / "mine.pt2")
    assert (tmp_path / "mine.pt2").read_bytes() == b"an earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pt2"]


def test_what_is_no_program_is_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhysrepError, match=r"suffix \.pt2"):
        export(run, tmp_path / "mine.onnx")
    with pytest.raises(PhysrepError, match="use torch or onnx"):
        export(run, format="tensorflow")

    def by_numpy(self: object, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.asarray(x.detach().numpy().mean((1, 2, 3))))

    monkeypatch.setattr("physrep.learners.jepa.JEPA.encode", lambda self, clip: by_numpy(self, clip.fields))
    with pytest.raises(PhysrepError, match="no program of torch operations"):
        export(run, tmp_path / "mine.pt2")
    assert not list(tmp_path.iterdir())


def test_onnx_needs_its_extra(run: Path, tmp_path: Path) -> None:
    if not all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")):
        with pytest.raises(PhysrepError, match=r"physrep\[onnx\]"):
            export(run, tmp_path / "mine.onnx", format="onnx")
        return
    made = export(run, tmp_path / "mine.onnx", format="onnx", with_readout=True)
    assert made["difference"] < 1e-3
