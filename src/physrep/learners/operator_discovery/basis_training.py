r"""Training of the basis: θ is solved for in one window, and has to predict the change in another.

    θ_i = (Σ_r λ_r D_rᵀ Λ D_r + 1)⁻¹ Σ_r λ_r D_rᵀ Λ (Y_r - X_r W₀),      D_r = X_r V   (window i)

    L = Σ_c a_c log Σ |Y_jc - X_j (W₀ + θ_i V)_c|² / Σ |Y_jc|²,      j ≠ i of the same trajectory

X holds the library's columns and those of the network, Λ weighs the channels as in the library's fit, a_c is the share
of a channel's change that it explained. The gradient goes through the P x P solve to W₀, V and the network. It starts
from the library's solution: the coefficients of the new columns are 0. Since θ comes from another window, what a column
takes from the start of a window does not lower L.

Related: Blanke and Lelarge, Interpretable meta-learning of physical systems, ICLR 2024,
https://arxiv.org/abs/2312.00477, whose basis is trained with one θ per task as a free parameter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import PhysrepError
from .row_weights import RowScale, trust
from .selection import Choice, choose
from .trained_basis import TrainedBasis
from .weak_form import WeakRows

REPORTS = 10
"""How often progress says where the loss stands."""
MOST_WINDOWS = 768
"""Training windows, which are kept in memory."""
COEFFICIENTS = 10.0
"""Learning rate of the coefficients, relative to their size, in units of the network's."""
LEAST_SHARE = 0.05
"""a_c is counted as this at least."""


@dataclass
class Windows:
    """Training windows of a few trajectories.

    Attributes:
        fields: normalised, float32 ``(n, C, T, H, W)``.
        columns: the library's whitened columns, each row by the root of what it counts, float32 ``(n, R, r)``.
        targets: the same of the changes, ``(n, R, C)``.
        root: √λ of the rows, ``(n, R)``.
        members: windows of every trajectory that has two of them.
    """

    fields: Tensor
    columns: Tensor
    targets: Tensor
    root: Tensor
    members: list[Tensor]


def training_windows(
    batches: Iterable[tuple[Tensor, Tensor]], rows: WeakRows, scale: RowScale, basis: Tensor
) -> Windows:
    """The first `MOST_WINDOWS` windows.

    Args:
        batches: normalised fields ``(B, C, T, H, W)`` and the trajectory of each window, whole trajectories in each.
        rows: of the library's columns.
        scale: what rows count.
        basis: from whitened columns to the library's, ``(K, r)``.

    Raises:
        PhysrepError: no trajectory has two windows.
    """
    spectrum = scale.rows(rows.modes, rows.halves, rows.count)
    parts: list[tuple[Tensor, ...]] = []
    for x, trajectory in batches:
        held = rows(x, halves=False)
        counted = trust(rows.unresolved(x, spectrum), scale.resolved)
        root = (scale.weight(held, spectrum, rows.gain) * counted.unsqueeze(1)).sqrt().unsqueeze(2)
        parts.append(
            (x.float(), (held.x_a * root @ basis).float(), (held.y_a * root).float(), root[..., 0].float(), trajectory)
        )
        if sum(len(part[0]) for part in parts) >= MOST_WINDOWS:
            break
    x, columns, targets, root, trajectory = (torch.cat(one) for one in zip(*parts, strict=True))
    members = [(trajectory == number).nonzero()[:, 0] for number in trajectory.unique().tolist()]
    members = [own for own in members if len(own) > 1]
    if not members:
        raise PhysrepError(
            "operator_discovery: a trained basis needs two windows per trajectory; give longer trajectories or a "
            "smaller fit_stride."
        )
    return Windows(x, columns, targets, root, members)


def first_choice(
    pool: list[Choice], directions: int | None, wanted: int | None, progress: Callable[[str], None]
) -> Choice:
    """What the basis starts from: the grade that the library alone would choose, with the P of the training.

    Args:
        pool: of the library.
        directions: P of the choice, or None.
        wanted: P of the training, or None for that of the library's choice, at least 2.
        progress: told what the library reaches.
    """
    alone = choose([choice for choice in pool if directions is None or choice.directions == directions])
    left = ", ".join(f"{float(r):.2g}" for r in alone.residual)
    progress(f"the library alone chooses grade {alone.grade} and P = {alone.directions}, shares of change left: {left}")
    within = [choice for choice in pool if choice.grade == alone.grade]
    count = wanted or directions or max(2, alone.directions)
    return min(within, key=lambda choice: abs(choice.directions - count))


class Family(nn.Module):
    """(W₀, V) over the library's whitened columns and new ones: ``(r + K', C)`` and ``(P, r + K', C)``."""

    def __init__(self, start: Choice, directions: int, new: int, generator: torch.Generator) -> None:
        super().__init__()
        operator = start.fit.operator
        c = operator.w0.shape[1]
        w0 = torch.cat([operator.w0, operator.w0.new_zeros(new, c)])
        v = operator.v.new_zeros(directions, len(w0), c)
        v[: start.directions, : len(operator.w0)] = operator.v[:directions]
        # A direction that the library knows nothing of starts small, so that there is a gradient.
        size = operator.w0.square().mean().sqrt()
        for p in range(min(start.directions, directions), directions):
            v[p] = 1e-2 * size * torch.randn(v[p].shape, generator=generator, dtype=v.dtype).to(v)
        self.w0, self.v = nn.Parameter(w0.float()), nn.Parameter(v.float())
        self.register_buffer("weights", operator.weights.float())

    weights: Tensor

    def theta(self, x: Tensor, y: Tensor) -> Tensor:
        """θ ``(B, P)`` of windows with weighted rows ``(B, R, K)`` and ``(B, R, C)``."""
        d = torch.einsum("brk,pkc->brpc", x, self.v)
        weighted = d @ self.weights
        a = torch.einsum("brpc,brqc->bpq", weighted, d)
        b = torch.einsum("brpc,brc->bp", weighted, y - x @ self.w0)
        eye = torch.eye(a.shape[1], device=a.device, dtype=a.dtype)
        return torch.linalg.solve((a + a.transpose(1, 2)) / 2 + eye, b.unsqueeze(2)).squeeze(2)

    def left(self, x: Tensor, y: Tensor, theta: Tensor) -> Tensor:
        """Squared errors of the channels, ``(C,)``, of windows at θ from elsewhere."""
        w = self.w0 + torch.einsum("bp,pkc->bkc", theta, self.v)
        return (y - x @ w).square().sum((0, 1))


def train_basis(
    basis: TrainedBasis,
    rows: Callable[[Tensor], Tensor],
    windows: Windows,
    start: Choice,
    generator: torch.Generator,
    progress: Callable[[str], None],
) -> list[float]:
    """Train ``basis`` in place.

    Args:
        basis: the network.
        rows: from fields ``(B, C, T, H, W)`` to the new columns ``(B, R, K')``, differentiable.
        windows: to train on.
        start: of the library alone.
        generator: of the batches and of directions that the library did not find.
        progress: told where the loss stands.

    Returns:
        The loss after every step.
    """
    options = basis.options
    directions = options.directions or start.directions
    share = (1 - start.residual).clamp(0, 1).square().clamp_min(LEAST_SHARE).float()
    share = share / share.sum()
    history: list[float] = []
    with torch.enable_grad():
        family = Family(start, directions, len(basis.terms()), generator).to(windows.fields.device)
        parameters = [*basis.parameters(), *family.parameters()]
        # Coefficients are as large as the change that they explain; the network's weights are of order one.
        size = float(family.w0.detach().square().mean().sqrt())
        optimiser = torch.optim.Adam(
            [
                {"params": list(basis.parameters()), "lr": options.learning_rate, "peak": options.learning_rate},
                {"params": list(family.parameters()), "lr": 0.0, "peak": COEFFICIENTS * options.learning_rate * size},
            ]
        )
        first = torch.cat([own[:1] for own in windows.members[: 2 * options.trajectories]])
        with torch.no_grad():
            fresh = rows(windows.fields[first]).float() * windows.root[first].unsqueeze(2)
            # New columns begin as large as the library's.
            unit = (windows.columns[first].square().mean() / fresh.square().mean((0, 1)).clamp_min(1e-30)).sqrt()
        for step in range(options.steps):
            rate = min(1.0, (step + 1) / (0.1 * options.steps + 1)) * (1 + math.cos(math.pi * step / options.steps)) / 2
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * rate
            chosen = torch.randperm(len(windows.members), generator=generator)[: options.trajectories].tolist()
            pair = []
            for k in chosen:
                own = windows.members[k]
                pair.append(own[torch.randperm(len(own), generator=generator)[:2]])
            index = torch.stack(pair, 1).flatten()
            new = rows(windows.fields[index]).float() * windows.root[index].unsqueeze(2) * unit
            x, y = torch.cat([windows.columns[index], new], 2), windows.targets[index]
            theta = family.theta(x, y).unflatten(0, (2, -1)).flip(0).flatten(0, 1)
            loss = (family.left(x, y, theta) / y.square().sum((0, 1)).clamp_min(1e-30)).log() @ share
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            history.append(float(loss.detach()))
            if (step + 1) % max(1, options.steps // REPORTS) == 0:
                recent = history[-max(1, options.steps // REPORTS) :]
                progress(f"basis: step {step + 1} of {options.steps}, loss {sum(recent) / len(recent):.3f}")
    return history
