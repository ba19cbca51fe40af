"""Floors on Chebyshev rows: integrals over the domain, not averages over rows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners import DynamicModes, FieldStatistics, Spectra
from physrep.systems.grids.chebyshev import cell_centres, gauss

FRAMES, COLUMNS, LENGTH = 8, 32, 4.0


def sampled(rows: Tensor, even: bool) -> Clip:
    """A warm layer at one wall, waves along it, and a slow decay."""
    x = LENGTH * torch.arange(COLUMNS, dtype=torch.float64)[:, None] / COLUMNS
    t = torch.arange(FRAMES, dtype=torch.float64)[:, None, None] / FRAMES
    field = torch.exp(-3 * rows) * (1 + 0.5 * torch.sin(2 * math.pi * x / LENGTH)) * torch.exp(-0.3 * t)
    field = field + 0.3 * torch.cos(2 * math.pi * 3 * rows) * torch.cos(4 * math.pi * x / LENGTH)
    index = torch.zeros(1, dtype=torch.long)
    grid = (LENGTH / COLUMNS, 1 / len(rows))
    coordinates = () if even else (None, rows)
    fields = field[None, None].float()
    return Clip(fields, torch.zeros(1, 0), ("b",), (), 0.1, grid, (True, False), index, index, coordinates)


@pytest.mark.parametrize("rows", [64, 128])
def test_statistics_agree_with_those_of_equal_rows(rows: int) -> None:
    learner = FieldStatistics(1, FRAMES)
    even = learner.encode(sampled(cell_centres(rows), True))
    chebyshev = learner.encode(sampled(gauss(rows), False))
    torch.testing.assert_close(chebyshev, even, rtol=0.01 * (64 / rows) ** 2, atol=0.01)
    blind = learner.encode(sampled(gauss(rows), True))
    std = learner.STATISTICS.index("std")
    assert abs(float(blind[0, 0, std] / even[0, 0, std]) - 1) > 0.1


def test_spectra_agree_with_those_of_equal_rows() -> None:
    learner = Spectra(1, FRAMES, bins=6)
    even = learner.encode(sampled(cell_centres(64), True)).exp()
    chebyshev = learner.encode(sampled(gauss(64), False)).exp()
    torch.testing.assert_close(chebyshev, even, rtol=1e-3, atol=1e-6)
    blind = learner.encode(sampled(gauss(64), True)).exp()
    assert float((blind / even).log().abs().max()) > 0.3


def test_other_rows_are_interpolated_linearly() -> None:
    rows = cell_centres(64) ** 1.2
    learner = Spectra(1, FRAMES, bins=3)
    even, other = (learner.encode(sampled(r, e)) for r, e in ((cell_centres(64), True), (rows, False)))
    torch.testing.assert_close(other[..., :6], even[..., :6], rtol=0.02, atol=0.02)


def test_dynamic_modes_agree_with_those_of_equal_rows() -> None:
    learner = DynamicModes(1, FRAMES, rank=2)
    even, chebyshev = (learner.encode(sampled(r(64), e)) for r, e in ((cell_centres, True), (gauss, False)))
    torch.testing.assert_close(chebyshev, even, rtol=1e-3, atol=1e-3)
    blind = learner.encode(sampled(gauss(64), True))
    assert float((blind - even).abs().max()) > 0.05
