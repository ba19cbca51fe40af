"""Active matter against published statistics of The Well's data, and what `resolved_ranges` promises."""

from __future__ import annotations

import pytest
import torch

from tests.helpers.active_matter_cases import MATTER, rms, run, second

ALPHAS = (-1.0, -2.0, -3.0, -4.0, -5.0)
ZETAS = tuple(float(zeta) for zeta in range(1, 18, 2))


@pytest.mark.slow
def test_fields_are_as_large_as_in_the_well():
    """45 parameter sets, one trajectory each, 81 frames, on 64 x 64 points: root mean squares within 10 %.

    The figures are those of The Well's stats.yaml of active_matter (225 trajectories on 256 x 256 points with 256
    angles). D_xx and D_yy differ there by chance of the few starts, as they do here.
    """
    grid = [(alpha, zeta) for alpha in ALPHAS for zeta in ZETAS]
    alpha, zeta = zip(*grid, strict=True)
    options = {"resolution": (64, 64), "initial_condition": "the_well", "dtype": torch.float32}
    fields = run(alpha, zeta, seeds=range(45), **options).fields
    assert rms(fields["velocity"]).tolist() == pytest.approx([0.57718, 0.56706], rel=0.1)
    assert rms(fields["D"]).flatten().tolist() == pytest.approx([0.59526, 0.33111, 0.33111, 0.59218], rel=0.1)
    assert rms(fields["E"]).flatten().tolist() == pytest.approx([0.40730, 0.43216, 0.43216, 0.40730], rel=0.1)
    d = fields["D"] - fields["D"].mean((0, 1, 2, 3))
    assert rms(d).flatten().tolist() == pytest.approx([0.32013, 0.33105, 0.33105, 0.32018], rel=0.1)
    change = {name: rms(fields[name].diff(dim=1)).flatten() for name in ("velocity", "D", "E")}
    assert change["velocity"].tolist() == pytest.approx([0.19117, 0.19125], rel=0.1)
    assert change["D"].tolist() == pytest.approx([0.14943, 0.14891, 0.14891, 0.14944], rel=0.1)
    assert change["E"].tolist() == pytest.approx([0.24759, 0.25014, 0.25014, 0.24759], rel=0.1)
    assert float(fields["concentration"].std()) == pytest.approx(0.00295, rel=0.25)


def test_coarse_statistics_are_those_of_a_fine_grid():
    """Six parameter sets on 48 x 48 points within 10 % of the same runs on 128 x 128 (the figures here)."""
    options = {"resolution": (48, 48), "initial_condition": "the_well", "dtype": torch.float32}
    fields = run([-1.0, -3.0, -5.0] * 2, [1.0] * 3 + [5.0] * 3, seeds=range(6), **options).fields
    assert float(rms(fields["velocity"]).norm()) == pytest.approx(1.0154, rel=0.1)
    assert rms(fields["E"]).flatten().tolist() == pytest.approx([0.3614, 0.4141, 0.4141, 0.3614], rel=0.1)
    assert rms(fields["D"]).flatten().tolist() == pytest.approx([0.5896, 0.3001, 0.3001, 0.5649], rel=0.1)


def check_upper_end(n: int, seeds) -> None:
    """At the hardest corner of the range, against a grid twice as fine: D one time unit after a developed start."""
    ranges = MATTER.resolved_ranges((n, n))
    corner = (ranges["alpha"][0], ranges["zeta"][1])
    start = run(*corner, seeds=seeds, resolution=(n, n), frames=2, save_dt=8.0, dtype=torch.float32)
    initial = {name: start.fields[name][:, 1] for name in MATTER.initial_fields}
    options = {"initial": initial, "frames": 5, "dtype": torch.float32}
    coarse = run(*corner, resolution=(n, n), **options).fields
    fine = run(*corner, resolution=(2 * n, 2 * n), **options).fields["D"][:, -1, ::2, ::2]
    contrast = (fine - 0.5 * torch.eye(2)).flatten(1).norm(dim=1)
    error = (coarse["D"][:, -1] - fine).flatten(1).norm(dim=1) / contrast
    assert float(error.median()) < 0.2, error
    order = second(coarse["D"]).abs() / coarse["concentration"]
    assert float(order.max()) < 1.15, order.max()


def test_upper_end_is_resolved():
    check_upper_end(32, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("n", [16, 32, 64])
def test_upper_end_is_resolved_full_size(n):
    check_upper_end(n, range(100, 106))


def test_ranges_grow_with_the_grid():
    ranges = {n: MATTER.resolved_ranges((n, n)) for n in (16, 32, 64, 128, 256)}
    assert ranges[64] == {"alpha": (-5.0, -1.0), "zeta": (0.25, 5.0)}
    assert ranges[128]["zeta"] == ranges[256]["zeta"] == (0.25, 17.0)
    assert MATTER.resolved_ranges((64, 32)) == ranges[32]
    assert MATTER.resolved_ranges((8, 8))["zeta"][0] < MATTER.resolved_ranges((8, 8))["zeta"][1]
    message = MATTER.check_ranges((64, 64), {"zeta": (1.0, 17.0)})
    assert message is not None and "zeta" in message
