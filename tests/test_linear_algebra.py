"""Batches of matrices on several threads, where torch's own LU is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from physrep import linear_algebra


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("rows", [8, 160])
def test_batches_are_solved_on_two_threads(two_threads: None, rows: int) -> None:
    draw = torch.Generator().manual_seed(0)
    matrices = torch.randn(6, rows, rows, generator=draw, dtype=torch.float64)
    right = torch.randn(6, rows, 3, generator=draw, dtype=torch.float64)
    torch.testing.assert_close(matrices @ linear_algebra.solve(matrices, right), right, rtol=0, atol=1e-8)
    eye = torch.eye(rows, dtype=torch.float64).expand(6, rows, rows)
    torch.testing.assert_close(matrices @ linear_algebra.inverse(matrices), eye, rtol=0, atol=1e-8)
