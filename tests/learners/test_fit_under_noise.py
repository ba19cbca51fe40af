"""Operator discovery fitted to noisy fields: rows count by their noise, and columns are told from their noise."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.geometry import Geometry
from physrep.learners.operator_discovery.gram import Grams, grams, noise_products
from physrep.learners.operator_discovery.library import library
from physrep.learners.operator_discovery.low_rank import first_directions, fit_low_rank, standardised, whitening
from physrep.learners.operator_discovery.row_weights import MODEL, RowScale
from physrep.learners.operator_discovery.selection import candidates
from physrep.learners.operator_discovery.sparse import Design, eliminate
from physrep.learners.operator_discovery.weak_form import Rows, WeakRows

N = 16


def weak_rows(periodic: tuple[bool, bool]) -> WeakRows:
    return WeakRows(
        Geometry((8, N, N), 0.1, (0.1, 0.1), periodic, (None, None), (2, 2)), library(("u",), False, (1,)), "u"
    )


@pytest.mark.parametrize("periodic", [(True, True), (True, False)])
def test_the_gain_is_what_white_noise_adds_to_the_rows_of_a_change(periodic: tuple[bool, bool]):
    weak = weak_rows(periodic)
    noise = torch.randn(600, 1, 8, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    measured = weak.change(noise).square().mean((0, 2))
    held = weak.gain > 1e-9 * weak.gain.max()
    torch.testing.assert_close(measured[held], weak.gain[held], rtol=0.35, atol=0)
    torch.testing.assert_close(measured[held].sum(), weak.gain[held].sum(), rtol=0.03, atol=0)
    assert float(measured[~held].sum()) < 1e-12


def test_under_noise_a_window_counts_by_its_noise_and_not_by_its_change():
    y = torch.ones(2, 3, 1, dtype=torch.float64) * torch.tensor([1.0, 100.0]).double().view(2, 1, 1)
    rows, one = Rows(y, y, y, y), torch.ones(3, dtype=torch.float64)
    scale = RowScale(one, one[:1])
    as_it_is = scale.weight(rows, one, one)
    assert float(as_it_is[0, 0] / as_it_is[1, 0]) > 1e3  # each has the same say
    noisy = replace(scale, noise=1e3).weight(rows, one, one)
    torch.testing.assert_close(noisy[0] / noisy[1], one, rtol=2e-3, atol=0)
    torch.testing.assert_close(noisy[0], one * MODEL / 1e3, rtol=2e-3, atol=0)


def test_noise_is_what_all_windows_have():
    """What one field holds beyond the band looks like noise, of a level of its own."""
    draw = torch.Generator().manual_seed(2)
    rough = torch.randn(1, 1, 8, N, N, generator=draw, dtype=torch.float64)
    learner, weak = OperatorDiscovery(1), weak_rows((True, True))
    assert learner._scale([torch.cat([rough, torch.ones_like(rough)])], weak).noise < 1e-20
    noise = 0.1 * torch.randn(6, 1, 8, N, N, generator=draw, dtype=torch.float64)
    scale = learner._scale([torch.cat([rough, noise])], weak)
    assert scale.noise == pytest.approx(0.01, rel=0.2)
    torch.testing.assert_close(
        scale.share(torch.tensor([1.0, 0.001]).double()), torch.tensor([scale.noise, 1.0]).double()
    )


def two_views(level: float) -> Rows:
    """Columns a, b and b itself with other noise, as a constraint makes it; y = a + b."""
    draw = torch.Generator().manual_seed(1)
    signal = torch.randn(40, 50, 2, generator=draw, dtype=torch.float64)
    columns, target = signal[..., [0, 1, 1]], signal.sum(2, keepdim=True)
    shaken = [
        x + level * torch.randn(x.shape, generator=draw, dtype=torch.float64)
        for x in (columns, columns, target, target)
    ]
    return Rows(*shaken)


def test_columns_that_differ_by_their_noise_alone_are_dependent():
    rows = two_views(0.1)
    held = grams(rows)
    noise = noise_products(rows, torch.ones(40, 50, dtype=torch.float64)) / len(held)
    # Half the difference of two views with noise of variance s holds s/2, the noise of their mean.
    torch.testing.assert_close(noise.diagonal(), torch.full((4,), 50 * 0.01 / 2, dtype=torch.float64), rtol=0.1, atol=0)
    assert whitening(held.g.mean(0)).shape[1] > 2 or bool((torch.linalg.eigvalsh(held.g.mean(0)) < 0).any())
    basis = whitening(held.g.mean(0), noise[:3, :3])
    assert basis.shape == (3, 2)
    torch.testing.assert_close(basis.T @ held.g.mean(0) @ basis, torch.eye(2, dtype=torch.float64))
    assert whitening(held.g.mean(0), 0 * noise[:3, :3]).shape[1] >= 2


def test_the_noise_of_a_residual_follows_from_the_columns_that_explain_it():
    rows = two_views(0.1)
    held = replace(grams(rows), noise=noise_products(rows, torch.ones(40, 50, dtype=torch.float64)) / 40)
    alone, explained = (float(held.noisy(torch.tensor(w).double().view(3, 1))) for w in ([0.0, 0, 0], [1.0, 1.0, 0.0]))
    assert explained / alone == pytest.approx(3, rel=0.15)
    turned = held.turned(2 * torch.eye(3, dtype=torch.float64))
    assert float(turned.noisy(torch.tensor([0.5, 0.5, 0.0]).double().view(3, 1))) == pytest.approx(explained)
    part = held.part(torch.tensor([0, 1]), torch.tensor([0]))
    assert float(part.noisy(torch.ones(2, 1, dtype=torch.float64))) == pytest.approx(explained)


@pytest.mark.parametrize(("noise", "kept"), [(None, [0, 1]), (20.0, [0])])
def test_a_term_that_is_worth_less_than_the_noise_of_the_residual_is_taken_away(noise: float | None, kept: list[int]):
    """The second column explains 9 of 109: without noise all that is left would grow, with noise of 20 it is chance."""
    eye, right = torch.eye(2, dtype=torch.float64), torch.tensor([10.0, 3.0], dtype=torch.float64)
    table = None if noise is None else torch.diag(torch.tensor([0.0, 0.0, noise], dtype=torch.float64))
    system = Design(eye, right, 109.0, torch.ones(2, dtype=torch.float64), 2, 1e-12, table, 1000.0)
    assert eliminate(system, 0) == (kept, [])


def varying_views(rows: int, level: float) -> Rows:
    """Two noisy views of ``y = (w + θ_i v) · x`` with 6 columns, for 30 trajectories of so many rows."""
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(30, rows, 6, generator=draw, dtype=torch.float64)
    theta, w = torch.randn(30, 1, 1, generator=draw, dtype=torch.float64), torch.linspace(-1, 1, 6).double()
    y = (x @ w).unsqueeze(2) + theta * x[:, :, :1]
    return Rows(*(f + level * torch.randn(f.shape, generator=draw, dtype=torch.float64) for f in (x, x, y, y)))


def test_products_that_rows_can_have_stay_as_they_are():
    held = grams(varying_views(40, 0.0))
    assert held.positive() is held


def test_products_of_two_views_become_such_as_rows_can_have():
    held = grams(varying_views(8, 1.0))
    whole = held.positive()
    joint = torch.cat([torch.cat([whole.g, whole.b], 2), torch.cat([whole.b.mT, whole.s], 2)], 1)
    assert float(torch.linalg.eigvalsh(held.g).min()) < -1 and float(torch.linalg.eigvalsh(joint).min()) > -1e-9
    w = torch.randn(30, 6, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(whole.unexplained(w).min()) > 0 > float(held.unexplained(20 * w).min())


def test_a_fit_under_noise_ends_and_rounding_does_not_move_it():
    held = grams(varying_views(8, 1.0))
    draw = torch.Generator().manual_seed(0)

    def theta(held: Grams) -> tuple[torch.Tensor, list[float]]:
        start = standardised(first_directions(held, 1.0)[:, :1])
        fit = fit_low_rank(held, 1, start * start[:1].sign(), sweeps=200, tolerance=1e-9)
        return fit.theta * fit.theta[:1].sign(), fit.likelihood

    shaken = replace(held, g=held.g * (1 + 1e-13 * torch.randn(held.g.shape, generator=draw, dtype=torch.float64)))
    shaken.g = (shaken.g + shaken.g.mT) / 2
    (one, rise), (other, _) = theta(held.positive()), theta(shaken.positive())
    assert len(rise) < 200 and min(b - a for a, b in itertools.pairwise(rise)) > -1e-3 * abs(rise[-1])
    torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert float((theta(held)[0] - theta(shaken)[0]).abs().max()) > 1e-3  # as they are they wander


def test_candidates_under_noise_are_fitted_to_such_products():
    rows = varying_views(8, 1.0)
    held = replace(grams(rows), noise=noise_products(rows, torch.full((30, 8), 1 / 30, dtype=torch.float64)))
    pair = torch.arange(30) // 2
    _, found = candidates(held, held, pair, 1, torch.arange(6), 1)
    turned = held.turned(found.basis).positive()
    again = fit_low_rank(turned, 1, found.fit.theta, sweeps=1)
    torch.testing.assert_close(again.theta.abs(), found.fit.theta.abs(), rtol=0, atol=0.05)
