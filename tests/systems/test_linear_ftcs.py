"""The explicit heat scheme of a published study: right where it is stable, marked where it is not."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.linear.ftcs_heat import STABILITY_LIMIT, draw_ftcs, ftcs_heat, step


def blob(n=64, width=7.0):
    i = torch.arange(n, dtype=torch.float64)
    return torch.exp(-((i[:, None] - n / 2) ** 2 + (i[None, :] - n / 2) ** 2) / (2 * width**2))


def test_a_sine_mode_decays_by_the_factor_of_the_scheme():
    n, alpha = 33, 1.7
    i = torch.arange(n, dtype=torch.float64)
    shape = torch.sin(math.pi * i[:, None] / (n - 1)) * torch.sin(math.pi * i[None, :] / (n - 1))
    result = ftcs_heat(torch.tensor([alpha]), shape[None], frames=3)
    factor = 1 - 8 * alpha * 0.1 * math.sin(math.pi / (2 * (n - 1))) ** 2
    for frame in range(3):
        expected = (shape * factor ** (10 * (frame + 1))).clamp(0, 1).float()
        torch.testing.assert_close(result.fields["temperature"][0, frame], expected, rtol=0, atol=1e-6)


def test_below_the_limit_it_follows_the_heat_equation_and_above_it_turns_to_noise():
    start = blob().expand(3, 64, 64)
    alpha = torch.tensor([1.0, 2.4, 4.0], dtype=torch.float64)
    result = ftcs_heat(alpha, start, frames=16)
    assert result.attributes["stability_limit"] == STABILITY_LIMIT == 2.5
    assert result.attributes["unstable"] == [False, False, True]
    values = result.fields["temperature"]
    for row in (0, 1):
        for frame in (0, 4):
            variance = 49 + 2 * alpha[row] * result.time[frame]
            assert abs(float(values[row, frame, 32, 32]) / float(49 / variance) - 1) < 0.02
    assert max(result.attributes["largest_value"][:2]) <= 1 < 1e6 < result.attributes["largest_value"][2]
    noise = values[2, -1, 1:-1, 1:-1]
    assert float(((noise == 0) | (noise == 1)).float().mean()) > 0.8, "saturated, as the renderer showed it"
    assert torch.isfinite(values).all() and float(values.min()) == 0 and float(values.max()) == 1


def test_edges_are_held():
    start = torch.rand(1, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values = ftcs_heat(torch.tensor([2.0]), start, frames=2).fields["temperature"][0, 1]
    for edge in (values[0] - start[0, 0], values[-1] - start[0, -1], values[:, 0] - start[0, :, 0]):
        assert float(edge.abs().max()) < 1e-7


def test_the_first_frame_is_ten_substeps_after_the_start():
    field = blob()[None].clone()
    number = torch.full((1, 1, 1), 0.1, dtype=torch.float64)
    for _ in range(10):
        step(field, number)
    result = ftcs_heat(torch.ones(1, dtype=torch.float64), blob()[None], frames=2)
    torch.testing.assert_close(result.fields["temperature"][0, 0], field[0].float(), rtol=0, atol=1e-7)
    assert result.time.tolist() == [1.0, 2.0] and not result.failed


def test_draws_follow_the_study():
    alpha, start = draw_ftcs(range(60), size=64)
    assert start.shape == (60, 64, 64) and 0.5 <= float(alpha.min()) < 0.8 and 4.5 < float(alpha.max()) <= 5
    assert 15 <= int((alpha > STABILITY_LIMIT).sum()) <= 45, "about half of the runs are unstable"
    peak = start.flatten(1).argmax(1)
    assert bool((peak // 64 >= 15).all()) and bool((peak // 64 <= 49).all())


def test_bad_input_and_overflow_are_named():
    with pytest.raises(PhysrepError, match="must be"):
        ftcs_heat(torch.ones(2), blob()[None])
    with pytest.raises(PhysrepError, match="positive"):
        ftcs_heat(torch.zeros(1), blob()[None])
    with pytest.raises(PhysrepError, match="fewer frames"):
        ftcs_heat(torch.tensor([50.0]), blob()[None], frames=64)
