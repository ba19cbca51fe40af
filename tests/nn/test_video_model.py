"""Pretrained video models: golden numbers, resizing, repeated frames, random weights, absent weights."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.nn.video_model import VideoModel
from tests.helpers.golden import assert_close, golden_cases, tensors

pytest.importorskip("transformers")
TINY: dict[str, Any] = {
    "crop_size": 16, "patch_size": 8, "hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 1,
    "frames_per_clip": 4,
}  # fmt: skip


@pytest.mark.golden
@pytest.mark.parametrize("case", golden_cases("VJEPA2Model.from_pretrained('vjepa2_tiny') (folder next to this file)"))
def test_features_of_a_saved_model(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    model = VideoModel.load(str(golden / case["folder"]))
    model.resize = False
    for key, expected in data["output"].items():
        run, _ = key.split(".")
        pixels = data["input"][f"{run}.pixel_values_videos"]
        video = pixels * model.std + model.mean  # the case gives normalised pixels
        tokens = model(video)
        assert tokens.shape[2:4] == (pixels.shape[3] // model.patch, pixels.shape[4] // model.patch)
        # Normalising there and back costs a rounding.
        rule = {**case["outputs"][key], "suggested_atol": 3 * case["outputs"][key]["suggested_atol"]}
        assert_close(tokens.flatten(1, 3), expected, rule)


def test_random_weights_follow_the_seed_and_leave_the_generator_alone(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    model = VideoModel.from_config(TINY, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    model.save(tmp_path)
    video = torch.rand(2, 4, 3, 16, 16)
    again, fresh = VideoModel.load(str(tmp_path)), VideoModel.load(str(tmp_path), random_weights=True, seed=5)
    assert torch.equal(again(video), model(video)) and model(video).shape == (2, 2, 2, 2, 24)
    assert not torch.allclose(fresh(video), model(video))
    assert torch.equal(fresh(video), VideoModel.load(str(tmp_path), random_weights=True, seed=5)(video))


def test_frames_are_resized_and_short_clips_repeated() -> None:
    model = VideoModel.from_config(TINY)
    assert model(torch.rand(1, 4, 3, 40, 24)).shape == (1, 2, 2, 2, 24)
    one = torch.rand(1, 1, 3, 16, 16)
    assert torch.equal(model(one), model(one.repeat(1, 2, 1, 1, 1)))
    assert model(torch.rand(1, 5, 3, 16, 16)).shape[1] == 2


def test_videomae_of_the_library(tmp_path: Path) -> None:
    from transformers import VideoMAEConfig, VideoMAEModel

    config = VideoMAEConfig(
        image_size=16, patch_size=8, num_frames=4, tubelet_size=2, hidden_size=24, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=48,
    )  # fmt: skip
    VideoMAEModel(config).save_pretrained(tmp_path)
    model = VideoModel.load(str(tmp_path))
    assert model(torch.rand(2, 8, 3, 20, 20)).shape == (2, 2, 2, 2, 24)  # 4 of the 8 frames


def test_absent_weights_are_one_sentence(tmp_path: Path) -> None:
    for source in (str(tmp_path / "nothing"), "facebook/vjepa2-vitl-fpc64-256"):
        with pytest.raises(PhysrepError, match="hf download"):
            VideoModel.load(source)
    with pytest.raises(PhysrepError, match="did you mean 'hidden_size'"):
        VideoModel.from_config({"hiden_size": 3})


def test_python_without_docstrings_is_told_what_takes_them_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "flags", SimpleNamespace(optimize=2))
    with pytest.raises(PhysrepError, match="start Python without -OO"):
        VideoModel.from_config({})
