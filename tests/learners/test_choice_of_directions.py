"""How many directions are taken: each of them has to be worth its place, one by one."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.learners.operator_discovery.low_rank import Fit, Operator
from physrep.learners.operator_discovery.selection import WORTH, Choice, choose


def candidate(grade: int, directions: int, score: float) -> Choice:
    """A candidate whose two channels leave the share exp(score) of their change."""
    operator = Operator(torch.zeros(1, 2), torch.zeros(directions, 1, 2), torch.eye(2))
    fit = Fit(operator, torch.zeros(3, directions), [])
    left = torch.full((4, 2), math.exp(score))
    return Choice(grade, directions, left, torch.ones(4, 2), fit, torch.eye(1), torch.zeros(1).long())


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([0, -2, -5.994, -6.024, -6.055], 2),  # two more together pass WORTH, neither does
        ([0, -2, -4, -4.06, -4.13], 4),
        ([0, -0.01, -1], 2),  # a direction alone is worth nothing, the pair is
        ([-3, -2.9, -3.01], 0),
        ([0, -1, -0.5], 1),
    ],
)
def test_every_direction_pays_for_itself(curve: list[float], expected: int) -> None:
    pool = [candidate(2, number, value - 0.1) for number, value in enumerate(curve)]
    assert choose(pool).directions == expected


def test_a_larger_grade_pays_too() -> None:
    pool = [candidate(1, 1, -2.0), candidate(2, 1, -2.0 - 0.9 * WORTH), candidate(2, 2, -2.0 - 0.95 * WORTH)]
    assert (choose(pool).grade, choose(pool).directions) == (1, 1)
    pool.append(candidate(3, 2, -2.0 - 3 * WORTH))
    assert (choose(pool).grade, choose(pool).directions) == (3, 2)


def test_a_larger_grade_wins_on_more_than_one_trajectory() -> None:
    small, large = candidate(1, 1, -2.0), candidate(2, 1, -2.0)
    small.left[0] = 20.0  # one trajectory rules both sums; elsewhere the larger one is no better
    assert small.residual[0] > 2 * large.residual[0]
    large.left[1:] *= 1.01
    assert choose([small, large]).grade == 1
    large.left[1:] *= 0.8
    assert choose([small, large]).grade == 2
