r"""Solutions of ``(A + s 1) w = c`` for many shifts s, of a symmetric positive semidefinite A.

Eigenvectors serve every shift as well, at five times the time. A is reduced to a band instead, by blocks
of Householder reflections, and for each shift the band alone is factorised:

    A = Q B Qᵀ,    (A + s)⁻¹ c = Q (B + s)⁻¹ Qᵀ c

The reduction is 2 m³ operations in matrix products, a band of width b costs ``m b²`` per shift.

Source: Golub and Van Loan, "Matrix Computations", 4th edition, 2013, section 5.1.6 (block reflections) and 8.3;
Bischof, Lang and Sun, "A framework for symmetric band reduction" (2000).
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 48
"""Width of the band: wide enough for products of matrices, narrow enough for cheap factors."""


def gram(x: Tensor, block: int = 512) -> Tensor:
    """``xᵀ x``, by its lower blocks, since half of it is the other half.

    Args:
        x: with shape ``(n, m)``.
        block: columns that are multiplied at once.
    """
    square = x.new_empty(x.shape[1], x.shape[1])
    for start in range(0, len(square), block):
        rows = slice(start, start + block)
        torch.mm(x[:, rows].T, x[:, : rows.stop], out=square[rows, : rows.stop])
        square[:start, rows] = square[rows, :start].T
    return square


def smallest_shift(matrix: Tensor) -> float:
    """What rounding leaves of a zero eigenvalue: a smaller shift could not be told from it."""
    return len(matrix) * torch.finfo(matrix.dtype).eps * float(matrix.diagonal().max().clamp(min=1e-30))


class ShiftedSystems:
    """A reduced to a band once; `solve` for any number of shifts.

    Args:
        matrix: A with shape ``(m, m)``, symmetric positive semidefinite up to rounding, float64; it is overwritten.
    """

    def __init__(self, matrix: Tensor) -> None:
        size = len(matrix)
        self.smallest = smallest_shift(matrix)
        self._reflections: list[tuple[int, Tensor, Tensor]] = []
        self._diagonal, self._below = [matrix[:BLOCK, :BLOCK].clone()], []
        for start in range(BLOCK, size, BLOCK):
            rest = matrix[start:, start:]
            packed, tau = torch.geqrf(matrix[start:, start - BLOCK : start])
            count = len(tau)
            vectors = packed.tril(-1)[:, :count]
            vectors.diagonal().fill_(1)
            vectors[:, tau == 0] = 0  # no reflection: a column that is zero already
            # Of 1 - V T Vᵀ: the inverse of T is the upper triangle of Vᵀ V, with 1/tau on the diagonal.
            inverse = (vectors.T @ vectors).triu(1)
            inverse.diagonal().copy_(torch.where(tau == 0, 1.0, 1 / tau))
            scaled = torch.linalg.solve_triangular(inverse, vectors, upper=True, left=False)
            image = rest @ scaled
            image -= vectors @ (scaled.T @ image) / 2
            rest.addmm_(torch.cat([vectors, image], 1), torch.cat([image, vectors], 1).T, alpha=-1)
            self._reflections.append((start, vectors, scaled))
            self._below.append(packed[:BLOCK].triu())
            self._diagonal.append(rest[:BLOCK, :BLOCK].clone())

    def solve(self, shifts: Tensor, right: Tensor) -> Tensor:
        """With shape ``(shifts, m, columns)``.

        Args:
            shifts: at least 0, ``(shifts,)``; those below the rounding error of A are raised to it.
            right: c, ``(m, columns)``.
        """
        right = right.clone()
        for start, vectors, scaled in self._reflections:
            right[start:] -= vectors @ (scaled.T @ right[start:])
        found = self._band(shifts.to(right).clamp(min=self.smallest), right)
        flat = found.movedim(0, 1).reshape(len(right), -1)
        for start, vectors, scaled in reversed(self._reflections):
            flat[start:] -= scaled @ (vectors.T @ flat[start:])
        return flat.view(len(right), len(shifts), -1).movedim(1, 0)

    def _band(self, shifts: Tensor, right: Tensor) -> Tensor:
        """The band's solutions for all shifts, by a Cholesky factorisation in blocks."""
        parts, factors, couplings, solved = right.split(BLOCK), [], [], []
        for k, diagonal in enumerate(self._diagonal):
            block = diagonal + shifts[:, None, None] * torch.eye(len(diagonal)).to(diagonal)
            own = parts[k].expand(len(shifts), -1, -1)
            if k:
                block -= couplings[-1] @ couplings[-1].mT
                own = own - couplings[-1] @ solved[-1]
            factors.append(torch.linalg.cholesky(block))
            solved.append(torch.linalg.solve_triangular(factors[-1], own, upper=False))
            if k < len(self._below):
                below = self._below[k].expand(len(shifts), -1, -1)
                couplings.append(torch.linalg.solve_triangular(factors[-1].mT, below, upper=True, left=False))
        for k in range(len(parts) - 1, -1, -1):
            own = solved[k] if k == len(parts) - 1 else solved[k] - couplings[k].mT @ solved[k + 1]
            solved[k] = torch.linalg.solve_triangular(factors[k].mT, own, upper=True)
        return torch.cat(solved, 1)
