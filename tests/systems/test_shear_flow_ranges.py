"""What `resolved_ranges` promises, checked against a grid twice as fine at the upper end of the ranges."""

from __future__ import annotations

import pytest
import torch

from tests.helpers.shear_flow_cases import FLOW, run

TIMES = (1, 8)  # frames at t = 0.5 and t = 4


def tracer_errors(resolution: tuple[int, int], schmidt: float, seeds) -> torch.Tensor:
    """Relative tracer error (about its mean) per seed at t = 0.5 and t = 4, at the largest Reynolds number: (2, B)."""
    reynolds = FLOW.resolved_ranges(resolution)["Reynolds"][1]
    options = {"seeds": seeds, "frames": 9, "save_dt": 0.5, "dtype": torch.float32}
    coarse = run(reynolds, schmidt, resolution=resolution, **options).fields["tracer"][:, TIMES]
    double = tuple(2 * n for n in resolution)
    fine = run(reynolds, schmidt, resolution=double, **options).fields["tracer"][:, TIMES, ::2, ::2]
    contrast = fine - fine.mean((2, 3), keepdim=True)
    return ((coarse - fine).norm(dim=(2, 3)) / contrast.norm(dim=(2, 3))).T


def check(errors: torch.Tensor) -> None:
    """Half of the trajectories within 1 %; the root mean square within 2.5 % at t = 0.5 and 1 % at t = 4."""
    assert float(errors.median(1).values.max()) < 1e-2, errors
    early, late = errors.square().mean(1).sqrt().tolist()
    assert early < 2.5e-2 and late < 1e-2, errors


def test_upper_end_is_resolved():
    """The hardest corner: largest Re and largest Sc."""
    check(tracer_errors((64, 64), FLOW.parameter("Schmidt").high, range(6)))


@pytest.mark.slow
@pytest.mark.parametrize("schmidt", [FLOW.parameter("Schmidt").low, FLOW.parameter("Schmidt").high])
@pytest.mark.parametrize("resolution", [(32, 64), (64, 64), (64, 128)])
def test_upper_end_is_resolved_full_size(resolution, schmidt):
    check(tracer_errors(resolution, schmidt, range(100, 116)))


def test_the_rule_follows_the_coarser_direction_and_the_square_of_the_grid():
    high = {size: FLOW.resolved_ranges(size)["Reynolds"][1] for size in ((64, 128), (64, 256), (128, 128), (128, 256))}
    assert high[64, 128] == high[64, 256] == high[128, 128]
    assert high[128, 256] == pytest.approx(4 * high[64, 128])
    for size in high:
        low, top = FLOW.resolved_ranges(size)["Reynolds"]
        assert top > 5 * low, "a range worth estimating remains"
    schmidt = FLOW.parameter("Schmidt")
    assert FLOW.resolved_ranges((64, 128))["Schmidt"] == (schmidt.low, schmidt.high)
