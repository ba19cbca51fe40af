"""A library that is too large to be fitted whole: the columns that matter are found, and the parameters with them."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery import library as columns
from physrep.learners.operator_discovery.gram import Grams
from physrep.learners.operator_discovery.low_rank import fit_low_rank
from physrep.learners.operator_discovery.printing import as_latex, as_text
from physrep.learners.operator_discovery.screening import FieldSample, forward_selection, unions
from tests.helpers.window_batches import DT, FRAMES, window_batches

LONG, POINTS = 16, 16

clips = partial(window_batches, channels=("w", "a"))
MATTER = [17, 140, 333, 402, 599]


def test_five_columns_of_600_are_found_and_their_coefficients_recovered():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(24, 200, 600, generator=draw, dtype=torch.float64)
    # Neighbours look alike, as derivatives and products of the same fields do.
    x[:, :, 1:] += 2 * x[:, :, :-1]
    theta = torch.randn(24, 2, generator=draw, dtype=torch.float64)
    theta = theta - theta.mean(0)
    w = torch.zeros(24, 5, 2, dtype=torch.float64)
    w[:, :3, 0] = torch.tensor([1.0, -0.3, 0.0]) + theta[:, :1] * torch.tensor([0.2, 0.0, 1.0])
    w[:, 2:, 1] = torch.tensor([0.5, 2.0, -1.0]) + theta[:, 1:] * torch.tensor([0.0, 0.7, 0.0])
    y = x[:, :, MATTER] @ w
    held = Grams(x.transpose(1, 2) @ x, x.transpose(1, 2) @ y, y.transpose(1, 2) @ y, torch.full((24,), 200.0).double())
    orders = [forward_selection(held, c, 12) for c in range(2)]
    assert set(orders[0][:3]) == set(MATTER[:3]) and set(orders[1][:3]) == set(MATTER[2:])
    chosen = unions(orders)[0]
    assert set(MATTER) <= set(chosen) and len(chosen) <= 16
    index = torch.tensor(chosen)
    found = fit_low_rank(held.columns(index), 2)
    wanted = torch.zeros(24, len(chosen), 2, dtype=torch.float64)
    wanted[:, [chosen.index(k) for k in MATTER]] = w
    torch.testing.assert_close(found.operator.at(found.theta), wanted, atol=1e-5, rtol=0)


def test_a_column_that_others_make_up_is_not_taken():
    x = torch.randn(4, 50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[:, :, 2] = x[:, :, 0] - x[:, :, 1]
    y = x[:, :, :1] + 0.1 * x[:, :, 1:2] + torch.randn(4, 50, 1, dtype=torch.float64)
    held = Grams(x.transpose(1, 2) @ x, x.transpose(1, 2) @ y, y.transpose(1, 2) @ y, torch.full((4,), 50.0).double())
    assert len(forward_selection(held, 0, 3)) == 2


def test_of_columns_that_a_constraint_makes_equal_the_first_is_taken():
    x = torch.randn(4, 50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = 2 * x[:, :, :1]
    for last in (1 + 1e-13, 1 - 1e-13):
        x[:, :, 2] = last * x[:, :, 0]
        held = Grams(
            x.transpose(1, 2) @ x, x.transpose(1, 2) @ y, y.transpose(1, 2) @ y, torch.full((4,), 50.0).double()
        )
        held.b[:, 2] *= last  # rounding, of which the gain takes the square
        assert forward_selection(held, 0, 1) == [0]


def test_a_sample_lies_evenly_among_the_trajectories():
    sample = FieldSample(4)
    for first in range(0, 40, 5):
        trajectory = torch.arange(first, first + 5).repeat_interleave(6)
        sample.add(torch.zeros(30, 1, FRAMES, 4, 4), trajectory)
    kept = [(len(x), int(number[0])) for x, number in sample.batches()]
    assert kept == [(4, 0), (4, 16), (4, 32)]


def stretched(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Exact solutions of ``∂ₜw = -w``, ``∂ₜa = -θ a ∂ₓw``, fields ``(B, 2, T, n, n)``, and θ."""
    draw = torch.Generator().manual_seed(2)
    theta = torch.rand(number, generator=draw, dtype=torch.float64) * 2 - 1
    x = 2 * math.pi * torch.arange(POINTS, dtype=torch.float64) / POINTS
    phase = 2 * math.pi * torch.rand(number, 4, 1, 1, generator=draw, dtype=torch.float64)
    size = 0.5 + torch.rand(number, 4, 1, 1, generator=draw, dtype=torch.float64)
    along, across = x[:, None], x[None, :]
    w = 0.1 * size[:, 0] * torch.sin(along + across + phase[:, 0])
    slope = 2 * math.pi * 0.1 * size[:, 0] * torch.cos(along + across + phase[:, 0])
    a = size[:, 1] * torch.sin(along + phase[:, 1]) + size[:, 2] * torch.sin(across - along + phase[:, 2]) + size[:, 3]
    times = [step * DT for step in range(LONG)]
    grown = [torch.exp(-theta.view(-1, 1, 1) * slope * (1 - math.exp(-t))) * a for t in times]
    return torch.stack([torch.stack([w * math.exp(-t) for t in times], 1), torch.stack(grown, 1)], 1), theta


@pytest.fixture(scope="module")
def screened() -> tuple[OperatorDiscovery, list[str]]:
    fields, _ = stretched(40)
    learner, notes = OperatorDiscovery(2, FRAMES, grades=(1, 2, 4), largest=2), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "LARGEST_LIBRARY", 60)
        learner.fit(clips(fields[:28]), clips(fields[28:]), 0, lambda note: notes.append(note) if note else None)
    return learner, notes


def test_an_equation_beyond_the_grades_that_are_fitted_whole_is_found(screened):
    learner, notes = screened
    assert learner.v.shape[0] == 1 and learner.record["grades"] == [1, 2, 4, 5]
    assert any("columns were screened on 28 trajectories" in note for note in notes)
    k = [term.name() for term in learner.terms].index("d_x(w) a")
    _, theta = stretched(40)
    read = torch.cat([learner.read(clip).mean for clip in clips(_)[7:]])
    found = learner.w0[k, 1] + read @ learner.v[:, k, 1]
    torch.testing.assert_close(found, -theta[28:].repeat_interleave(2), atol=0.02, rtol=0)


def test_products_with_derivatives_are_printed(screened):
    learner, _ = screened
    equation = learner.record["equation"][1]
    assert "d_x(w) a" in {term["name"] for term in equation["terms"]}
    assert "d_x(w) a" in as_text(learner.record) and r"\partial_x (\mathrm{w})" in as_latex(learner.record)


def test_a_screened_fit_is_read_back_from_its_weights(screened):
    learner, _ = screened
    again = OperatorDiscovery(2, FRAMES, grades=(1, 2, 4), largest=2)
    again.load_state_dict(learner.state_dict())
    clip = clips(stretched(4)[0])[0]
    assert torch.equal(learner.encode(clip), again.encode(clip))
