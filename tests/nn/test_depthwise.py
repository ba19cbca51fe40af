"""The fast depthwise convolution is the library's, in value and in all gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from physrep.nn import depthwise
from physrep.nn.depthwise import correlate_by_convolution, correlate_by_fft, depthwise_conv2d, depthwise_conv3d

# (B, C, T, H, W), kernel, padding: odd sizes, one channel, one frame, kernels larger than the grid, several pieces.
CASES = [
    ((2, 4, 5, 9, 8), (7, 7, 7), (3, 3, 3)),
    ((1, 1, 8, 8, 8), (7, 7, 7), (3, 3, 3)),
    ((2, 6, 4, 9, 8), (3, 5, 7), (1, 0, 3)),
    ((3, 5, 1, 6, 9), (1, 7, 7), (0, 3, 3)),
    ((2, 16, 2, 3, 3), (7, 7, 7), (3, 3, 3)),
    ((2, 3, 8, 9, 10), (7, 7, 7), (0, 0, 0)),
    ((1, 8, 19, 70, 30), (5, 3, 3), (2, 1, 1)),
]


def leaves(shape: tuple[int, ...], kernel: tuple[int, ...], dtype: torch.dtype) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    w = torch.randn(shape[1], 1, *kernel, generator=generator, dtype=torch.float64)
    b = torch.randn(shape[1], generator=generator, dtype=torch.float64)
    return [value.to(dtype).requires_grad_() for value in (x, w, b)]


def relative(value: torch.Tensor, reference: torch.Tensor) -> float:
    return float((value.detach().double() - reference.detach()).norm() / reference.detach().norm())


@pytest.mark.parametrize(("shape", "kernel", "padding"), CASES)
def test_value_and_gradients_equal_the_library_in_float64(shape, kernel, padding):
    single, double = leaves(shape, kernel, torch.float32), leaves(shape, kernel, torch.float64)
    y = depthwise_conv3d(*single, padding)
    reference = F.conv3d(*double, padding=padding, groups=shape[1])
    assert relative(y, reference) < 1e-6
    upstream = torch.randn(reference.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    gradients = torch.autograd.grad(y, single, upstream.float())
    expected = torch.autograd.grad(reference, double, upstream)
    for gradient, truth in zip(gradients, expected, strict=True):
        assert gradient.shape == truth.shape
        assert relative(gradient, truth) < 3e-6


@pytest.mark.parametrize(("shape", "kernel", "padding"), CASES)
def test_both_correlations_agree(shape, kernel, padding):
    x, w, _ = (value.detach() for value in leaves(shape, kernel, torch.float32))
    x = x.contiguous(memory_format=torch.channels_last_3d)
    g = torch.randn_like(F.conv3d(x, w, padding=padding, groups=shape[1]))
    by_fft = correlate_by_fft(x, g, w.shape[2:], padding)
    assert relative(correlate_by_convolution(x, g, w.shape[2:], padding), by_fft.double()) < 3e-6


@pytest.mark.parametrize("capability", ["AVX512", "DEFAULT"])
def test_gradcheck(capability, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    x, w, b = leaves((2, 2, 3, 4, 3), (3, 3, 3), torch.float64)
    function = depthwise._DepthwiseConv3d.apply
    assert torch.autograd.gradcheck(lambda *args: function(*args, (1, 1, 1)), (x, w, b))
    assert torch.autograd.gradcheck(lambda x, w: function(x, w, None, (0, 2, 1)), (x, w))


def test_two_dimensions():
    x, w, b = leaves((2, 6, 7, 5), (7, 7), torch.float32)
    y = depthwise_conv2d(x, w, b, (3, 3))
    reference = F.conv2d(x, w, b, padding=3, groups=6)
    torch.testing.assert_close(y, reference)
    for a, c in zip(
        torch.autograd.grad(y.square().sum(), (x, w, b)),
        torch.autograd.grad(reference.square().sum(), (x, w, b)),
        strict=True,
    ):
        torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-4)


def test_autocast_computes_in_float32():
    x, w, b = leaves((1, 16, 4, 8, 8), (7, 7, 7), torch.float32)
    exact = depthwise_conv3d(x, w, b, (3, 3, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = depthwise_conv3d(x, w, b, (3, 3, 3))
        torch.autograd.backward(y.square().sum())
    assert y.dtype == torch.float32
    assert torch.equal(y, exact)
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in (x, w, b))


def test_half_precision_input_keeps_its_type():
    x, w, b = leaves((1, 4, 4, 8, 8), (3, 3, 3), torch.bfloat16)
    y = depthwise_conv3d(x, w, b, (1, 1, 1))
    assert y.dtype == torch.bfloat16
    y.float().square().sum().backward()
    assert x.grad is not None and x.grad.dtype == torch.bfloat16 and x.grad.isfinite().all()


def test_only_what_is_asked_for_is_computed():
    x, w, _ = leaves((1, 4, 4, 8, 8), (3, 3, 3), torch.float32)
    y = depthwise_conv3d(x.detach(), w, None, (1, 1, 1))
    (gradient,) = torch.autograd.grad(y.sum(), w)
    assert gradient.shape == w.shape
