r"""Fourier x Chebyshev representation of a channel that is periodic along x and has walls at y = 0 and y = 1.

Along x a field is a sum of the modes that the 2/3 rule keeps, held as real and imaginary parts,

    f(x, y) = f_0(y) + 2 Σ_{0<k<K} (Re f_k cos κ_k x - Im f_k sin κ_k x),   κ_k = 2π k / L,   K = ceil(nx / 3)

along y by values at Gauss-Lobatto points or by coefficients of the eigenvectors of d²/dy² (`chebyshev`). Coefficients
have shape ``(B, 2, K, columns)`` and fields ``(B, nx, columns)``: the columns hold y, for one or several fields side by
side. Both directions are then plain matrix products that any number of fields share, and the matrices along x cut the
modes above 2/3, which are never computed. (At 128 points such a product costs as much as a Fourier transform and saves
the copies around it.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..grids.chebyshev import differentiation, dirichlet_modes


class Channel:
    """Matrices of the channel, made in float64 and kept in ``dtype``.

    Args:
        shape: grid points ``(nx, n)``; n counts the interior points along y.
        length: length along x.
        dtype: float32 or float64.
        device: where to compute.

    Attributes:
        modes: K, number of wavenumbers.
        kappa: wavenumbers, float64, ``(K, 1)``.
        eigen: eigenvectors of d²/dy², float64.
        derivative: matrix of d/dy on all n + 2 points, float64.
        helmholtz: eigenvalues of ∇² for modes with zero wall values, float64, ``(K, n)``.
        to_modes, to_modes_dx: coefficients of f and ∂f/∂x from values along x, ``(2K, nx)``.
        to_points, to_points_dx: values of f and ∂f/∂x from coefficients, ``(nx, 2K)``.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        length: float,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        nx, n = shape
        self.shape, self.length, self.dtype, self.device = shape, length, dtype, torch.device(device)
        self.modes = (nx - 1) // 3 + 1
        k = torch.arange(self.modes, dtype=torch.float64)
        kappa = 2 * math.pi / length * k
        # k·x modulo one turn before multiplying by 2π: exact angles.
        angle = 2 * math.pi / nx * (torch.outer(k, torch.arange(nx, dtype=torch.float64)) % nx)
        cos, sin = angle.cos(), angle.sin()
        twice = torch.where(k > 0, 2.0, 1.0)[:, None]
        self.to_modes = self.cast(torch.cat([cos, -sin]) / nx)
        self.to_modes_dx = self.cast(torch.cat([kappa[:, None] * sin, kappa[:, None] * cos]) / nx)
        self.to_points = self.cast(torch.cat([twice * cos, -twice * sin]).T)
        self.to_points_dx = self.cast(torch.cat([-2 * kappa[:, None] * sin, -2 * kappa[:, None] * cos]).T)
        self.eigen = dirichlet_modes(n)
        self.derivative = differentiation(n)
        self.kappa = kappa[:, None].to(device)
        self.helmholtz = self.eigen.values.to(device) - self.kappa**2

    def cast(self, matrix: Tensor) -> Tensor:
        """A float64 table in the precision and on the device of the channel, contiguous."""
        return matrix.to(self.device, self.dtype).contiguous()

    def wide(self) -> Channel:
        """The same channel in float64."""
        return self if self.dtype == torch.float64 else Channel(self.shape, self.length, torch.float64, self.device)

    def analyse(self, fields: Tensor) -> Tensor:
        """Coefficients ``(B, 2, K, columns)`` of fields ``(B, nx, columns)``."""
        return (self.to_modes @ fields).unflatten(1, (2, self.modes))

    def synthesise(self, coefficients: Tensor) -> Tensor:
        """Fields ``(B, nx, columns)`` of coefficients ``(B, 2, K, columns)``."""
        return self.to_points @ coefficients.flatten(1, 2)


def times_ik(coefficients: Tensor, kappa: Tensor) -> Tensor:
    """Coefficients of ∂f/∂x: (Re, Im) → κ (-Im, Re)."""
    return torch.stack([-kappa * coefficients[:, 1], kappa * coefficients[:, 0]], 1)
