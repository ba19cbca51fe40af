"""Exactly decaying fields with one unknown coefficient, and what a linear probe reads of it."""

from __future__ import annotations

import torch
from torch import Tensor

from physrep.clip import Clip


def heat_clip(batch: int, frames: int, n: int = 16, seed: int = 0) -> Clip:
    """Heat equation on a periodic square: modes decay by exp(-κ|k|²) per frame, κ log-uniform in 0.01 to 0.1.

    Every clip has its own spectrum and unit variance, so neither size nor smoothness of a frame gives κ away.
    """
    generator = torch.Generator().manual_seed(seed)
    kappa = 10 ** (torch.rand(batch, generator=generator) - 2)
    slope = 1.5 * torch.rand(batch, 1, 1, generator=generator)
    k = torch.fft.fftfreq(n, 1 / n)
    k2 = k[:, None] ** 2 + torch.fft.rfftfreq(n, 1 / n) ** 2
    noise = torch.fft.rfft2(torch.randn(batch, n, n, generator=generator))
    modes = noise * (1 + k2) ** (-slope / 2) * ((k2 > 0) & (k2 < 25))
    t = torch.arange(frames).view(1, -1, 1, 1)
    u = torch.fft.irfft2(modes[:, None] * torch.exp(-kappa.view(-1, 1, 1, 1) * k2 * t), s=(n, n))
    u = u / u.std((1, 2, 3), keepdim=True)
    index = torch.arange(batch)
    return Clip(
        u.unsqueeze(1), kappa.log10().unsqueeze(1), ("u",), ("log_kappa",), 1.0, (1.0, 1.0), (True, True), index, index
    )


def ridge_r2(z: Tensor, y: Tensor, z_test: Tensor, y_test: Tensor, penalty: float = 1e-3) -> float:
    """R² on test of a ridge regression from latents (B, D) to one label."""
    mean, std = z.mean(0), z.std(0) + 1e-6
    z, z_test = (torch.cat([(v - mean) / std, torch.ones(len(v), 1)], 1).double() for v in (z, z_test))
    weights = torch.linalg.solve(z.T @ z + penalty * len(z) * torch.eye(z.shape[1]).double(), z.T @ y.double())
    return 1 - float((z_test @ weights - y_test).square().mean() / y_test.var(correction=0))
