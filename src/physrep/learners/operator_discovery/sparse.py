r"""A sparse form of the fitted operator: terms are taken away one by one while the others make up for them.

For a channel, with columns z_p φ_k (z = (1, θ)) and A their Gram matrix over all training trajectories, taking away a
block b of columns raises the squared residual by

    Δ_b = β_bᵀ (A⁻¹_bb)⁻¹ β_b,        β = A⁻¹ r

The block with the least Δ goes first: the P directions of a term together, then its constant part. It ends where the
residual, with what noise adds to it (`gram.noise_products`), would exceed a limit, unless Δ is what chance gives a
block of d columns among K terms and N rows by the extended information criterion,

    Δ_b  ≤  (d log N + 2 log K) r/N,      r = residual with its noise.

What is left is refitted by construction; nothing is rounded.

Sources: backward elimination, Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009), section
3.3; the criterion, Chen and Chen, Biometrika 95 (2008) 759.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .gram import Grams

FACTOR, SHARE, NOISE = 2.0, 1e-6, 0.5
"""The residual may grow to FACTOR times that of the full library, plus SHARE of the channel's change, plus NOISE of
what noise adds to it: terms that are smaller than that may be told from chance all the same."""
RIDGES = tuple(10.0**-power for power in range(7, 13))
"""Ridges of the scaled normal equations; the largest that costs nothing is taken. Columns that constraints make
dependent leave eigenvalues that are zero, or, of two half views, negative by chance; what the target has there must not
be divided by it. Columns that are nearly dependent, as products of two fields near a constant, want a small one."""
COST = 0.1
"""Share of the allowed growth of the residual that a ridge may use up."""
REFRESH = 16
"""Steps of the elimination after which the inverse is computed afresh: its updates lose digits."""


@dataclass
class Design:
    """Normal equations of one channel over all trajectories, columns scaled to 1.

    Attributes:
        matrix: ``(q K, q K)`` for q = P + 1, blocks ordered by p.
        right: ``(q K,)``.
        total: sum of squares of the target.
        scale: of the columns, ``(K,)``: coefficients of the scaled columns divided by it are those of the columns.
        terms: K.
        ridge: that is added to the diagonal.
        noise: what noise adds to the products of columns and target, ``(K + 1, K + 1)``, columns with opposite sign;
            None where it was not measured.
        rows: that were measured, of all trajectories.
        floor: size of the eigenvalues of the matrix that noise alone makes; the ridge of an elimination is not below.
    """

    matrix: Tensor
    right: Tensor
    total: float
    scale: Tensor
    terms: int
    ridge: float
    noise: Tensor | None = None
    rows: float = 1.0
    floor: float = 0.0

    def damped(self, columns: Tensor, ridge: float) -> Tensor:
        """The normal matrix of these columns (flat indices) with a ridge."""
        part = self.matrix[columns][:, columns]
        return part + ridge * torch.eye(len(columns), dtype=part.dtype, device=part.device)

    def solved(self, columns: Tensor) -> Tensor:
        """Least squares on these columns (flat indices), scaled."""
        return torch.linalg.solve(self.damped(columns, self.ridge), self.right[columns])

    def explained(self, columns: Tensor, w: Tensor) -> float:
        """What these columns take off the sum of squares at scaled coefficients."""
        return float(2 * self.right[columns] @ w - w @ self.matrix[columns][:, columns] @ w)

    def noise_left(self, constant: Tensor) -> float:
        """What noise adds to the sum of squares of the residual at scaled coefficients of the K columns."""
        if self.noise is None:
            return 0.0
        part = torch.cat([constant, torch.ones_like(constant[:1])])
        return float(part @ self.noise @ part)

    def residual(self, columns: Tensor) -> float:
        """Share of the change that these columns (flat indices) leave."""
        if not len(columns):
            return 1.0
        return 1 - self.explained(columns, self.solved(columns)) / self.total

    def coefficients(self, columns: Tensor) -> Tensor:
        """Least squares on these columns, ``(len(columns),)``, in the unit of the unscaled columns."""
        return self.solved(columns) / self.scale[columns % self.terms]


def designs(grams: Grams, theta: Tensor) -> list[Design]:
    """The normal equations of every channel: one matrix, decomposed once, and a ridge of each channel's own.

    Args:
        grams: of the trajectories.
        theta: of the trajectories, ``(n, P)``.
    """
    n, k, channels = grams.b.shape
    size = grams.g.mean(0).diagonal()
    # Of two half views a column that is all noise may have a negative square: it is left out.
    scale = torch.where(size > 0, size.clamp_min(1e-300).sqrt(), torch.inf)
    matrix, sums = grams.moments(theta)
    wide = scale.repeat(1 + theta.shape[1])
    matrix = matrix / n / (wide[:, None] * wide)
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    held = values.clamp_min(0)
    matrix = (vectors * held) @ vectors.T
    # Columns with a square that is nearly 0 by chance are blown up: the ridge grows with them.
    unit = max(1.0, float(values[-1]) / len(matrix))
    # Below the size of its negative eigenvalues the matrix of two noisy views says nothing.
    least = -float(values[0]) if grams.noise is not None else 0.0
    found = []
    for channel in range(channels):
        right = sums[:, channel] / n / wide
        total = float(grams.s[:, channel, channel].mean())
        along = (vectors.T @ right).square()
        left = [1 - float((along * (held + 2 * r) / (held + r).square()).sum()) / total for r in unit_ridges(unit)]
        limit = max(min(left), 0.0) + COST * ((FACTOR - 1) * max(min(left), 0.0) + SHARE)
        ridge = next(r for r, value in zip(unit_ridges(unit), left, strict=True) if value <= limit)
        noise = None
        if grams.noise is not None:
            own = torch.cat([torch.arange(k), torch.tensor([k + channel])]).to(scale.device)
            unscaled = torch.cat([-1 / scale, torch.ones_like(scale[:1])])
            noise = grams.noise[own][:, own] * unscaled[:, None] * unscaled
        found.append(Design(matrix, right, total, scale, k, ridge, noise, float(grams.rows.sum()), least))
    return found


def unit_ridges(unit: float) -> list[float]:
    """`RIDGES` in this unit."""
    return [ridge * unit for ridge in RIDGES]


def eliminate(system: Design, directions: int) -> tuple[list[int], list[int]]:
    """Indices of the terms that stay, and of those among them that the directions multiply.

    Args:
        system: normal equations of the channel.
        directions: P.
    """
    k = system.terms
    constant, varying = set(range(k)), set(range(k)) if directions else set()
    ridge = max(system.ridge, system.floor)
    limit = -math.inf
    steps = 0
    while constant:
        if steps % REFRESH == 0:
            held = flat(sorted(constant), sorted(varying), k, directions)
            inverse = torch.linalg.inv(system.damped(held, ridge))
            beta = inverse @ system.right[held]
            left = system.total - system.explained(held, beta)
            if not steps:
                limit = FACTOR * max(left, 0.0) + SHARE * system.total
            place = torch.full_like(system.right, -1, dtype=torch.long)
            place[held] = torch.arange(len(held))
        steps += 1
        noise = system.noise_left(torch.where(place[:k] >= 0, beta[place[:k]], 0.0))
        price = (max(left, 0.0) + noise) / system.rows
        blocks = [[p * k + i for p in range(1, directions + 1)] for i in sorted(varying)]
        blocks += [[i] for i in sorted(constant - varying)]
        rises = []
        for width in sorted({len(block) for block in blocks}):
            flats = torch.tensor([block for block in blocks if len(block) == width])
            index = place[flats]
            inner = inverse[index[:, :, None], index[:, None, :]]
            part = beta[index]
            rise = (part * torch.linalg.solve(inner, part.unsqueeze(2)).squeeze(2)).sum(1)
            least = int(rise.argmin())
            worth = (width * math.log(system.rows) + 2 * math.log(k)) * price
            rises.append((float(rise[least]), worth, int(flats[least][0]), index[least]))
        rise, worth, first, block = min(rises, key=lambda found: found[0] - found[1])
        if left + rise > limit + NOISE * noise and rise > worth:
            break
        left += rise
        inner = torch.linalg.inv(inverse[block][:, block])
        column = inverse[:, block]
        beta = beta - column @ (inner @ beta[block])
        inverse = inverse - (column @ inner) @ column.T
        # What is out keeps a harmless diagonal: it is never looked at again.
        if first >= k:
            varying.discard(first % k)
        else:
            constant.discard(first)
    return sorted(constant), sorted(varying)


def flat(constant: list[int], varying: list[int], terms: int, directions: int) -> Tensor:
    """Indices of the columns of a sparse form."""
    moved = (p * terms + i for p in range(1, directions + 1) for i in varying)
    return torch.tensor([*constant, *moved], dtype=torch.long)


def equivalents(system: Design, constant: list[int], varying: list[int], directions: int) -> dict[int, list[int]]:
    """Per term, other terms that can take its place without loss: constraints of the fields make them equal here.

    A replacement counts if the residual stays below the limit of `eliminate` with nothing else changed.
    """
    k = system.terms
    base = system.residual(flat(constant, varying, k, directions))
    whole = max(system.residual(torch.arange(k * (directions + 1))), 0.0)
    limit = max(FACTOR * whole + SHARE, 1.05 * base)
    found: dict[int, list[int]] = {}
    for term in constant:
        rest, moving = [i for i in constant if i != term], [i for i in varying if i != term]
        others = sorted(set(range(k)) - set(constant))
        wide = directions if term in varying else 0
        blocks = torch.tensor([[p * k + other for p in range(wide + 1)] for other in others], dtype=torch.long)
        if others:
            left = with_blocks(system, flat(rest, moving, k, directions), blocks)
            same = [other for other, value in zip(others, left.tolist(), strict=True) if value <= limit]
            found |= {term: same} if same else {}
    return found


def with_blocks(system: Design, columns: Tensor, blocks: Tensor) -> Tensor:
    """Share of the change that these columns leave with each of the blocks beside them, ``(m,)``.

    One inverse for all: what a block adds follows from its Schur complement.

    Args:
        system: normal equations of the channel.
        columns: flat indices.
        blocks: flat indices, ``(m, d)``.
    """
    m, d = blocks.shape
    part = system.matrix[columns][:, columns]
    inverse = torch.linalg.inv(part + system.ridge * torch.eye(len(columns), dtype=part.dtype, device=part.device))
    alone = inverse @ system.right[columns]
    beside = system.matrix[blocks.flatten()][:, columns]
    shared = (beside @ inverse).view(m, d, -1)
    beside = beside.view(m, d, -1)
    right = system.right[blocks] - beside @ alone
    inner = system.matrix[blocks[:, :, None], blocks[:, None, :]] - shared @ beside.transpose(1, 2)
    own = torch.linalg.solve(inner + system.ridge * torch.eye(d, dtype=part.dtype, device=part.device), right)
    rest = alone - (shared * own.unsqueeze(2)).sum(1)
    # (M + ρ) w = r: 2 r·w - w·M w = r·w + ρ |w|².
    explained = system.right[columns] @ alone + (right * own).sum(1)
    explained = explained + system.ridge * (rest.square().sum(1) + own.square().sum(1))
    return 1 - explained / system.total
