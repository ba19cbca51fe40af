r"""SIGReg: predictions near their targets, with rows that look like draws of a standard normal from every side.

Rows :math:`z \in R^{N \times C}` are projected on random unit vectors a, and every projection is compared with N(0, 1)
by the test of Epps and Pulley, the weighted distance of characteristic functions:

.. math::
    T(a) = N \int w(t)\,\bigl|\tfrac1N \sum_n e^{i t\, a \cdot z_n} - e^{-t^2/2}\bigr|^2 dt, \qquad w(t) = e^{-t^2/2},

by the trapezoidal rule on ``knots`` points of [-``limit``, ``limit``]; the integrand is even, so half of them are
computed. For normal rows the expectation is :math:`\int w(t)\,(1 - e^{-t^2})\,dt`, whatever N. With :math:`\bar T` the
mean over slices,

.. math::
    L = (1 - \lambda)\, \overline{(x - y)^2} + \lambda\, [\bar T(x) + \bar T(y)] / 2.

Slices are drawn anew at every call in training, and are fixed in evaluation mode, so that validation losses can be
compared. Real sines and cosines, float32 also under autocast.

Source: "LeJEPA", Balestriero, LeCun, 2025, https://arxiv.org/abs/2511.08544; Epps, Pulley, Biometrika 70 (1983) 723.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import PhysrepError
from ..nn.precision import full_precision
from .gather import of_first_device, rows_of_all_devices


class SIGReg(nn.Module):
    """The SIGReg loss on pairs of rows; gradients flow into both sides.

    Args:
        weight: lambda, between 0 and 1.
        slices: random directions per call.
        knots: points of the quadrature, odd.
        limit: end of the interval.
        chunk: slices that are held in memory at once; the others are computed again in the backward pass.
    """

    def __init__(
        self, weight: float = 0.05, slices: int = 256, knots: int = 17, limit: float = 5.0, chunk: int = 64
    ) -> None:
        super().__init__()
        if not 0 <= weight <= 1:
            raise PhysrepError(f"sigreg: weight is {weight}; give a number between 0 and 1.")
        if slices < 1 or chunk < 1 or knots < 3 or knots % 2 == 0:
            raise PhysrepError(f"sigreg: slices {slices}, chunk {chunk} must be positive, knots {knots} odd, from 3.")
        self.weight, self.slices, self.knots, self.limit, self.chunk = weight, slices, knots, limit, chunk

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The loss and its terms.

        Args:
            x: predictions with shape ``(..., C)``; the leading axes are rows.
            y: targets with the same shape.

        Returns:
            Scalars ``loss``, ``sim``, ``gauss_x`` and ``gauss_y`` (unweighted).

        Raises:
            PhysrepError: there are fewer than two rows.
        """
        with full_precision(x.device):
            x, y = (z.flatten(0, -2).float() for z in (x, y))
            if self.training:
                # The characteristic function is that of the whole batch, however many devices it is spread over.
                x, y = rows_of_all_devices(x), rows_of_all_devices(y)
            if len(x) < 2:
                raise PhysrepError("sigreg: one row has no distribution; use a larger batch or more tokens.")
            directions = self.directions(x.shape[1], x.device)
            sim = (x - y).square().mean()
            gauss_x, gauss_y = self.statistic(x, directions), self.statistic(y, directions)
            loss = (1 - self.weight) * sim + self.weight * (gauss_x + gauss_y) / 2
        return {"loss": loss, "sim": sim, "gauss_x": gauss_x, "gauss_y": gauss_y}

    def directions(self, dim: int, device: torch.device | str = "cpu") -> Tensor:
        """Unit vectors with shape ``(dim, slices)``: new ones in training, always the same ones in evaluation."""
        generator = None if self.training else torch.Generator().manual_seed(0)
        drawn = torch.randn(dim, self.slices, generator=generator)
        drawn = (drawn / drawn.norm(dim=0)).to(device)
        return of_first_device(drawn) if self.training else drawn

    def statistic(self, z: Tensor, directions: Tensor) -> Tensor:
        """Mean over slices of T for rows with shape ``(N, C)``."""
        total = z.new_zeros(())
        for part in directions.split(self.chunk, dim=1):
            total = total + checkpoint(self._sum, z, part, use_reentrant=False)  # pyright: ignore[reportOperatorIssue]
        return total / directions.shape[1]

    def _sum(self, z: Tensor, directions: Tensor) -> Tensor:
        t = torch.linspace(0, self.limit, self.knots // 2 + 1, device=z.device)
        normal = torch.exp(-t.square() / 2)
        # The half interval counts twice; its ends have half the weight of a trapezoid.
        weights = torch.full_like(t, 2 * self.limit / (len(t) - 1))
        weights[[0, -1]] /= 2
        phase = (z @ directions).unsqueeze(2) * t
        distance = (phase.cos().mean(0) - normal).square() + phase.sin().mean(0).square()
        return len(z) * (distance * (weights * normal)).sum()

    def expected(self) -> float:
        """Expectation of T for normal rows, by the same quadrature: what the statistic can fall to."""
        t = torch.linspace(-self.limit, self.limit, self.knots, dtype=torch.float64)
        return float(torch.trapezoid(torch.exp(-t.square() / 2) * (1 - torch.exp(-t.square())), t))
