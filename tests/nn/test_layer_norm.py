"""The Triton layer norm in the interpreter against torch in float64; where it does not fit, torch's is taken."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from physrep.nn import layer_norm as module
from physrep.nn.layer_norm import layer_norm
from tests.nn.test_depthwise_triton import needs_triton


def norm_of(dim: int) -> nn.LayerNorm:
    torch.manual_seed(dim)
    norm = nn.LayerNorm(dim, eps=1e-6)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    return norm


@needs_triton
@pytest.mark.parametrize("dim", [12, 16, 48])
def test_value_and_gradients_in_the_interpreter(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several programs with several steps each, and rows and columns beyond the ends."""
    monkeypatch.setenv("PHYSREP_GPU_KERNELS", "triton")
    monkeypatch.setattr(module, "PROGRAMS", 2)
    monkeypatch.setattr(module, "VALUES", 64)
    norm, x, upstream = norm_of(dim), torch.randn(3, 7, dim, requires_grad=True), torch.randn(3, 7, dim)
    y = layer_norm(x, norm)
    assert type(y.grad_fn).__name__ == "_LayerNormBackward"
    found = [y, *torch.autograd.grad(y, [x, norm.weight, norm.bias], upstream)]
    double, wide = copy.deepcopy(norm).double(), x.detach().double().requires_grad_()
    z = double(wide)
    exact = [z, *torch.autograd.grad(z, [wide, double.weight, double.bias], upstream.double())]
    for value, truth in zip(found, exact, strict=True):
        assert float((value.detach().double() - truth.detach()).norm() / truth.detach().norm()) < 1e-6


def test_on_a_cpu_it_is_torchs() -> None:
    norm, x = norm_of(16), torch.randn(5, 16)
    assert torch.equal(layer_norm(x, norm), norm(x))
