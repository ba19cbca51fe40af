"""VICReg against the published numbers, a slow reference, and its mathematical claims."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import VICReg
from tests.helpers.golden import assert_close, golden_cases, tensors

NAMES = {
    "loss": "loss", "repr_loss": "sim", "std_loss": "std", "cov_loss": "cov",
    "std_loss_x": "std_x", "std_loss_y": "std_y", "cov_loss_x": "cov_x", "cov_loss_y": "cov_y",
}  # fmt: skip


@pytest.mark.golden
@pytest.mark.parametrize("case", golden_cases("vicreg_loss_3d"))
def test_golden(case: dict[str, Any], golden: Path):
    data = tensors(golden, case)
    arguments = case["constructor_arguments"]
    loss = VICReg(arguments["sim_coeff"], arguments["std_coeff"], arguments["cov_coeff"], chunks=arguments["n_chunks"])
    x, y = (data["input"][side].requires_grad_() for side in "xy")
    terms = loss(x.movedim(1, -1), y.movedim(1, -1), data["input"]["perm"])
    for official, value in data["output"].items():
        assert_close(terms[NAMES[official]], value, case["outputs"][official])
    terms["loss"].backward()
    for side, leaf in (("x", x), ("y", y)):
        assert leaf.grad is not None
        assert_close(leaf.grad, data["grad"][side], case["grads"][side])


def slow_reference(x: list[list[float]], y: list[list[float]]) -> float:
    """The formula with weights 2, 40, 2, element by element."""
    rows, channels = len(x), len(x[0])
    total = (
        2 * sum((a - b) ** 2 for r, s in zip(x, y, strict=True) for a, b in zip(r, s, strict=True)) / rows / channels
    )
    for side in (x, y):
        mean = [sum(row[c] for row in side) / rows for c in range(channels)]
        for i in range(channels):
            variance = sum((row[i] - mean[i]) ** 2 for row in side) / rows
            total += 40 * max(0.0, 1 - math.sqrt(variance + 1e-4)) / 2 / channels
            for j in range(channels):
                if i != j:
                    product = sum((row[i] - mean[i]) * (row[j] - mean[j]) for row in side) / (rows - 1)
                    total += 2 * product**2 / channels
    return total


def test_equals_the_formula_written_out():
    torch.manual_seed(0)
    x, y = 0.5 * torch.randn(2, 7, 4, dtype=torch.float64)
    assert VICReg()(x, y)["loss"].item() == pytest.approx(slow_reference(x.tolist(), y.tolist()), rel=1e-12)


def test_hand_computed():
    x, y = torch.tensor([[0.0], [0.2]]), torch.tensor([[1.0], [1.2]])
    terms = VICReg(sim=1, std=1, cov=1, eps=0)(x, y)
    assert terms["sim"].item() == pytest.approx(1.0)
    assert terms["std_x"].item() == pytest.approx(0.45)
    assert terms["cov"].item() == 0
    assert terms["loss"].item() == pytest.approx(1.9)


def test_collapse_costs_the_whole_hinge():
    terms = VICReg()(torch.ones(20, 5), torch.ones(20, 5))
    assert terms["std"].item() == pytest.approx(1 - 1e-2)
    assert terms["sim"].item() == terms["cov"].item() == 0


def test_rank_one_costs_covariance_and_independent_channels_do_not():
    torch.manual_seed(0)
    line = torch.randn(5000, 1).expand(-1, 4)
    independent = torch.randn(5000, 4)
    assert VICReg()(line, line)["cov_x"].item() == pytest.approx(3, rel=0.1)
    assert VICReg()(independent, independent)["cov_x"].item() < 0.01


def test_the_order_of_rows_matters_only_for_chunks():
    torch.manual_seed(0)
    x, y = torch.randn(2, 3, 10, 4)
    order = torch.randperm(30)
    xs, ys = x.reshape(30, 4)[order], y.reshape(30, 4)[order]
    torch.testing.assert_close(VICReg()(x, y)["loss"], VICReg()(xs, ys)["loss"])
    torch.testing.assert_close(
        VICReg(chunks=3)(x, y, order)["loss"], VICReg(chunks=3)(xs, ys, torch.arange(30))["loss"]
    )


def test_own_permutation_follows_the_seed():
    x, y = torch.randn(2, 40, 4, generator=torch.Generator().manual_seed(0))
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(VICReg(chunks=5)(x, y)["loss"].item())
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(("rows", "chunks"), [(1, 1), (7, 5), (13, 6)])
def test_too_few_rows(rows, chunks):
    x = torch.randn(rows, 3)
    with pytest.raises(PhysrepError, match="fewer than two rows"):
        VICReg(chunks=chunks)(x, x)


def test_float32_inside_autocast_and_for_half_precision():
    torch.manual_seed(0)
    x, y = torch.randn(2, 50, 8)
    exact = VICReg()(x, y)["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(VICReg()(x, y)["loss"], exact)
    half = VICReg()(x.bfloat16(), y.bfloat16())["loss"]
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, exact, rtol=2e-2, atol=0)
