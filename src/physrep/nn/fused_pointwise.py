"""The pointwise half of a block as one operator on a CPU: ``x + gamma (W2 gelu(W1 LN(y) + b1) + b2)``.

Of ConvNeXt y is the convolution of x; of a transformer y is x, and gamma 1.

Written with torch's operators it passes over memory some twenty times per step, and the hidden layer, four times as
wide as the block, is written and read again. ``fused_pointwise.cpp`` works through tiles that stay in cache and
computes the hidden layer again in the backward pass. The numbers differ by rounding (1e-6 relative in float32).

The source is compiled by ``g++`` on first use, in a few seconds, into ``PHYSREP_CACHE`` (default:
``~/.cache/physrep``), once per source and processor. Without a compiler, on other devices and types, or with
``PHYSREP_FUSED=0``, blocks take torch's operators as before; a failed compilation says so in one line. It is called
through ctypes: no headers of torch are compiled, so it takes seconds and fits every version.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..errors import PhysrepError
from ..files import atomic_path, cache_home
from ..streams import say_line
from .plain import is_plain

SOURCE = Path(__file__).with_suffix(".cpp")
FLAGS = ["-O3", "-march=native", "-std=c++17", "-fPIC", "-shared", "-fopenmp", "-fno-math-errno", "-fno-trapping-math"]


def fits(x: Tensor, y: Tensor) -> bool:
    """Whether the operator takes these tensors ``(..., D)``: float32 on a CPU without autocast, D a multiple of 16."""
    return (
        x.device.type == "cpu"
        and x.dtype == y.dtype == torch.float32
        and x.shape[-1] % 16 == 0
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not is_plain()
        and os.environ.get("PHYSREP_FUSED", "1") != "0"
        and compiled_library() is not None
    )


def fused_pointwise(
    x: Tensor, y: Tensor, norm: tuple[Tensor, Tensor], first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor],
    gamma: Tensor, epsilon: float,
) -> Tensor:  # fmt: skip
    """``x + gamma * (W2 gelu(W1 layer_norm(y) + b1) + b2)`` on the last axis; see `fits`.

    Args:
        x: residual with shape ``(..., D)``.
        y: input of the norm, same shape.
        norm: weight and bias of the norm, ``(D,)``.
        first: W1 ``(4D, D)`` and b1 ``(4D,)``.
        second: W2 ``(D, 4D)`` and b2 ``(D,)``.
        gamma: layer scale, ``(D,)``.
        epsilon: of the norm.
    """
    return _Pointwise.apply(x, y, *norm, *first, *second, gamma, epsilon)


def residual_mlp(x: Tensor, norm: nn.LayerNorm, first: nn.Linear, second: nn.Linear) -> Tensor:
    """``x + W2 gelu(W1 layer_norm(x) + b1) + b2`` of tokens ``(..., D)``: the second half of a transformer's block.

    By one operator where it fits, the hidden layer is 4 D wide, and there are D tokens or more: each call puts the
    weights in order first, which fewer tokens do not repay.
    """
    width = x.shape[-1]
    if first.out_features == 4 * width and x.numel() >= width * width and fits(x, x):
        own, one, two = ((layer.weight, layer.bias) for layer in (norm, first, second))
        return fused_pointwise(x, x, own, one, two, torch.ones_like(norm.weight), norm.eps)
    return x + second(F.gelu(first(norm(x))))


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, *rest: Any) -> Tensor:
        *weights, epsilon = rest
        x, y = x.contiguous(), y.contiguous()
        weights = [weight.contiguous() for weight in weights]
        ctx.save_for_backward(y, *weights)
        ctx.epsilon = epsilon
        out = torch.empty_like(x)
        _call("forward", x, [x, y, *weights[:2], epsilon, *weights[2:], out])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        y, *weights = ctx.saved_tensors
        gradient = gradient.contiguous()
        found = [torch.empty_like(value) for value in (y, *weights)]
        _call("backward", y, [gradient, y, *weights[:2], ctx.epsilon, *weights[2:], *found])
        return gradient, *found, None


def _call(name: str, like: Tensor, arguments: list[Any]) -> None:
    """Call a function of the library with the sizes of ``like`` and as many threads as torch has."""
    built = compiled_library()
    assert built is not None
    width = like.shape[-1]
    passed = [ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else ctypes.c_float(a) for a in arguments]
    count = like.numel() // width
    getattr(built, name)(ctypes.c_long(count), ctypes.c_int(width), *passed, ctypes.c_int(torch.get_num_threads()))


@functools.cache
def compiled_library() -> ctypes.CDLL | None:
    """The compiled operator; None where there is no ``g++``, or, with a line that says so, where it fails."""
    compiler = shutil.which("g++")
    if compiler is None or platform.system() != "Linux":
        return None
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join([compiler, *FLAGS, _processor()]).encode()).hexdigest()[:16]
    try:
        path = cache_home() / "build" / f"fused_pointwise-{digest}.so"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                command = [compiler, *FLAGS, "-o", str(temporary), str(SOURCE)]
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return ctypes.CDLL(str(path))
    except (PhysrepError, OSError, subprocess.SubprocessError) as error:
        reason = " ".join(str(getattr(error, "stderr", "") or error).split())[:200]
        say_line(f"fused_pointwise: not compiled ({reason}); torch's operators are used, slower.")
        return None


def _processor() -> str:
    """Model and instruction sets of this machine's processor: what ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return "\n".join(next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags"))
