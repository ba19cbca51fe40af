"""Chebyshev collocation on [0, 1]: exact on polynomials, spectral on smooth functions, modes of d²/dy²."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev as reference

from physrep.systems.grids.chebyshev import (
    cell_centres,
    differentiation,
    dirichlet_modes,
    gauss,
    integration,
    interpolation_matrix,
    lobatto,
)

SIZES = [8, 9, 32, 33]


def polynomial(n: int, points: torch.Tensor, order: int = 0) -> torch.Tensor:
    """A fixed polynomial of the full degree n + 1, or its derivative."""
    coefficients = np.random.default_rng(n).standard_normal(n + 2) / (1 + np.arange(n + 2)) ** 3
    return torch.from_numpy(
        reference.chebval(
            2 * points.numpy() - 1, reference.chebder(coefficients, order, scl=2) if order else coefficients
        )
    )


@pytest.mark.parametrize("n", SIZES)
def test_points(n):
    y = lobatto(n)
    assert y.shape == (n + 2,) and float(y[0]) == 0.0 and float(y[-1]) == 1.0
    assert torch.equal(y + y.flip(0), torch.ones_like(y)), "symmetric to the last bit"
    for points in (gauss(n), cell_centres(n)):
        assert points.shape == (n,) and bool((points.diff() > 0).all()) and points[0] > 0 and points[-1] < 1
    assert float(torch.cos(n * torch.arccos(2 * gauss(n) - 1)).abs().max()) < 1e-12, "zeros of T_n"
    torch.testing.assert_close(cell_centres(n).diff(), torch.full((n - 1,), 1 / n, dtype=torch.float64))


@pytest.mark.parametrize("n", SIZES)
def test_derivative_and_integral_are_exact_on_polynomials(n):
    y = lobatto(n)
    f, slope = polynomial(n, y), polynomial(n, y, 1)
    assert float((differentiation(n) @ f - slope).abs().max()) < 1e-12
    assert float((differentiation(n) @ torch.ones_like(y)).abs().max()) < 1e-12
    primitive = reference.chebint(np.eye(n + 2), scl=0.5, axis=0)
    exact = reference.chebval(1, primitive) - reference.chebval(-1, primitive)
    weights = integration(n)
    measured = torch.from_numpy(reference.chebvander(2 * y.numpy() - 1, n + 1)).T @ weights
    assert float((measured - torch.from_numpy(exact)).abs().max()) < 1e-14
    assert bool((weights > 0).all())


@pytest.mark.parametrize("n", SIZES)
def test_interpolation_is_exact_on_polynomials_and_on_the_nodes(n):
    y = lobatto(n)
    for points in (gauss(n), cell_centres(n + 5), y, y[3:5]):
        assert float((interpolation_matrix(n, points) @ polynomial(n, y) - polynomial(n, points)).abs().max()) < 1e-13
    assert torch.equal(interpolation_matrix(n, y), torch.eye(n + 2, dtype=torch.float64))


def test_derivative_converges_spectrally():
    errors = []
    for n in (8, 12, 16):
        f = torch.exp(torch.sin(3 * lobatto(n)))
        errors.append(error := float((differentiation(n) @ f - 3 * torch.cos(3 * lobatto(n)) * f).abs().max()))
        assert error > 1e-13, "not yet at rounding"
    assert errors[1] < errors[0] / 20 and errors[2] < errors[1] / 20, errors


@pytest.mark.parametrize("n", SIZES)
def test_modes_diagonalise_the_second_derivative(n):
    modes = dirichlet_modes(n)
    matrix = differentiation(n)
    second = (matrix @ matrix)[1:-1, 1:-1]
    residual = second @ modes.vectors - modes.vectors * modes.values
    assert float(residual.abs().max() / modes.values.abs().max()) < 1e-13
    identity = torch.eye(n, dtype=torch.float64)
    assert float((modes.inverse @ modes.vectors - identity).abs().max()) < 1e-13
    assert bool((modes.values < 0).all()) and modes.even == (n + 1) // 2
    mirrored = modes.vectors.flip(0)
    assert torch.equal(mirrored[:, : modes.even], modes.vectors[:, : modes.even])
    assert torch.equal(mirrored[:, modes.even :], -modes.vectors[:, modes.even :])
    # The lowest are the modes of a string: -π², -9π² (even), -4π² (odd).
    lowest = torch.stack([modes.values[0], modes.values[modes.even], modes.values[1]]) / math.pi**2
    exact = torch.tensor([-1.0, -4.0, -9.0], dtype=torch.float64)
    assert float((lowest / exact - 1).abs().max()) < (1e-3 if n < 10 else 1e-12)


@pytest.mark.parametrize("n", [12, 13])
def test_a_helmholtz_problem_is_a_division(n):
    """u″ - 7 u = f with u = 0 at the ends, against the matrix solve."""
    modes, matrix = dirichlet_modes(n), differentiation(n)
    f = torch.exp(lobatto(n)[1:-1])
    operator = (matrix @ matrix)[1:-1, 1:-1] - 7 * torch.eye(n, dtype=torch.float64)
    u = modes.vectors @ ((modes.inverse @ f) / (modes.values - 7))
    torch.testing.assert_close(u, torch.linalg.solve(operator, f), rtol=1e-11, atol=1e-14)
