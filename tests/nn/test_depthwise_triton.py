"""The Triton kernels in Triton's interpreter against the library in float64, and the choice between the two.

Torch builds for CPUs bring no Triton: without it these cases are skipped; `benchmarks/gpu.py` checks them on a GPU.
"""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch
import torch.nn.functional as F

from physrep.errors import PhysrepError
from physrep.nn import depthwise, depthwise_triton
from physrep.nn.depthwise import depthwise_conv3d

interpreted = os.environ.get("TRITON_INTERPRET") == "1" and importlib.util.find_spec("triton") is not None
needs_triton = pytest.mark.skipif(not interpreted, reason="needs Triton, and TRITON_INTERPRET=1 before it is imported")
CASES = [
    ((1, 3, 3, 5, 9), (3, 3, 3), (1, 1, 1)),
    ((2, 5, 1, 6, 7), (1, 7, 7), (0, 3, 3)),
    ((1, 2, 4, 9, 4), (5, 3, 5), (1, 2, 1)),
]


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("PHYSREP_GPU_KERNELS", "triton")


@needs_triton
@pytest.mark.parametrize(("shape", "kernel", "padding"), CASES)
def test_value_and_gradients_in_the_interpreter(shape, kernel, padding, kernels):
    generator = torch.Generator().manual_seed(0)
    sizes = (shape, (shape[1], 1, *kernel), (shape[1],))
    double = [torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_() for size in sizes]
    single = [value.detach().float().requires_grad_() for value in double]
    reference = F.conv3d(*double, padding=padding, groups=shape[1])
    upstream = torch.randn(reference.shape, generator=generator, dtype=torch.float64)
    y = depthwise_conv3d(*single, padding)
    assert type(y.grad_fn).__name__ == "_DepthwiseBackward"
    found = [y.detach(), *torch.autograd.grad(y, single, upstream.float())]
    truth = [reference.detach(), *torch.autograd.grad(reference, double, upstream)]
    for value, exact in zip(found, truth, strict=True):
        assert value.shape == exact.shape and value.dtype == torch.float32
        assert float((value.double() - exact).norm() / exact.norm()) < 1e-6


def test_a_cpu_never_takes_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("PHYSREP_GPU_KERNELS", "triton")
    assert not depthwise_triton.available(torch.zeros(1))
    x, weight = torch.randn(1, 2, 3, 4, 5), torch.randn(2, 1, 3, 3, 3)
    assert torch.allclose(
        depthwise_conv3d(x, weight, None, (1, 1, 1)), F.conv3d(x, weight, padding=1, groups=2), atol=1e-5
    )


def test_without_triton_the_library_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(depthwise_triton, "triton", None)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("PHYSREP_GPU_KERNELS", "triton")
    assert not depthwise._own_kernels(torch.zeros(1))


def test_an_unknown_choice_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PHYSREP_GPU_KERNELS", "fast")
    with pytest.raises(PhysrepError, match="PHYSREP_GPU_KERNELS is 'fast'; give library or triton"):
        depthwise_conv3d(torch.zeros(1, 1, 1, 3, 3), torch.zeros(1, 1, 1, 3, 3), None, (0, 1, 1))
