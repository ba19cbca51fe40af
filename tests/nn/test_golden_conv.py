"""Convolutional encoder and predictor against the published code: outputs, loss, gradients, full size, checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from physrep.nn import ConvNeXt3D
from physrep.nn.convnext3d import encoder_sizes
from physrep.nn.predictor import ConvPredictor
from tests.helpers.golden import assert_close, golden_cases, golden_directory, hash_input, load_hash_weights, tensors

pytestmark = pytest.mark.golden


def encoder_of(case: dict[str, Any]) -> ConvNeXt3D:
    arguments = dict(case["constructor_arguments"])
    return ConvNeXt3D(in_channels=arguments.pop("in_chans"), **arguments)


def prepare(module: nn.Module, case: dict[str, Any], data: dict[str, dict[str, Tensor]]) -> Tensor:
    """Load the case's weights; return its input."""
    if "weights_formula" in case:
        load_hash_weights(module, case)
        x = hash_input(case)
        first = module.state_dict()[min(module.state_dict())]
        assert torch.equal(x.flatten()[:8], data["check"]["input_values"])
        assert torch.equal(first.flatten()[:8], data["check"]["first_weight_values"])
        return x
    module.load_state_dict(data["weights"])
    return data["input"]["x"]


def check(module: nn.Module, y: Tensor, case: dict[str, Any], data: dict[str, dict[str, Tensor]]) -> None:
    assert_close(y, data["output"]["y"], case["outputs"]["y"])
    if "n_parameters" in case:
        assert sum(p.numel() for p in module.parameters()) == case["n_parameters"]
    if "loss" in case["outputs"]:
        loss = 0.5 * y.square().mean()
        assert_close(loss, data["output"]["loss"], case["outputs"]["loss"])
        loss.backward()
        for name, gradient in data["grad"].items():
            value = module.get_parameter(name).grad
            assert value is not None
            assert_close(value, gradient, case["grads"][name])


@pytest.mark.parametrize("case", golden_cases("ConvEncoder"))
def test_encoder(case: dict[str, Any], golden: Path):
    data = tensors(golden, case)
    encoder = encoder_of(case).eval()
    x = prepare(encoder, case, data)
    one, *sides = encoder.grid(*x.shape[2:])
    assert one == 1
    check(encoder, encoder(x).transpose(1, 2).unflatten(2, sides), case, data)


@pytest.mark.parametrize("case", golden_cases("ConvPredictor"))
def test_predictor(case: dict[str, Any], golden: Path):
    data = tensors(golden, case)
    predictor = ConvPredictor(case["constructor_arguments"]["dims"][0]).eval()
    check(predictor, predictor(prepare(predictor, case, data)), case, data)


@pytest.mark.parametrize("case", golden_cases("ConvEncoder"))
def test_checkpoint_file(case: dict[str, Any], golden: Path, tmp_path: Path):
    """The published file if the case names one; else its weights in the same layout, with the prefix of DDP."""
    if "official_checkpoint_file" in case:
        path = golden / case["official_checkpoint_file"]["file"]
    else:
        path = tmp_path / "ConvEncoder_5.pth"
        encoder = encoder_of(case)
        prepare(encoder, case, tensors(golden, case))
        torch.save({f"module.{key}": value for key, value in encoder.state_dict().items()}, path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = {key.replace("module.", ""): value for key, value in state.items()}
    loaded = ConvNeXt3D(**encoder_sizes(state))
    loaded.load_state_dict(state)
    expected = encoder_of(case)
    prepare(expected, case, tensors(golden, case))
    assert loaded.num_frames == expected.num_frames and loaded.in_channels == expected.in_channels
    for key, value in expected.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_golden_directory_is_found_or_reported():
    directory = golden_directory()
    assert directory is None or (directory / "index.json").is_file()
