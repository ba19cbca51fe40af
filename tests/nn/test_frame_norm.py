"""Norms of frames against torch's operators: values, gradients, constant frames, half precision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from physrep.nn.frame_norm import FrameInstanceNorm, FrameRMSNorm


def composed(norm: FrameRMSNorm | FrameInstanceNorm, x: Tensor) -> Tensor:
    """The same by torch's operators, which derive their own gradients."""
    if isinstance(norm, FrameInstanceNorm):
        return F.instance_norm(x.permute(0, 3, 1, 2), weight=norm.weight, bias=norm.bias, eps=1e-5).permute(0, 2, 3, 1)
    return x * (norm.weight / (x.std((1, 2), keepdim=True) + 1e-8))


@pytest.mark.parametrize("kind", [FrameRMSNorm, FrameInstanceNorm])
def test_values_and_gradients_are_those_of_the_composed_norm(kind: type[FrameRMSNorm | FrameInstanceNorm]) -> None:
    torch.manual_seed(0)
    norm, x = kind(5), (3 * torch.randn(4, 3, 6, 5) + 2).requires_grad_()
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    weights = torch.randn(4, 3, 6, 5)
    wanted = [x, *norm.parameters()]
    found, expected = norm(x), composed(norm, x)
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad((y * weights).sum(), wanted) for y in (found, expected)]
    for own, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-5, atol=1e-5)
    half = norm(x.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), found, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("kind", [FrameRMSNorm, FrameInstanceNorm])
def test_a_constant_frame_has_finite_gradients(kind: type[FrameRMSNorm | FrameInstanceNorm]) -> None:
    x = torch.zeros(1, 2, 2, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(kind(3)(x).sum(), [x])
    assert gradient.isfinite().all()


def test_a_scale_multiplies_the_weight() -> None:
    torch.manual_seed(0)
    norm, x, scale = FrameRMSNorm(5), torch.randn(2, 3, 3, 5), torch.randn(5)
    torch.testing.assert_close(norm(x, scale), norm(x) * scale)
