r"""What the fit keeps of a trajectory: the products of its rows, summed over its windows.

G = sym(X_aᵀ Λ X_b)  (K, K),     B = (X_aᵀ Λ Y_b + X_bᵀ Λ Y_a)/2  (K, C),     S = sym(Y_aᵀ Λ Y_b)  (C, C)

with one weight per row on the diagonal of Λ (`weights`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .weak_form import Rows

ROUNDING = 1e-12
"""Share of the mean diagonal by which eigenvalues of products may be negative by rounding."""


@dataclass
class Grams:
    """Sums of products of n windows or trajectories, float64.

    Attributes:
        g: ``(n, K, K)``, symmetric.
        b: ``(n, K, C)``.
        s: ``(n, C, C)``, symmetric.
        rows: rows behind each of the n, by what they count.
        noise: products of what noise adds to columns and targets, mean over the n, ``(K + C, K + C)``; None where it
            was not measured.
    """

    g: Tensor
    b: Tensor
    s: Tensor
    rows: Tensor
    noise: Tensor | None = None

    def __len__(self) -> int:
        return len(self.g)

    def __getitem__(self, index: Tensor | slice) -> Grams:
        return Grams(self.g[index], self.b[index], self.s[index], self.rows[index], self.noise)

    def columns(self, keep: Tensor) -> Grams:
        """The same with these columns only."""
        k, c = self.b.shape[1:]
        both = torch.cat([keep, torch.arange(k, k + c, device=keep.device)])
        noise = None if self.noise is None else self.noise[both][:, both]
        return Grams(self.g[:, keep][:, :, keep], self.b[:, keep], self.s, self.rows, noise)

    def part(self, columns: Tensor, targets: Tensor) -> Grams:
        """The same with these columns and targets only."""
        own, k = self.columns(columns), len(columns)
        both = torch.cat([torch.arange(k, device=targets.device), k + targets])
        noise = None if own.noise is None else own.noise[both][:, both]
        return Grams(own.g, own.b[:, :, targets], self.s[:, targets][:, :, targets], self.rows, noise)

    def turned(self, basis: Tensor) -> Grams:
        """In the coordinates of ``basis`` ``(K, r)``: columns ``X basis``."""
        eye = torch.eye(self.b.shape[2], dtype=basis.dtype, device=basis.device)
        whole = torch.block_diag(basis, eye)
        noise = None if self.noise is None else whole.T @ self.noise @ whole
        return Grams(basis.T @ self.g @ basis, basis.T @ self.b, self.s, self.rows, noise)

    def positive(self) -> Grams:
        """The nearest products that some rows could have: negative eigenvalues of ``[[G, B], [Bᵀ, S]]`` become 0.

        Products of two noisy views have them by chance; squares of residuals are negative then at some coefficients and
        have no least value: a fit wanders without end. Targets are measured in units of their change.

        Source: Higham, Computing a nearest symmetric positive semidefinite matrix, Linear Algebra Appl. 103 (1988) 103.
        """
        unit = self.change.sum(0).clamp_min(1e-300).rsqrt()
        b, s, k = self.b * unit, self.s * unit[:, None] * unit, self.g.shape[1]
        whole = bordered(self.g, b, s)
        rounding = ROUNDING * whole.diagonal(dim1=1, dim2=2).mean(1)
        _, info = torch.linalg.cholesky_ex(whole + torch.diag_embed(rounding.unsqueeze(1).expand_as(whole[:, 0])))
        if not bool(info.any()):
            return self
        values, vectors = torch.linalg.eigh(whole[info > 0])
        whole[info > 0] = (vectors * values.clamp_min(0).unsqueeze(1)) @ vectors.mT
        s = whole[:, k:, k:] / unit[:, None] / unit
        return Grams(whole[:, :k, :k], whole[:, :k, k:] / unit, s, self.rows, self.noise)

    def moments(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """``Σ_i z_i z_iᵀ ⊗ G_i`` ``(q K, q K)`` and ``Σ_i z_i ⊗ B_i`` ``(q K, C)`` with z = (1, θ), a block for each z.

        Args:
            theta: of the n, ``(n, P)``; q = P + 1.
        """
        n, k, c = self.b.shape
        z = torch.cat([torch.ones(n, 1, dtype=theta.dtype, device=theta.device), theta], 1)
        q = z.shape[1]
        i, j = torch.triu_indices(q, q, device=z.device)
        left = z.new_empty(q, q, k, k)
        left[i, j] = left[j, i] = ((z[:, i] * z[:, j]).T @ self.g.reshape(n, k * k)).view(-1, k, k)
        return left.permute(0, 2, 1, 3).reshape(q * k, q * k), (z.T @ self.b.reshape(n, k * c)).view(q * k, c)

    def measured_in(self, unit: Tensor) -> Grams:
        """With targets ``Y_c unit_c``, ``(C,)``."""
        scale = torch.cat([torch.ones_like(self.g[0, 0]), unit])
        noise = None if self.noise is None else self.noise * scale[:, None] * scale
        return Grams(self.g, self.b * unit, self.s * unit[:, None] * unit, self.rows, noise)

    def noisy(self, w: Tensor) -> Tensor:
        """What noise adds to the products of the residuals at coefficients ``(K, C)``, ``(C, C)``, mean over the n."""
        if self.noise is None:
            return torch.zeros_like(self.s[0])
        part = torch.cat([-w, torch.eye(w.shape[1], dtype=w.dtype, device=w.device)])
        return part.T @ self.noise @ part

    def unexplained(self, w: Tensor) -> Tensor:
        """``|Y_c - X w_c|²`` for coefficients ``(n, K, C)`` or ``(K, C)``, with shape ``(n, C)``."""
        return self.rest(w).diagonal(dim1=1, dim2=2)

    def rest(self, w: Tensor) -> Tensor:
        """``(Y - X w)ᵀ (Y - X w)`` for coefficients ``(n, K, C)`` or ``(K, C)``, with shape ``(n, C, C)``."""
        w = w.expand(len(self), *w.shape[-2:])
        cross = w.transpose(1, 2) @ self.b
        return self.s - cross - cross.transpose(1, 2) + w.transpose(1, 2) @ (self.g @ w)

    @property
    def change(self) -> Tensor:
        """``|Y_c|²``, ``(n, C)``."""
        return self.s.diagonal(dim1=1, dim2=2)


def grams(rows: Rows, weight: Tensor | None = None) -> Grams:
    """Products of each window of a batch.

    Args:
        rows: of B windows.
        weight: of every row, ``(B, R)``; default 1.
    """
    left, target = rows.x_a, rows.y_a
    if weight is not None:
        left, target = left * weight.unsqueeze(2), target * weight.unsqueeze(2)
    g = left.transpose(1, 2) @ rows.x_b
    b = left.transpose(1, 2) @ rows.y_b
    if rows.x_a is not rows.x_b:
        b = (b + rows.x_b.transpose(1, 2) @ target) / 2
    s = target.transpose(1, 2) @ rows.y_b
    count = torch.full((len(g),), float(rows.x_a.shape[1]), dtype=torch.float64, device=g.device)
    return Grams((g + g.transpose(1, 2)) / 2, b, (s + s.transpose(1, 2)) / 2, count)


def noise_products(rows: Rows, weight: Tensor) -> Tensor:
    """Products of half the difference of two views, which holds their noise alone, ``(K + C, K + C)``.

    Args:
        rows: of B windows; where both views are the same there is nothing to tell.
        weight: of every row, ``(B, R)``.
    """
    apart = torch.cat([rows.x_a - rows.x_b, rows.y_a - rows.y_b], 2).flatten(0, 1) / 2
    return (apart * weight.flatten().unsqueeze(1)).T @ apart


def summed(parts: Grams, group: Tensor) -> Grams:
    """Sum of the windows of each group.

    Args:
        parts: of n windows.
        group: index of the group of each, ``(n,)``, every index from 0 up used.
    """
    count = int(group.max()) + 1

    def add(x: Tensor) -> Tensor:
        return torch.zeros(count, *x.shape[1:], dtype=x.dtype, device=x.device).index_add_(0, group, x)

    return Grams(add(parts.g), add(parts.b), add(parts.s), add(parts.rows))


def joined(parts: list[Grams]) -> Grams:
    """One after the other."""
    return Grams(*(torch.cat([getattr(part, name) for part in parts]) for name in ("g", "b", "s", "rows")))


def bordered(g: Tensor, b: Tensor, s: Tensor) -> Tensor:
    """``[[G, B], [Bᵀ, S]]``, ``(..., K + C, K + C)``."""
    return torch.cat([torch.cat([g, b], -1), torch.cat([b.mT, s], -1)], -2)


def stacked(parts: list[Grams]) -> Grams:
    """Of the same n windows or trajectories, as rows of their own: products of different parts are 0.

    So each target is explained by the columns of its own part, and all of them by the same θ.
    """
    n, like = len(parts[0]), parts[0].g
    k, c = (sum(part.b.shape[axis] for part in parts) for axis in (1, 2))
    g, b, s = like.new_zeros(n, k, k), like.new_zeros(n, k, c), like.new_zeros(n, c, c)
    row = target = 0
    for part in parts:
        rows, targets = slice(row, row + part.b.shape[1]), slice(target, target + part.b.shape[2])
        g[:, rows, rows], b[:, rows, targets], s[:, targets, targets] = part.g, part.b, part.s
        row, target = rows.stop, targets.stop
    return Grams(g, b, s, parts[0].rows, _noise_of_parts(parts))


def _noise_of_parts(parts: list[Grams]) -> Tensor | None:
    """All columns before all targets; None where none of them has measured it."""
    if all(part.noise is None for part in parts):
        return None
    blocks = []
    for part in parts:
        k, c = part.b.shape[1:]
        noise = part.g.new_zeros(k + c, k + c) if part.noise is None else part.noise
        blocks.append((noise[:k, :k], noise[:k, k:], noise[k:, k:]))
    columns, between, targets = (torch.block_diag(*own) for own in zip(*blocks, strict=True))
    return bordered(columns, between, targets)
