"""Gray-Scott: order, steady states, linear theory, budgets, dimensions, precision, batches and faults."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.gray_scott.initial import steady_state
from physrep.systems.gray_scott.solver import GrayScottSolver, phi
from physrep.systems.solver import record
from tests.helpers.gray_scott_cases import CUBE, FLAT, QUARTER, error, run, soft_start, solver

F, K = 0.03, 0.056


def state(fields) -> torch.Tensor:
    return torch.stack([fields["A"], fields["B"]], 1)


@torch.inference_mode()
def end(start, interval, max_dt=None, feed=F, kill=K, length=0.5):
    own = solver(feed, kill, start, length, max_dt)
    own.advance(interval)
    return state(own.snapshot())


def test_fourth_order_in_time():
    start = soft_start((24, 24))
    exact = end(start, 16.0, 0.0625)
    errors = [error(end(start, 16.0, dt), exact) for dt in (1.0, 0.5, 0.25)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert errors[0] < 1e-4 and all(3.7 < order < 4.3 for order in orders), (errors, orders)


def test_spectral_convergence_in_space():
    """Half as many points again: the error falls by a growing factor, as no power law does."""
    ends = {n: end(soft_start((n, n)), 20.0, 0.5) for n in (16, 24, 36, 54, 96)}
    modes = {n: torch.fft.rfft2(fields, norm="forward")[..., :8, :8] for n, fields in ends.items()}
    errors = [error(modes[n], modes[96]) for n in (16, 24, 36, 54)]
    factors = [coarse / fine for coarse, fine in pairwise(errors)]
    assert factors[0] > 4 and factors[1] > 2 * factors[0] and factors[2] > 2 * factors[1], errors


def test_uniform_steady_states_stay():
    a, b = steady_state(0.03, 0.05)
    assert 1 - a == pytest.approx((0.03 + 0.05) / 0.03 * b), "feeding balances removal"
    for values, feed, kill in (((a, b), 0.03, 0.05), ((1.0, 0.0), 0.03, 0.05), ((1.0, 0.0), 0.03, 0.06)):
        start = torch.tensor(values, dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 8, 8)
        torch.testing.assert_close(end(start, 200.0, feed=feed, kill=kill), start, rtol=0, atol=1e-12)
    assert steady_state(0.03, 0.0567) is None and steady_state(0.03, 0.0565) is not None


def test_uniform_decay_of_a_little_b():
    """About A = 1, B = 0: B decays at F + k, the deficit of A at F."""
    start = torch.tensor([1 - 1e-7, 1e-7], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 8, 8)
    result = end(start, 30.0)
    assert float(result[0, 1, 0, 0]) / 1e-7 == pytest.approx(math.exp(-30 * (F + K)), rel=1e-5)
    assert float(1 - result[0, 0, 0, 0]) / 1e-7 == pytest.approx(math.exp(-30 * F), rel=1e-5)


@pytest.mark.parametrize(("feed", "kill"), [(0.03, 0.05), (0.05, 0.058), (0.09, 0.055)])
@pytest.mark.parametrize("mode", [1, 4, 9])
def test_small_disturbances_grow_as_linear_theory_says(feed, kill, mode):
    """The 2 x 2 Jacobian about the uniform state with diffusion, exponentiated, against the solver."""
    a, b = steady_state(feed, kill)
    n, length, t, size = 24, 1.0, 40.0, 1e-6
    q2 = (2 * math.pi * mode / length) ** 2
    jacobian = torch.tensor(
        [[-b * b - feed - 2e-5 * q2, -2 * a * b], [b * b, 2 * a * b - feed - kill - 1e-5 * q2]], dtype=torch.float64
    )
    shape = torch.cos(2 * math.pi * mode * torch.arange(n, dtype=torch.float64) / n)[:, None].expand(n, n)
    kick = torch.tensor([1.0, -0.6], dtype=torch.float64)
    base = torch.tensor([a, b], dtype=torch.float64).view(2, 1, 1)
    result = end((base + size * kick.view(2, 1, 1) * shape)[None], t, feed=feed, kill=kill, length=length)
    amplitude = ((result[0] - base) * shape).mean((1, 2)) / shape.square().mean() / size
    expected = torch.linalg.matrix_exp(t * jacobian) @ kick
    torch.testing.assert_close(amplitude, expected, rtol=1e-4, atol=1e-4 * float(expected.norm()))


def test_mass_budgets_close():
    """d⟨A⟩/dt = F(1 - ⟨A⟩) - ⟨AB²⟩ and d⟨B⟩/dt = ⟨AB²⟩ - (F + k)⟨B⟩, by differences of stored frames."""
    dt = 0.25
    result = run([0.03, 0.06], [0.056, 0.062], seeds=(1, 2), frames=9, save_dt=dt)
    a, b = result.fields["A"], result.fields["B"]
    reaction = (a * b * b).mean((2, 3))[:, 2:-2]
    a, b = a.mean((2, 3)), b.mean((2, 3))
    feed, kill = (result.parameters[name][:, None] for name in ("F", "k"))

    def rate(f):
        return (f[:, :-4] - 8 * f[:, 1:-3] + 8 * f[:, 3:-1] - f[:, 4:]) / (12 * dt)

    torch.testing.assert_close(rate(a), feed * (1 - a[:, 2:-2]) - reaction, rtol=0, atol=2e-7)
    torch.testing.assert_close(rate(b), reaction - (feed + kill) * b[:, 2:-2], rtol=0, atol=2e-7)


def test_three_dimensions_hold_the_two_dimensional_solution():
    """A start that does not vary along one axis stays the plane's solution, whichever axis it is."""
    flat = soft_start((16, 16))
    plane = end(flat, 40.0)
    for axis in (2, 3, 4):
        cube = flat.unsqueeze(axis).expand(*[16 if dim == axis else -1 for dim in range(5)])
        solid = end(cube, 40.0)
        torch.testing.assert_close(solid, plane.unsqueeze(axis).expand_as(solid), rtol=0, atol=1e-12)


def test_the_cube_is_isotropic():
    start = soft_start((12, 12, 12))
    turned = end(start.transpose(2, 4).contiguous(), 20.0)
    torch.testing.assert_close(turned, end(start, 20.0).transpose(2, 4), rtol=0, atol=1e-12)


@pytest.mark.parametrize("system", [QUARTER, CUBE], ids=["square", "cube"])
def test_float32_is_close_to_float64(system):
    resolution = (64, 64) if system is QUARTER else (24, 24, 24)
    runs = [
        run(0.03, 0.057, seeds=(1, 2), system=system, resolution=resolution, frames=3, dtype=dtype)
        for dtype in (torch.float32, torch.float64)
    ]
    for name in ("A", "B"):
        assert error(runs[0].fields[name].double(), runs[1].fields[name]) < 3e-6, name


def test_a_restart_continues():
    whole = run([0.03, 0.06], [0.057, 0.062], seeds=(1, 2), frames=5, save_dt=10.0, max_dt=1.0)
    frame = {name: value[:, 2] for name, value in whole.fields.items()}
    rest = run([0.03, 0.06], [0.057, 0.062], seeds=(0, 0), initial=frame, frames=3, save_dt=10.0, max_dt=1.0)
    for name, value in whole.fields.items():
        torch.testing.assert_close(rest.fields[name], value[:, 2:], rtol=0, atol=1e-10)


def test_a_start_on_another_grid_is_the_same_field():
    coarse = soft_start((32, 32))
    initial = {"A": coarse[:, 0], "B": coarse[:, 1]}
    runs = [run(0.03, 0.056, initial=initial, resolution=(n, n), frames=2, save_dt=4.0) for n in (32, 64)]
    for name in ("A", "B"):
        torch.testing.assert_close(runs[1].fields[name][:, 0, ::2, ::2], initial[name], rtol=0, atol=1e-12)
        assert error(runs[1].fields[name][:, 1, ::2, ::2], runs[0].fields[name][:, 1]) < 1e-6


def test_rows_take_their_own_steps_and_do_not_depend_on_the_batch():
    """The_well starts reach B = 1 and need short steps; soft ones long steps; both are what they are alone."""
    feeds, kills = [0.03, 0.05, 0.03, 0.016], [0.056, 0.061, 0.06, 0.052]
    options = {"resolution": (32, 32), "frames": 3, "save_dt": 20.0}
    hard = run(0.03, 0.056, seeds=(5,), initial_condition="the_well", **options)
    soft = run(0.05, 0.061, seeds=(6,), **options)
    initial = {
        name: torch.cat(
            [hard.fields[name][:, 0], soft.fields[name][:, 0], hard.fields[name][:, 2], soft.fields[name][:, 2]]
        )
        for name in ("A", "B")
    }
    together = run(feeds, kills, initial=initial, **options)
    own = QUARTER.solver(together.parameters, [0] * 4, initial, _setup((32, 32)))
    assert len(set(own.steps(20.0))) > 1, "the batch mixes numbers of steps"
    for row in range(4):
        alone = run(
            feeds[row], kills[row], initial={name: value[row : row + 1] for name, value in initial.items()}, **options
        )
        for name in ("A", "B"):
            torch.testing.assert_close(alone.fields[name][0], together.fields[name][row], rtol=0, atol=1e-11)


def _setup(resolution):
    from physrep.systems.solver import Setup

    return Setup(resolution, "given", dtype=torch.float64)


def test_the_step_is_short_where_b_is_high():
    start = soft_start((8, 8))
    calm, wild = solver(F, K, start, 0.5), solver(F, K, torch.stack([start[:, 0], 4 * start[:, 1]], 1), 0.5)
    assert calm.steps(20.0) == [10] and wild.steps(20.0)[0] > 25
    assert solver(F, K, start, 0.5, max_dt=0.5).steps(20.0) == [40]


def test_the_default_step_is_accurate_enough():
    for family in ("diverse", "the_well"):
        options = {"seeds": (3, 4), "frames": 4, "save_dt": 20.0, "initial_condition": family}
        default = run([0.02, 0.06], [0.052, 0.062], **options)
        fine = run([0.02, 0.06], [0.052, 0.062], max_dt=0.25, **options)
        assert error(default.fields["B"][:, 1:], fine.fields["B"][:, 1:]) < 1e-3, family


def test_a_blow_up_ends_one_row():
    start = soft_start((16, 16)).repeat(3, 1, 1, 1)
    start[1, 1] += 50.0
    result = run([F] * 3, [K] * 3, initial={"A": start[:, 0], "B": start[:, 1]}, resolution=(16, 16), frames=3)
    assert list(result.failed) == [1] and "above 10 at t = 0" in result.failed[1]
    alone = run(F, K, initial={"A": start[2:, 0], "B": start[2:, 1]}, resolution=(16, 16), frames=3)
    for name in ("A", "B"):
        assert torch.isnan(result.fields[name][1]).all() and torch.isfinite(result.fields[name][::2]).all()
        torch.testing.assert_close(result.fields[name][2], alone.fields[name][0], rtol=0, atol=1e-12)


def test_a_row_that_is_not_finite_later_is_ended_there(monkeypatch):
    own = solver(F, K, soft_start((16, 16)).repeat(2, 1, 1, 1), 0.5)
    advance = GrayScottSolver.advance

    def broken(self, interval):
        advance(self, interval)
        if not hasattr(self, "count"):
            self.count = 0
        self.count += 1
        if self.count == 2:
            self.state[0, 0, 3, 3] = math.nan

    monkeypatch.setattr(GrayScottSolver, "advance", broken)
    fields, ended = record(own, 5, 10.0)
    assert list(ended) == [0] and "t = 20" in ended[0]
    assert torch.isfinite(fields["B"][0, :2]).all() and torch.isnan(fields["B"][0, 2:]).all()
    assert torch.isfinite(fields["B"][1]).all()


def test_phi_functions_are_right_near_and_far_from_zero():
    z = torch.tensor([-1e-9, -1e-3, -0.4, -0.999, -1.001, -5.0, -300.0], dtype=torch.float64)
    for value, one, two, three in zip(z.tolist(), *(part.tolist() for part in phi(z)), strict=True):
        for order, got in ((1, one), (2, two), (3, three)):
            # φ_n(z) = ∫₀¹ e^{(1-s)z} s^{n-1}/(n-1)! ds, by Gauss-Legendre in pieces
            s = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
            integral = float((torch.exp((1 - s) * value) * s ** (order - 1)).mean()) / math.factorial(order - 1)
            assert got == pytest.approx(integral, rel=1e-4 if value < -100 else 1e-7)


def test_a_coarse_grid_is_refused_by_name():
    ranges = FLAT.resolved_ranges((128, 128))
    assert FLAT.check_ranges((128, 128), ranges) is None and FLAT.check_ranges((256, 128), ranges) is None
    assert "128x128 would" in FLAT.check_ranges((128, 64), ranges)
    assert CUBE.check_ranges((48, 48, 48), CUBE.resolved_ranges((48, 48, 48))) is None
    assert "48x48x48 would" in CUBE.check_ranges((32, 48, 48), {})
    assert "resolves F" in FLAT.check_ranges((128, 128), {"F": (0.01, 0.05)})
    with pytest.raises(PhysrepError, match="empty"):
        FLAT.check_ranges((128, 128), {"F": (0.05, 0.02)})
