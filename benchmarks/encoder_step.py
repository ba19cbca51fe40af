"""One JEPA training step: this package's encoder against the same modules in plain PyTorch.

A step is two windows of 16 frames through the encoder, the predictor, VICReg, the backward pass and AdamW. "Plain"
writes the same architecture with `torch.nn` in the natural layout (channels first, library gradients, one encoder pass
per window). Both start from the same weights and see the same clips; their steps alternate in one process. On one
thread the clock is the process's CPU time, on several the wall's. The layer scale is raised to 0.3 so that errors
inside blocks show.

    python benchmarks/encoder_step.py [--size 64] [--batch 1] [--channels 11] [--repeats 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physrep.clip import Clip
from physrep.learners.jepa import JEPA
from physrep.training.schedule import takes_fused

DIMS, BLOCKS, FRAMES = (16, 32, 64, 128, 128), (3, 3, 3, 9, 3), 16


class ChannelNorm(nn.Module):
    """Layer norm over axis 1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        y = centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        shape = (-1,) + (1,) * (x.dim() - 2)
        return self.weight.view(shape) * y + self.bias.view(shape)


class PlainBlock(nn.Module):
    """Depthwise convolution, norm, two linear maps, layer scale, residual."""

    def __init__(self, dim: int, dimensions: int) -> None:
        super().__init__()
        self.conv = (nn.Conv3d if dimensions == 3 else nn.Conv2d)(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x).movedim(1, -1))
        return x + (self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))).movedim(-1, 1)


class PlainEncoder(nn.Module):
    """The paper's encoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv3d(channels, DIMS[0], (1, 4, 4), padding="same"), ChannelNorm(DIMS[0]))
        later = [nn.Sequential(ChannelNorm(a), nn.Conv3d(a, b, 2, stride=2)) for a, b in itertools.pairwise(DIMS)]
        self.downsample_layers = nn.ModuleList([stem, *later])
        self.res_blocks = nn.ModuleList(
            nn.Sequential(*(PlainBlock(dim, 3 if i < 4 else 2) for _ in range(n)))
            for i, (dim, n) in enumerate(zip(DIMS, BLOCKS, strict=True))
        )

    def forward(self, x: Tensor) -> Tensor:
        for down, blocks in zip(self.downsample_layers, self.res_blocks, strict=True):
            x = blocks(down(x).squeeze(2))
        return x


class PlainPredictor(nn.Module):
    """The paper's predictor."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(d, 2 * d, 2, padding=1), PlainBlock(2 * d, 2), nn.Conv2d(2 * d, d, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class PlainJEPA(nn.Module):
    """Encoder, predictor and VICReg, one encoder pass per window."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = PlainEncoder(channels)
        self.predictor = PlainPredictor(DIMS[-1])

    def forward(self, fields: Tensor) -> Tensor:
        context, target = (self.encoder(fields[:, :, i : i + FRAMES]) for i in (0, FRAMES))
        x, y = (z.movedim(1, -1).flatten(0, 2) for z in (self.predictor(context), target))
        loss = 2 * F.mse_loss(x, y)
        for z in (x, y):
            loss = loss + 40 * torch.relu(1 - torch.sqrt(z.var(0, correction=0) + 1e-4)).mean() / 2
            covariance = torch.cov(z.T)
            loss = loss + 2 * (covariance.pow(2).sum() - covariance.diagonal().pow(2).sum()) / z.shape[1]
        return loss


def main() -> None:
    """Print CPU seconds per step, their ratio, and how far the losses and gradients differ."""
    parser = argparse.ArgumentParser(description="JEPA training step: this package against plain PyTorch.")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--channels", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    torch.manual_seed(0)
    plain = PlainJEPA(arguments.channels)
    ours = JEPA(arguments.channels, FRAMES)
    weights = {key: torch.full_like(v, 0.3) if key.endswith("gamma") else v for key, v in plain.state_dict().items()}
    plain.load_state_dict(weights)
    ours.load_state_dict(weights, strict=False)
    fields = torch.randn(arguments.batch, arguments.channels, 2 * FRAMES, arguments.size, arguments.size)
    index = torch.zeros(arguments.batch, dtype=torch.long)
    names = tuple(f"c{i}" for i in range(arguments.channels))
    clip = Clip(fields, torch.zeros(arguments.batch, 0), names, (), 1.0, (1.0, 1.0), (True, True), index, index)
    losses: dict[str, Callable[[], Tensor]] = {"plain": lambda: plain(fields), "ours": lambda: ours.loss(clip)["loss"]}

    values = {name: loss() for name, loss in losses.items()}
    named = dict(ours.named_parameters())
    reference = dict(plain.named_parameters())
    gradients = torch.autograd.grad(values["ours"], list(named.values()))
    expected = torch.autograd.grad(values["plain"], [reference[key] for key in named])
    worst = max(float((a - b).norm() / b.norm()) for a, b in zip(gradients, expected, strict=True))
    print(f"loss: plain {values['plain'].item():.7g}, ours {values['ours'].item():.7g}; ", end="")
    print(f"worst relative difference of a parameter's gradient {worst:.1e}")

    optimizers = {
        "plain": torch.optim.AdamW(plain.parameters(), lr=1e-6),
        "ours": torch.optim.AdamW(ours.parameters(), lr=1e-6, fused=takes_fused(ours)),  # as `physrep pretrain` does
    }
    seconds: dict[str, list[float]] = {name: [] for name in losses}
    for repeat in range(arguments.repeats + 1):
        for name, loss in losses.items():
            start = clock()
            optimizers[name].zero_grad()
            loss().backward()
            optimizers[name].step()
            if repeat > 0:
                seconds[name].append(clock() - start)
    best = {name: min(values) for name, values in seconds.items()}
    size = f"{arguments.size}x{arguments.size}, batch {arguments.batch}, {arguments.channels} channels"
    print(f"{size}: plain {best['plain']:.3f} s, ours {best['ours']:.3f} s per step, ", end="")
    print(f"{best['plain'] / best['ours']:.1f} times faster ({arguments.threads} threads, best of {arguments.repeats})")


if __name__ == "__main__":
    main()
