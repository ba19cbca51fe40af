"""Systems that share a matrix, by its band: the solutions of each alone."""

from __future__ import annotations

import pytest
import torch

from physrep.probes.shifted import BLOCK, ShiftedSystems, gram, smallest_shift

SHIFTS = torch.tensor([1e-6, 1e-2, 1.0, 300.0], dtype=torch.float64)


def features(rows: int, width: int) -> torch.Tensor:
    """Columns whose scales fall over four decades."""
    x = torch.randn(rows, width, generator=torch.Generator().manual_seed(width), dtype=torch.float64)
    return x * torch.logspace(0, -4, width, dtype=torch.float64)


@pytest.mark.parametrize("width", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 7])
def test_every_shift_has_the_solution_of_its_own_system(width: int) -> None:
    matrix = gram(features(400, width))
    right = features(width, 3)
    expected = torch.stack(
        [torch.linalg.solve(matrix + s * torch.eye(width, dtype=torch.float64), right) for s in SHIFTS]
    )
    found = ShiftedSystems(matrix.clone()).solve(SHIFTS, right)
    error = (found - expected).norm(dim=1) / expected.norm(dim=1)
    assert error.max() < 1e-9
    residual = matrix @ found + SHIFTS[:, None, None] * found - right
    assert residual.abs().max() < 1e-9 * found.abs().max()


def test_a_singular_matrix_without_a_shift_has_the_smallest_solution_that_can_be_told() -> None:
    x = features(400, 2 * BLOCK)
    x[:, 5:] = 0
    matrix = gram(x)
    right = x.T @ x[:, :2].sum(1, keepdim=True)
    found = ShiftedSystems(matrix.clone()).solve(torch.zeros(1), right)[0]
    assert smallest_shift(matrix) < 1e-10
    torch.testing.assert_close(found[:2], torch.ones(2, 1, dtype=torch.float64), rtol=1e-6, atol=1e-6)
    assert found[2:].abs().max() < 1e-6


def test_the_gram_matrix_of_blocks_is_the_product() -> None:
    x = features(50, 30)
    for block in (7, 30, 512):
        torch.testing.assert_close(gram(x, block), x.T @ x, rtol=1e-13, atol=1e-15)
