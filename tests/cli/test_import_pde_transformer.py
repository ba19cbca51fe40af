"""PDE-Transformer's weights become a run: the layout of the published files, and what the public code gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from physrep.checkpoints.pde_transformer import convert
from physrep.cli.main import main
from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import PDETransformer
from physrep.nn.pde_transformer import PDETransformerEncoder
from physrep.run_directory import load_run
from tests.helpers.imported_runs import assert_is_probed
from tests.helpers.walrus_file import drawn

SMALL: dict[str, Any] = {"dim": 16, "depths": (1, 2, 2), "heads": 2, "patch": 2, "window": 4}
ROWS: dict[str, Any] = {"types": 41, "pdes": 41, "tasks": 40}
SHEAR = ("pressure", "tracer", "velocity_x", "velocity_y")
GOLDEN = [
    [-2796.506103515625, 789.408447265625, 806.7435913085938],
    [-2406.042724609375, 517.4764404296875, 383.87860107421875],
    [-2493.807861328125, 636.4739379882812, 523.554443359375],
]
"""Entries 0, 20, 63 at place (1, 2) of three channels of the first input below, from the public code
(github.com/tum-pbs/pde-transformer, commit 850e09d, PDEImpl of separate channels, periodic) on 2026-11-27."""


def published() -> dict[str, torch.Tensor]:
    """A small file of the layout, without the prefix of the wrapper; weights follow from their names."""
    state = {
        name: drawn(name, tuple(value.shape))
        for name, value in PDETransformerEncoder(2, **SMALL, mlp_ratio=4.0, **ROWS).state_dict().items()
    }
    bias = "encoder_level_0.blocks.0.attn_spatial.pos_emb_funct"
    rest = {
        "simulation_time_embedder_0.mlp.0.weight": torch.zeros(16, 256),
        "up1_0.body.0.weight": torch.zeros(64, 32, 3, 3),
        "decoder_level_0.blocks.0.norm1.weight": torch.zeros(32), "final_layer.out_proj.weight": torch.zeros(8, 32),
        f"{bias}.relative_position_index": torch.zeros(16, 16, dtype=torch.int32),
        f"{bias}.relative_coords_table": torch.zeros(1, 7, 7, 2),
    }  # fmt: skip
    return state | rest


def clip(channels=SHEAR, frames: int = 3, size=(16, 24), periodic=(True, False)) -> Clip:
    fields = drawn("fields", (2, len(channels), frames, *size)) + 0.2
    nobody = torch.zeros(2, dtype=torch.long)
    return Clip(fields, torch.zeros(2, 0), channels, (), 0.1, (0.1, 0.1), periodic, nobody, nobody)


def test_tokens_are_those_of_the_public_code() -> None:
    encoder, state = PDETransformerEncoder(2, **SMALL, mlp_ratio=4.0, **ROWS), published()
    encoder.load_state_dict({name: state[name] for name in encoder.state_dict()})
    inputs = torch.zeros(2, 3, 2, 32, 32)
    inputs[:, :, 0] = drawn("inputs", (2, 3, 32, 32))
    with torch.no_grad():
        tokens = encoder(inputs, torch.tensor([7, 6, 40]), 40, around=True)
    assert tokens.shape == (2, 3, 4, 4, 64)
    torch.testing.assert_close(tokens[0, :, 1, 2][:, [0, 20, 63]], torch.tensor(GOLDEN), atol=0.05, rtol=1e-4)
    assert tokens.mean().item() == pytest.approx(230.65288, rel=1e-4)
    assert tokens.std(correction=1).item() == pytest.approx(1873.675, rel=1e-4)


def test_a_file_of_the_published_layout_is_imported_and_probed(tmp_path: Path, capsys) -> None:
    tensors, file, run = published(), tmp_path / "diffusion_pytorch_model.safetensors", tmp_path / "run"
    save_file({f"model.{name}": value for name, value in tensors.items()}, file)
    words = ["import-checkpoint", file, "--as", "pde_transformer", "--out", run, "--channels", *SHEAR]
    words += ["--num-frames", 3, "--options.image_size", 16, "--options.level", 2]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    assert "pressure of type 6, tracer of type 7, velocity_x of type 1, velocity_y of type 2" in said
    assert "left out: channel_type_embedder_2" in said
    learner, _ = load_run(run)
    assert isinstance(learner, PDETransformer) and learner.kind == "learner"
    assert learner.label == "PDE-Transformer (frozen)" and learner.pde_type == 40
    state = learner.backbone.state_dict()
    assert all(torch.equal(state[key], tensors[key]) for key in state) and "latent.blocks.0.norm1.weight" not in state
    assert learner.encode(clip()).shape == (2, 3 * 4 * 4, 4 * 32) and learner.grid(3, 16, 24) == (3, 4, 4)
    assert_is_probed(run, tmp_path, capsys)


def test_what_is_no_such_file_is_refused() -> None:
    for change, message in (
        ({"x_embedder.proj.weight": None}, "holds no PDE-Transformer"),
        ({"channel_type_embedder_0.embedding_table.weight": None}, "mixes its channels"),
        ({"latent.global_tokenizer.to_global_feature.pos.weight": torch.zeros(1)}, "carrier tokens"),
        ({"latent.blocks.1.mlp.fc2.bias": None}, r"lacks 'latent.blocks.1.mlp.fc2.bias' \(1 tensors"),
        ({"latent.blocks.1.norm3.bias": torch.zeros(5)}, r"norm3.bias has shape \(5,\), wanted \(64,\)"),
    ):
        changed = {key: value for key, value in (published() | change).items() if value is not None}
        with pytest.raises(PhysrepError, match=message):
            convert(changed, SHEAR, image_size=32)


def test_the_rule_from_our_fields_to_theirs() -> None:
    own: dict[str, Any] = {**SMALL, "type_rows": 41, "pde_rows": 41, "task_rows": 40, "image_size": 32}
    floor = PDETransformer(4, 3, **own)
    assert floor.kind == "floor" and floor.label == "PDE-Transformer (random weights)"
    assert floor.rows(("D_xy", "buoyancy", "salinity")) == [17, 32, 40]
    assert PDETransformer(4, 3, types={"salinity": 7}, **own).rows(("salinity",)) == [7]
    inputs, names = floor.inputs(clip())
    assert names == list(SHEAR) and inputs.shape == (2, 3, 4, 2, 32, 32) and (inputs[:, :, :, 1] == 0).all()
    frames = inputs[:, :, :, 0]
    torch.testing.assert_close(frames.mean((1, 3, 4)), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(frames.square().mean((1, 3, 4)), torch.ones(2, 4))
    # With three steps an input is two frames.
    three, _ = PDETransformer(4, 3, steps=3, **own).inputs(clip())
    assert three.shape == (2, 2, 4, 3, 32, 32)
    assert torch.equal(three[:, 1, :, 0], frames[:, 1]) and torch.equal(three[:, 1, :, 1], frames[:, 2])
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"image_size": 24}, "no multiple of 32"),
        ({"level": 4}, "level is 4"),
        ({"pde_type": 41}, "pde_type is 41"),
        ({"types": {"tracer": 41}}, "row 41 of channel 'tracer'"),
        ({"steps": 5}, "give windows of 4 frames"),
        ({"standardise": "published"}, "standardise is 'published'"),
    )
    for options, message in refused:
        with pytest.raises(PhysrepError, match=message):
            PDETransformer(4, 3, **own | options)


def test_windows_cross_the_edges_of_periodic_data_alone() -> None:
    learner = PDETransformer(1, 3, **SMALL, type_rows=41, pde_rows=41, task_rows=40, image_size=64, level=2)
    learner.backbone.load_state_dict({name: published()[name] for name in learner.backbone.state_dict()})
    results = []
    for periodic in ((True, True), (True, False)):
        at_edge = clip(("tracer",), size=(64, 64), periodic=periodic)
        other = clip(("tracer",), size=(64, 64), periodic=periodic)
        other.fields[:, :, :, :2, :2] += 1.0  # one patch of one corner
        learner.standardise = "none"
        change = (learner.encode(other) - learner.encode(at_edge))[0].unflatten(0, (3, 16, 16)).abs().amax(-1)
        results.append(change[:, 8:, 8:].max().item())
    assert results[0] > 1e-3 and results[1] < 1e-5
