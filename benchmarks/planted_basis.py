"""A planted law beyond the library: what operator discovery finds of it alone, and with columns that it trains.

    ∂ₜa = D ∇²a - r sin 2a

on 16 x 16 points, 24 frames, D log-uniform in [0.003, 0.03], r uniform in [0.5, 2]; 48 trajectories are fitted to, 16
choose. Printed are grade, P, the share of the change that is left in other windows, and R² of log D and r from θ and
its squares over the windows of the 16.

    python benchmarks/planted_basis.py
"""

from __future__ import annotations

import math

import torch
from operator_parameters import fitted  # pyright: ignore[reportMissingImports]
from torch import Tensor

from physrep.clip import Clip
from physrep.learners import OperatorDiscovery

POINTS, FRAMES, DT, WINDOW, STEPS = 16, 24, 0.05, 8, 20
BASIS = {"maps": 2, "layers": 2, "trajectories": 12}


def reacting(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Fields ``(B, 1, T, N, N)`` by Strang splitting with the midpoint rule, and (log10 D, r) of each."""
    draw = torch.Generator().manual_seed(seed)
    uniform = torch.rand(number, 2, generator=draw, dtype=torch.float64)
    diffusivity, rate = 10 ** (-2.5 + uniform[:, 0]), (0.5 + 1.5 * uniform[:, 1]).view(-1, 1, 1)
    k = 2 * math.pi * torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    low = (k.abs()[:, None] < 5 * math.pi) & (k.abs() < 5 * math.pi)
    start = torch.randn(number, POINTS, POINTS, generator=draw, dtype=torch.float64)
    a = torch.fft.ifft2(torch.fft.fft2(start) * low).real
    a = 2 * a / a.std((1, 2), keepdim=True)
    step = DT / STEPS
    half = torch.exp(-diffusivity.view(-1, 1, 1) * (k[:, None] ** 2 + k**2) * step / 2)
    frames = []
    for _ in range(FRAMES):
        frames.append(a)
        for _ in range(STEPS):
            a = torch.fft.ifft2(torch.fft.fft2(a) * half).real
            middle = a - step / 2 * rate * torch.sin(2 * a)
            a = a - step * rate * torch.sin(2 * middle)
            a = torch.fft.ifft2(torch.fft.fft2(a) * half).real
    return torch.stack(frames, 1).unsqueeze(1), torch.stack([diffusivity.log10(), rate.flatten()], 1)


def explained(learner: OperatorDiscovery, fields: Tensor, truth: Tensor) -> list[float]:
    """R² of both parameters from θ and its squares."""
    starts = range(0, FRAMES - WINDOW + 1, WINDOW)
    windows = torch.stack([fields[:, :, s : s + WINDOW] for s in starts], 1).flatten(0, 1)
    nobody = torch.zeros(len(windows), dtype=torch.long)
    clip = Clip(windows, torch.zeros(len(windows), 0), ("a",), (), DT, (1 / POINTS,) * 2, (True, True), nobody, nobody)
    with torch.no_grad():
        theta = learner.read(clip).mean
    y = truth.repeat_interleave(len(starts), 0)
    x = torch.cat([theta, theta.square(), torch.ones(len(theta), 1, dtype=theta.dtype)], 1)
    rest = y - x @ torch.linalg.lstsq(x, y).solution
    return (1 - rest.square().mean(0) / y.var(0)).tolist()


def main() -> None:
    fields, truth = reacting(64, 0)
    for name, basis in (("library alone", None), ("with a trained basis", BASIS)):
        with torch.no_grad():
            learner, notes = fitted(fields, ("a",), DT, (1 / POINTS,) * 2, (True, True), grades=(1, 2, 3), basis=basis)
        best = learner.record["curve"][learner.record["best"]]
        print(*notes, sep="\n")
        print(
            f"{name}: grade {best['grade']}, P = {best['directions']}, left {best['residual']['0']:.2g}, R² of log D "
            "and r: " + ", ".join(f"{v:.2f}" for v in explained(learner, fields[48:], truth[48:])),
            flush=True,
        )


if __name__ == "__main__":
    main()
