"""Edge padding against the library's, axis by axis."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from physrep.nn.padding import pad_edges

WIDTHS = [(1, 1), (2, 1), (1, 3)]
EDGES = [("replicate", "circular", "circular"), ("circular",) * 3, ("zeros", "replicate", "circular"), ("zeros",) * 3]


def library(x: torch.Tensor, edges: tuple[str, ...]) -> torch.Tensor:
    y = x.permute(0, 4, 1, 2, 3)
    for axis, edge in enumerate(edges):
        width = [0] * 6
        width[4 - 2 * axis], width[5 - 2 * axis] = WIDTHS[axis]
        y = F.pad(y, width, mode="constant" if edge == "zeros" else edge)
    return y.permute(0, 2, 3, 4, 1)


@pytest.mark.parametrize("edges", EDGES)
def test_equals_the_library(edges):
    x = torch.randn(2, 3, 4, 5, 6, requires_grad=True)
    y, reference = pad_edges(x, WIDTHS, edges), library(x, edges)
    assert torch.equal(y, reference) and y.is_contiguous()
    upstream = torch.randn_like(y)
    torch.testing.assert_close(torch.autograd.grad(y, x, upstream), torch.autograd.grad(reference, x, upstream))


@pytest.mark.parametrize("edges", EDGES)
def test_gradcheck_also_wider_than_the_grid(edges):
    x = torch.randn(1, 2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: pad_edges(x, [(1, 4), (3, 0), (2, 2)], edges), x)
