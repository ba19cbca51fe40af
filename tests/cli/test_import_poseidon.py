"""Poseidon's weights become a run: the layout of the published files, attention as the transformers library has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from physrep.cli.main import main
from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Poseidon
from physrep.nn.scot import ScOTEncoder, ScOTLayer
from physrep.run_directory import load_run
from tests.helpers.imported_runs import assert_is_probed

SMALL = {"embed_dim": 6, "depths": (2, 1), "heads": (1, 2), "patch": 2, "window": 4}
SHEAR = ("pressure", "tracer", "velocity_x", "velocity_y")


def published(dim: int = 6) -> dict[str, torch.Tensor]:
    """A small file of the layout: encoder, decoder, skip connections, recovery."""
    torch.manual_seed(0)
    encoder = ScOTEncoder(4, **SMALL, mlp_ratio=4.0)
    state = {key: torch.randn_like(value) * 0.3 for key, value in encoder.state_dict().items()}
    rest = {
        "decoder.layers.0.blocks.0.attention.self.logit_scale": (2, 1, 1),
        "decoder.layers.0.upsample.upsample.weight": (4 * dim, 2 * dim),
        "residual_blocks.0.0.dwconv.weight": (dim, 1, 7, 7),
        "patch_recovery.projection.weight": (dim, 4, 2, 2),
        "patch_recovery.mixup.weight": (4, 4, 5, 5),
    }
    return state | {key: torch.randn(shape) for key, shape in rest.items()}


def clip(channels=SHEAR, frames: int = 4, periodic=(True, True)) -> Clip:
    draw = torch.Generator().manual_seed(1)
    fields = torch.randn(2, len(channels), frames, 8, 12, generator=draw) * 3 + 1
    nobody = torch.zeros(2, dtype=torch.long)
    return Clip(fields, torch.zeros(2, 0), channels, (), 0.1, (0.1, 0.1), periodic, nobody, nobody)


def test_a_file_of_the_published_layout_is_imported_and_probed(tmp_path: Path, capsys) -> None:
    tensors, file, run = published(), tmp_path / "model.safetensors", tmp_path / "run"
    save_file(tensors, file)
    words = ["import-checkpoint", file, "--as", "poseidon", "--out", run, "--channels", *SHEAR, "--num-frames", 4]
    settings = ["--options.image_size", 16, "--options.window", 4]
    assert main([str(word) for word in (*words, *settings)]) == 0
    said = capsys.readouterr().out
    assert "tracer in slot 0, velocity_x in slot 1, velocity_y in slot 2, pressure in slot 3" in said
    assert "left out: decoder.layers.0" in said
    learner, _ = load_run(run)
    assert (
        isinstance(learner, Poseidon)
        and learner.kind == "learner"
        and "frozen" in learner.label
        and not learner.trainable
    )
    own = learner.backbone.state_dict()
    assert all(torch.equal(own[key], tensors[key]) for key in own)
    frames = learner.images(clip())
    assert frames.shape == (2, 4, 4, 16, 16)
    expected = learner.backbone(frames[1], torch.full((4,), 0.05)).flatten(0, 2)
    with torch.no_grad():
        torch.testing.assert_close(learner.encode(clip())[1], expected)
    assert learner.encode(clip()).shape == (2, 4 * 4 * 4, 12) and learner.grid(4, 8, 12) == (4, 4, 4)
    assert_is_probed(run, tmp_path, capsys)


def test_what_is_no_such_file_is_refused(tmp_path: Path, capsys) -> None:
    tensors = published()
    for change, message in (
        ({"embeddings.norm.weight.weight": None}, "know no lead time"),
        ({"encoder.layers.1.blocks.0.attention.self.key.weight": None}, "lacks"),
        ({"embeddings.patch_embeddings.projection.weight": torch.zeros(6, 5, 2, 2)}, "reads 5 fields"),
        ({"embeddings.patch_embeddings.projection.weight": None}, "holds no scOT"),
    ):
        changed = {k: v for k, v in (tensors | change).items() if v is not None}
        save_file(changed, tmp_path / "other.safetensors")
        words = ["import-checkpoint", str(tmp_path / "other.safetensors"), "--as", "poseidon", "--out"]
        assert main([*words, str(tmp_path / "no"), "--channels", "velocity_x", "--options.image_size", "16"]) == 2
        assert message in capsys.readouterr().err


def test_the_rule_from_our_fields_to_theirs() -> None:
    learner = Poseidon(4, 4, image_size=16, **SMALL)
    assert learner.kind == "floor" and "random" in learner.label  # nothing was imported
    assert learner.places(("buoyancy", "concentration")) == {0: "concentration"}
    assert learner.left_out(("buoyancy", "concentration", "D_xx")) == ["buoyancy", "D_xx"]
    assert Poseidon(4, 4, slots={"D_xx": 3}, image_size=16, **SMALL).places(("D_xx",)) == {3: "D_xx"}
    frames = learner.images(clip())
    speed = frames[:, :, 1:3].square().mean((1, 2, 3, 4))  # trigonometric resampling keeps the power of low modes
    assert (speed > 0.4).all() and (speed < 1.1).all()
    # Units do not matter, but the ratio of both components does.
    other = clip()
    other.fields[:, 2:] *= 5
    torch.testing.assert_close(learner.images(other), frames, atol=1e-4, rtol=1e-4)
    other.fields[:, 2] *= 5
    assert (learner.images(other)[:, :, 1] - frames[:, :, 1]).abs().max() > 0.1
    single = Poseidon(1, 4, image_size=16, **SMALL)
    alone = single.images(clip(("velocity_x",), periodic=(True, False)))
    torch.testing.assert_close(alone[0, 0, 0], torch.full((16, 16), (1 - 0.8) / 0.31))
    assert (alone[:, :, 2:] == 0).all()
    with pytest.raises(PhysrepError, match="has a slot"):
        single.images(clip(("temperature",)))
    published_units = Poseidon(4, 4, image_size=8, standardise="published", **SMALL)
    raw = Clip(**{**vars(clip()), "fields": torch.full((2, 4, 4, 8, 8), 1.5)})
    torch.testing.assert_close(published_units.images(raw)[0, 0, 0, 0, 0], torch.tensor((1.5 - 0.8) / 0.31))


@pytest.mark.parametrize(("points", "odd"), [(8, False), (8, True), (4, True)])
def test_a_block_is_that_of_the_transformers_library(points: int, odd: bool) -> None:
    swin = pytest.importorskip("transformers.models.swinv2.modeling_swinv2")
    from transformers import Swinv2Config

    torch.manual_seed(0)
    config = Swinv2Config(embed_dim=12, window_size=4, qkv_bias=True, drop_path_rate=0.0)
    theirs = swin.Swinv2Layer(config, 12, (points, points), 3, shift_size=2 if odd else 0).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    ours, state = ScOTLayer(12, 3, 48, odd), dict(theirs.state_dict())
    for norm in ("layernorm_before", "layernorm_after"):
        for name in ("weight", "bias"):
            value = state.pop(f"{norm}.{name}")
            # Scale and shift at every lead time the same.
            state |= {f"{norm}.{name}.weight": torch.zeros(12, 1), f"{norm}.{name}.bias": value}
    ours.load_state_dict(state)
    x = torch.randn(2, points * points, 12)
    with torch.no_grad():
        wanted = theirs(x, (points, points))[0]
        got = ours(x.view(2, points, points, 12), torch.tensor([0.3, 0.7]), 4)
    torch.testing.assert_close(got.flatten(1, 2), wanted, atol=1e-4, rtol=1e-4)


def test_the_size_is_that_of_the_published_tiny_model() -> None:
    encoder = Poseidon(4).backbone
    count = sum(p.numel() for p in encoder.parameters())
    blocks = sum(p.numel() for stage in encoder.encoder["layers"] for p in stage.blocks.parameters())
    widths = (48, 96, 192, 384)
    unmerging = sum(2 * d * d + (d // 2) ** 2 + 2 * d for d in widths[1:])
    skips = sum(2 * (8 * d * d + 60 * d) for d in widths[:3])
    recovery = 48 * 4 * 16 + 4 + 4 * 4 * 25
    # With the decoder, whose blocks are those of the encoder: 20.8 million in the paper.
    assert round((count + blocks + unmerging + skips + recovery) / 1e5) == 208
