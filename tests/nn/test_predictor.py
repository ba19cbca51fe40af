"""Predictors keep the shape of the tokens and read the grid as stated."""

from __future__ import annotations

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.nn.predictor import ConvPredictor, ConvTokenPredictor, TokenPredictor


def test_on_tokens_it_is_the_predictor_on_maps():
    torch.manual_seed(0)
    predictor = ConvTokenPredictor(8, layer_scale=0.5)
    maps = ConvPredictor(8)
    maps.load_state_dict(predictor.state_dict())
    x = torch.randn(2, 8, 3, 5)
    tokens = x.flatten(2).transpose(1, 2)
    torch.testing.assert_close(predictor(tokens, (1, 3, 5)), maps(x).flatten(2).transpose(1, 2))


@pytest.mark.parametrize("grid", [None, (2, 3, 5)])
def test_conv_wants_one_time_slice(grid):
    with pytest.raises(PhysrepError, match="predictor: tokens"):
        ConvTokenPredictor(8)(torch.zeros(1, 30, 8), grid)


def test_mixing_reaches_neighbours_only():
    torch.manual_seed(0)
    predictor = TokenPredictor(6)
    x = torch.randn(1, 4 * 5 * 5, 6)
    other = x.clone()
    other[0, (2 * 5 + 2) * 5 + 2] += 1.0
    changed = (predictor(x, (4, 5, 5)) - predictor(other, (4, 5, 5))).abs().amax(2).view(4, 5, 5) > 1e-6
    expected = torch.zeros(4, 5, 5, dtype=torch.bool)
    expected[1:4, 1:4, 1:4] = True
    assert torch.equal(changed, expected)


def test_without_mixing_it_needs_no_grid():
    predictor = TokenPredictor(6, kernel_size=1)
    x = torch.randn(2, 7, 6)
    assert predictor(x).shape == x.shape
    torch.testing.assert_close(predictor(x)[:, 3:4], predictor(x[:, 3:4]))
    with pytest.raises(PhysrepError, match="kernel_size: 1"):
        TokenPredictor(6)(x)


def test_gradients_reach_every_parameter():
    for predictor, grid in ((ConvTokenPredictor(8), (1, 3, 5)), (TokenPredictor(8), (1, 3, 5))):
        predictor(torch.randn(2, 15, 8), grid).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in predictor.parameters())
