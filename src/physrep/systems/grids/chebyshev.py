r"""Chebyshev collocation on the interval [0, 1].

A function is represented by the polynomial through its values at the Gauss-Lobatto points

    y_j = (1 - cos(π j / N)) / 2,   j = 0 … N,   N = n + 1,

two end points and ``n`` interior ones. So ``n`` values at any other points inside, such as the Gauss points, together
with two end values determine it as well: `interpolation_matrix` goes from the Lobatto points to any others.

All matrices are float64 and act on columns of values; they are made once, and used in any precision.

References:
    Canuto, Hussaini, Quarteroni, Zang, Spectral Methods: Fundamentals in Single Domains (2006), chapter 2.
    Berrut and Trefethen, Barycentric Lagrange interpolation, SIAM Rev. 46 (2004) 501.
    Haidvogel and Zang, The accurate solution of Poisson's equation by expansion in Chebyshev polynomials, J. Comput.
    Phys. 30 (1979) 167, for the diagonalisation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def lobatto(n: int) -> Tensor:
    """The n + 2 Gauss-Lobatto points on [0, 1], ascending, end points included."""
    # sin² rather than 1 - cos: full relative accuracy beside y = 0; mirrored, so that the points are symmetric.
    lower = torch.sin(math.pi / 2 * torch.arange((n + 2) // 2, dtype=torch.float64) / (n + 1)) ** 2
    middle = torch.full((n % 2,), 0.5, dtype=torch.float64)
    return torch.cat([lower, middle, 1 - lower.flip(0)])


def gauss(n: int) -> Tensor:
    """The n Gauss points (zeros of T_n) on [0, 1], ascending, none of them at an end."""
    return (1 - torch.cos(math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n)) / 2


def cell_centres(n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """The n centres low + (high - low) (j + 1/2)/n of equal cells of an interval, float64."""
    return low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _barycentric(n: int) -> Tensor:
    weights = (-1.0) ** torch.arange(n + 2, dtype=torch.float64)
    weights[0] /= 2
    weights[-1] /= 2
    return weights


def differentiation(n: int) -> Tensor:
    """Matrix of d/dy on the Gauss-Lobatto points, ``(n + 2, n + 2)``."""
    angle = math.pi * torch.arange(n + 2, dtype=torch.float64) / (n + 1)
    # y_i - y_j as a product of sines: no cancellation between close points.
    distance = torch.sin((angle[:, None] + angle) / 2) * torch.sin((angle[:, None] - angle) / 2)
    weights = _barycentric(n)
    matrix = weights / weights[:, None] / distance.fill_diagonal_(1.0)
    matrix.fill_diagonal_(0.0)
    return matrix - torch.diag(matrix.sum(1))  # constants have derivative 0 exactly


def interpolation_matrix(n: int, points: Tensor) -> Tensor:
    """Matrix from values at the Gauss-Lobatto points to values at ``points``, ``(len(points), n + 2)``."""
    distance = points.double()[:, None] - lobatto(n)
    hit = distance.abs() < 1e-15
    terms = _barycentric(n) / torch.where(hit, torch.ones_like(distance), distance)
    matrix = terms / terms.sum(1, keepdim=True)
    return torch.where(hit.any(1, keepdim=True), hit.double(), matrix)


def integration(n: int) -> Tensor:
    """Weights of ∫₀¹ f dy for values at the Gauss-Lobatto points (Clenshaw-Curtis), ``(n + 2,)``."""
    j = torch.arange(n + 2, dtype=torch.float64)
    ends = torch.ones(n + 2, dtype=torch.float64)
    ends[0] = ends[-1] = 0.5
    # f = Σ″ a_k T_k with a = (2/N) cos(πjk/N) f, and ∫ T_k = 1/(1 - k²) for even k on an interval of length 1.
    moments = torch.where(j % 2 == 0, 1 / torch.where(j % 2 == 0, 1 - j**2, torch.ones_like(j)), torch.zeros_like(j))
    return ends * 2 / (n + 1) * (torch.cos(math.pi * torch.outer(j, j) / (n + 1)) @ (ends * moments))


@dataclass(frozen=True)
class DirichletModes:
    """Eigenvectors of d²/dy² on polynomials that vanish at both ends.

    Attributes:
        vectors: values at the n interior points, ``(n, n)``, one mode per column: first the modes that are even about
            y = 1/2, then the odd ones.
        inverse: inverse of ``vectors``.
        values: eigenvalues, all negative, ``(n,)``.
        even: number of even modes.
    """

    vectors: Tensor
    inverse: Tensor
    values: Tensor
    even: int


def dirichlet_modes(n: int) -> DirichletModes:
    """Diagonalise the second derivative with zero end values: with it a Helmholtz problem is a division.

    The eigenvalues of the collocation matrix are real, negative and distinct. Even and odd functions are treated apart,
    which keeps the symmetry of the grid exact in the modes.
    """
    matrix = differentiation(n)
    second = (matrix @ matrix)[1:-1, 1:-1]
    half = n // 2
    even, odd = n - half, half
    vectors = torch.zeros(n, n, dtype=torch.float64)
    inverse, values = torch.zeros_like(vectors), torch.zeros(n, dtype=torch.float64)
    mirrored = second.flip(1)
    # The first `even` points stand for an even function, the middle one (if any) for itself.
    folded = second[:even, :even] + mirrored[:even, :even]
    if n % 2:
        folded[:, -1] = second[:even, half]
    for block, size, first, sign in ((folded, even, 0, 1.0), ((second - mirrored)[:odd, :odd], odd, even, -1.0)):
        eigenvalues, eigenvectors = torch.linalg.eig(block)
        order = eigenvalues.real.argsort(descending=True)
        modes = eigenvectors.real[:, order]
        modes = modes / modes.abs().amax(0)
        columns = slice(first, first + size)
        values[columns] = eigenvalues.real[order]
        vectors[:size, columns] = modes
        vectors[n - half :, columns] = sign * modes[:half].flip(0)
        inverse[columns, :size] = torch.linalg.inv(modes)
    # The inverse acts on the even or odd part of a function, (f(y) ± f(1 - y))/2.
    mirror = inverse.flip(1)
    sign = torch.cat([torch.ones(even, dtype=torch.float64), -torch.ones(odd, dtype=torch.float64)])[:, None]
    inverse = inverse / 2 + sign * mirror / 2
    return DirichletModes(vectors, inverse, values, even)
