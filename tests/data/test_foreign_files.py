"""Where a data set is expected and files of others lie, every command names the one that converts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physrep.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        ["pretrain", "jepa", "--data", "{}", "--out", "run"],
        ["simulate", "shear_flow", "--from", "{}", "--out", "data"],
        ["score", "physrep.nn:ConvStack3D", "--data", "{}"],
        ["bench", "quick", "--data.path", "{}", "--out", "bench"],
        ["check", "{}"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("folder", [False, True])
def test_the_sentence_names_the_command(words, folder, tmp_path: Path, monkeypatch, capsys):
    if folder and words[0] == "simulate":
        pytest.skip("a restart is from one file")
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "flows" if folder else tmp_path / "flows.npz"
    (tmp_path / "flows").mkdir()
    np.savez(
        place / "one.npz" if folder else place, u=np.random.default_rng(0).normal(size=(4, 6, 8, 8)), t=np.arange(6)
    )
    before = sorted(tmp_path.rglob("*"))
    assert main([word.format(place) for word in words]) != 0
    told = capsys.readouterr()
    assert f"convert it with: physrep convert {place} flows_well" in told.err + told.out
    assert not [path for path in tmp_path.rglob("*") if path not in before and path.suffix in (".hdf5", ".safetensors")]
