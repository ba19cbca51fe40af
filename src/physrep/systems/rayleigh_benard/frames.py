r"""Stored fields of Rayleigh-Bénard convection from the solver's state: values on the rows of the grid, and pressure.

The pressure is the one of the momentum equation, with b and not b - (1 - y) as the force,

    ∇²p = ∂_y b + 2 (∂ₓu_x ∂_y u_y - ∂_y u_x ∂ₓu_y),   ∂_y p = ν ∂_y² u_y + b at the walls,   ∫p = 0.

Frames are few beside steps: all of it in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ... import linear_algebra
from ..grids.chebyshev import integration, interpolation_matrix, lobatto
from .channel import Channel, times_ik


class FrameMaker:
    """Makes stored fields on ``rows``, points in (0, 1) along y."""

    def __init__(self, channel: Channel, rows: Tensor) -> None:
        self.channel = wide = channel.wide()
        n = wide.shape[1]

        def table(matrix: Tensor) -> Tensor:
            return matrix.to(wide.device)

        self._vectors = table(wide.eigen.vectors)
        self._derivative = table(wide.derivative)
        self._second = table(wide.derivative @ wide.derivative)
        self._rows = table(interpolation_matrix(n, rows))
        self._conduction = table(1 - lobatto(n))
        self._quadrature = table(integration(n))
        operator = self._second - wide.kappa[:, :, None] ** 2 * torch.eye(n + 2, dtype=torch.float64).to(wide.device)
        operator[:, 0], operator[:, -1] = self._derivative[0], self._derivative[-1]
        operator[0] = torch.eye(n + 2)  # k = 0 is integrated instead
        self._poisson = linear_algebra.inverse(operator)
        upwards = torch.zeros_like(self._derivative)
        upwards[1:, 1:] = torch.linalg.inv(self._derivative[1:, 1:])
        # From both walls, for symmetry; they differ by a constant, which the zero mean fixes, and by truncation.
        self._integral = (upwards - upwards.flip(0, 1)) / 2

    def __call__(self, state: Tensor, viscosity: Tensor) -> dict[str, Tensor]:
        """Buoyancy and pressure ``(B, nx, n)``, velocity ``(B, nx, n, 2)`` of a state ``(B, 2, K, 2n)``."""
        channel, rows = self.channel, self._rows.T
        psi, u, theta = self.nodal(state)
        b = theta.clone()
        b[:, 0, 0] += self._conduction
        w = -times_ik(psi, channel.kappa)
        pressure = self._pressure(psi, u, w, b, viscosity)
        at_rows = torch.cat([part @ rows for part in (b, pressure, u, w)], -1)
        buoyancy, pressure, u, w = channel.synthesise(at_rows).chunk(4, -1)
        return {"buoyancy": buoyancy.clone(), "pressure": pressure.clone(), "velocity": torch.stack([u, w], -1)}

    def nodal(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ψ, u_x and θ at all n + 2 points, walls included: coefficients ``(B, 2, K, n + 2)``."""
        n = self.channel.shape[1]
        vorticity, theta = state[..., :n], state[..., n:]
        psi = -vorticity / self.channel.helmholtz
        psi[:, :, 0] = 0.0
        psi, theta = (torch.nn.functional.pad(part @ self._vectors.T, (1, 1)) for part in (psi, theta))
        u = psi @ self._derivative.T
        u[:, 0, 0, 1:-1] = vorticity[:, 0, 0] @ self._vectors.T
        return psi, u, theta

    def _pressure(self, psi: Tensor, u: Tensor, w: Tensor, b: Tensor, viscosity: Tensor) -> Tensor:
        channel, derivative = self.channel, self._derivative.T
        gradients = [times_ik(u, channel.kappa), u @ derivative, times_ik(w, channel.kappa), w]
        u_x, u_y, w_x, w_values = channel.synthesise(torch.cat(gradients, -1)).chunk(4, -1)
        source, w_squared = channel.analyse(torch.cat([-2 * (u_x * u_x + u_y * w_x), w_values**2], -1)).chunk(2, -1)
        right = source + b @ derivative
        walls = viscosity.view(-1, 1, 1, 1) * (w @ self._second.T) + b
        right[..., 0], right[..., -1] = walls[..., 0], walls[..., -1]
        pressure = torch.einsum("kij,bckj->bcki", self._poisson, right)
        # k = 0: ∂_y p = <b> - ∂_y <u_y²>
        mean = b[:, 0, 0] @ self._integral.T - w_squared[:, 0, 0]
        pressure[:, 0, 0] = mean - (mean @ self._quadrature)[:, None]
        return pressure
