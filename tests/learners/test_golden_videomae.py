"""VideoMAE against the transformers library and the original code: loss, pixels, tokens, gradients, checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.checkpoints import read_tensors
from physrep.checkpoints.videomae import convert, original_keys
from physrep.errors import PhysrepError
from physrep.learners import VideoMAE
from physrep.learners.masked_pixels import visible_positions
from tests.helpers.golden import assert_close, golden_cases, tensors

pytestmark = pytest.mark.golden
CASES = golden_cases("VideoMAEForPreTraining(VideoMAEConfig(**args))")


def learner_of(case: dict[str, Any], data: dict[str, dict[str, Tensor]], original: bool = False) -> VideoMAE:
    a = case["constructor_arguments"]
    learner = VideoMAE(
        a["num_channels"], a["num_frames"], patch=a["patch_size"], tubelet=a["tubelet_size"],
        embed_dim=a["hidden_size"], depth=a["num_hidden_layers"], num_heads=a["num_attention_heads"],
        hidden=a["intermediate_size"], decoder_dim=a["decoder_hidden_size"],
        decoder_depth=a["decoder_num_hidden_layers"], decoder_heads=a["decoder_num_attention_heads"],
        decoder_hidden=a["decoder_intermediate_size"], normalise_targets=a["norm_pix_loss"],
        eps=1e-6 if original else a["layer_norm_eps"], decoder_final_eps=1e-6 if original else 1e-5,
    )  # fmt: skip
    missing, unexpected = learner.load_state_dict(original_keys(data["weights"]), strict=False)
    assert not unexpected and set(missing) <= {"field_mean", "field_std", "channel_names"}
    return learner.eval()


@pytest.mark.parametrize("case", CASES)
def test_loss_pixels_tokens_and_gradients(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    learner, x, mask = learner_of(case, data), data["input"]["pixel_values"].transpose(1, 2), None
    mask = data["input"]["bool_masked_pos"].bool()
    loss = learner.masked_loss(x, mask)["loss"]
    visible, _ = visible_positions(mask)
    found = {
        "loss": loss,
        "logits": learner.reconstruct(x, mask),
        "encoder_visible": learner.encoder(x, visible=visible),
        "encoder_all": learner.encoder(x),
    }
    for name, value in found.items():
        assert_close(value, data["output"][name], case["outputs"][name])
    loss.backward()
    ours = original_keys(data["grad"])
    named = {name: parameter.grad for name, parameter in learner.named_parameters()}
    rules = _rules(case)
    for key, expected in ours.items():
        gradient = named[key]
        assert gradient is not None, key
        torch.testing.assert_close(gradient, expected, atol=rules.get(key, rules["largest"]), rtol=1e-5)


def _rules(case: dict[str, Any]) -> dict[str, float]:
    """Tolerance of every gradient, by our names; the three projections of attention share the largest of theirs."""
    each = {key: rule["suggested_atol"] for key, rule in case["grads"].items()}
    renamed = original_keys({key: torch.tensor([value]) for key, value in each.items()})
    return {key: float(value.max()) for key, value in renamed.items()} | {"largest": max(each.values())}


@pytest.mark.parametrize("case", CASES)
def test_original_code(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    learner, x = learner_of(case, data, original=True), data["input"]["pixel_values"].transpose(1, 2)
    for name in ("original_repo_logits", "probe_tokens"):
        if name not in data["output"]:
            continue
        mask = data["input"]["bool_masked_pos"].bool()
        value = learner.reconstruct(x, mask) if name == "original_repo_logits" else learner.encoder(x)
        assert_close(value, data["output"][name], case["outputs"][name])


def _converted(found: dict[str, Tensor], case: dict[str, Any]) -> VideoMAE:
    a = case["constructor_arguments"]
    imported = convert(
        found, a["num_frames"], a["num_attention_heads"], a["decoder_num_attention_heads"], a["layer_norm_eps"]
    )
    assert not imported.unused and not imported.fresh
    options = {"decoder_final_eps": 1e-5, **imported.options}
    learner = VideoMAE(imported.in_channels, imported.num_frames, **options).eval()
    learner.load_state_dict(imported.state, strict=False)
    return learner


@pytest.mark.parametrize("layout", ["transformers 5", "transformers 4", "original"])
@pytest.mark.parametrize("case", CASES)
def test_checkpoint_layouts(case: dict[str, Any], layout: str, golden: Path, tmp_path: Path) -> None:
    data = tensors(golden, case)
    path = tmp_path / "model.pth"
    if layout == "original" and "official_checkpoint_file" in case:
        path = golden / case["official_checkpoint_file"]["file"]
    else:
        weights = data["weights"]
        if layout == "transformers 4":
            weights = {k.replace("query.bias", "q_bias").replace("value.bias", "v_bias"): v for k, v in weights.items()}
        elif layout == "original":
            weights = original_keys(weights)
        torch.save({"model": weights, "epoch": 3}, path)
    learner = _converted(read_tensors(path), case)
    x, mask = data["input"]["pixel_values"].transpose(1, 2), data["input"]["bool_masked_pos"].bool()
    assert_close(learner.masked_loss(x, mask)["loss"], data["output"]["loss"], case["outputs"]["loss"])


@pytest.mark.parametrize("case", CASES)
def test_an_encoder_alone_is_enough(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    weights = {k.removeprefix("encoder."): v for k, v in original_keys(data["weights"]).items() if "encoder." in k[:8]}
    a = case["constructor_arguments"]
    imported = convert({**weights, "head.weight": torch.zeros(2, 3)}, a["num_frames"], a["num_attention_heads"])
    assert imported.unused == ["head.weight"] and "decoder" in imported.fresh
    learner = VideoMAE(imported.in_channels, imported.num_frames, **imported.options).eval()
    learner.load_state_dict(imported.state, strict=False)
    x = data["input"]["pixel_values"].transpose(1, 2)
    if "probe_tokens" in data["output"]:
        assert_close(learner.encoder(x), data["output"]["probe_tokens"], case["outputs"]["probe_tokens"])


def test_small_with_eleven_channels_has_the_published_keys(golden: Path) -> None:
    keys = json.loads((golden / "full_size_keys.json").read_text())["videomae_small_c11_original_keys"]
    learner = VideoMAE(11, 16, size="small")
    own = {k: list(v.shape) for k, v in learner.state_dict().items() if "field_" not in k and k != "channel_names"}
    assert own == {key: list(shape) for key, shape in keys["state_dict"].items()}
    assert sum(p.numel() for p in learner.parameters()) == keys["n_parameters"]
    imported = convert({key: torch.empty(shape) for key, shape in keys["state_dict"].items()})
    assert imported.options["num_heads"] == 6 and imported.options["decoder_heads"] == 3


def test_something_else_is_refused() -> None:
    with pytest.raises(PhysrepError, match=r"holds no VideoMAE encoder.*'stem\.weight'"):
        convert({"stem.weight": torch.zeros(1)})
