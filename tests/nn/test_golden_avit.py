"""The axial vision transformer against the released code: frames, tokens, gradients, bias tables, full size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.nn.avit import AViT, standardise
from physrep.nn.relative_bias import RelativePositionBias
from tests.helpers.golden import assert_close, golden_cases, hash_input, hash_values, tensors

pytestmark = pytest.mark.golden


def model_of(case: dict[str, Any]) -> AViT:
    a = case["constructor_arguments"]
    assert a["block_type"] == "axial" and a["bias_type"] == "rel"
    return AViT(a["n_states"], a["embed_dim"], a["processor_blocks"], a["num_heads"], a["patch_size"][0]).eval()


@pytest.mark.parametrize("case", golden_cases("AViT"))
def test_frames_tokens_and_gradients(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    model = model_of(case)
    model.load_state_dict(data["weights"])
    for run in case["runs"]:
        given = {key.split(".", 1)[1]: v for key, v in data["input"].items() if key.startswith(f"{run}.")}
        x, labels, bcs = given["x"].permute(1, 2, 0, 3, 4), given["state_labels"][0], given["bcs"][0].bool().tolist()
        periodic = (bcs[1], bcs[0])
        scaled, _, _ = standardise(x)
        y = model(x, labels, periodic)
        found = {
            "y": y,
            "tokens": model.tokens(scaled, labels, periodic).permute(1, 0, 4, 2, 3),
            **_inside(model, scaled, labels, periodic),
        }
        for key, expected in data["output"].items():
            name, output = key.split(".", 1)
            if name == run:
                assert_close(found[output], expected, case["outputs"][key])
        gradients = {key.split("::")[1]: v for key, v in data["grad"].items() if key.startswith(f"{run}::")}
        if gradients:
            (0.5 * y.square().mean()).backward()
            for name, expected in gradients.items():
                gradient = model.get_parameter(name).grad
                assert gradient is not None
                assert_close(gradient, expected, case["grads"][f"{run}::{name}"])


def _inside(model: AViT, x: Tensor, labels: Tensor, periodic: tuple[bool, bool]) -> dict[str, Tensor]:
    """Tokens after the stem, after the first attention over time, after the first block, as (T, B, D, h, w)."""
    batch, frames = len(x), x.shape[2]
    e = model.embed(x.permute(0, 2, 3, 4, 1).flatten(0, 1), *model.space_bag(labels)).unflatten(0, (batch, frames))
    first = model.blocks[0]
    parts = {"embed": e, "temporal0": e + first.temporal(e), "block0": first(e, periodic)}
    return {name: value.permute(1, 0, 4, 2, 3) for name, value in parts.items()}


@pytest.mark.parametrize("case", golden_cases("RelativePositionBias(bidirectional=True, num_buckets=32, n_heads)"))
def test_bias_tables_bit_for_bit(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    bias = RelativePositionBias(case["constructor_arguments"]["n_heads"])
    bias.load_state_dict(data["weights"])
    assert data["output"]
    for key, expected in data["output"].items():
        length, boundary = key.split(".")
        assert torch.equal(bias(int(length[1:]), boundary == "bc1")[0], expected), key


def _from_notes(case: dict[str, Any], name: str) -> list[int]:
    """A list of numbers that the case gives in its notes only."""
    (found,) = re.findall(rf"{name} \[([\d, ]+)\]", " ".join(case["notes"]))
    return [int(part) for part in found.split(",")]


@pytest.mark.parametrize("case", golden_cases("AViT (mpp_avit_ti_config.yaml)"))
def test_full_size(case: dict[str, Any], golden: Path) -> None:
    data = tensors(golden, case)
    model = model_of(case)
    formula, seed = case["weights_formula"], case["hash_seed"]
    weights = {k: hash_values(seed, r["i"], tuple(r["shape"]), r["scale"], r["offset"]) for k, r in formula.items()}
    assert sorted(weights) == sorted(model.state_dict())
    model.load_state_dict(weights)
    assert sum(value.numel() for value in model.state_dict().values()) == case["n_parameters"]
    x = hash_input(case).permute(1, 2, 0, 3, 4)
    labels, bcs = (_from_notes(case, name) for name in ("state_labels", "bcs"))
    labels, periodic = torch.tensor(labels), (bool(bcs[1]), bool(bcs[0]))
    scaled, _, _ = standardise(x)
    with torch.no_grad():
        found = {
            "y": model(x, labels, periodic),
            "last_frame_tokens": model.tokens(scaled, labels, periodic, last=True)[:, 0].permute(0, 3, 1, 2),
        }
    for name, expected in data["output"].items():
        assert_close(found[name], expected, case["outputs"][name])
