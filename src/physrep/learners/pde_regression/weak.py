r"""Integrals of the fields of a window against derivatives of test functions on many boxes in space and time.

    I_k[f; a, b, c] = ∭ f ∂ₜ^a ∂ₓ^b ∂_y^c χ_k dt dx dy,        χ_k(t, x, y) = φ(t) φ(x) φ(y)

with one bump φ per axis (`bumps`). Integrating the equation against χ_k by parts moves every derivative from the noisy
data to the exactly known test function: ∭ χ ∂ₓf = -I[f; 0, 1, 0], and so on. Every box gives one equation for the
coefficients.

Source: Messenger and Bortz, "Weak SINDy for partial differential equations", J. Comput. Phys. 443 (2021); Reinbold,
Gurevich and Grigoriev, "Using noisy or incomplete data to discover models of spatiotemporal dynamics", Phys. Rev. E 101
(2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import PhysrepError
from .bumps import Bumps


@dataclass(frozen=True)
class Boxes:
    """Size and smoothness of the test functions.

    Attributes:
        frames: frames that a support spans, ends included; shorter windows take all of theirs.
        width: half width along an axis of space as a share of the axis (of the distance between its first and last
            point where it has ends).
        points: least half width in grid points (half of the axis, if that is less): narrower bumps are not resolved.
        degree_time, degree_space: p of the bumps; a bump can be differentiated p - 1 times.
        spacing: distance between centres in half widths, at most.
    """

    frames: int = 16
    width: float = 0.3
    points: float = 6.0
    degree_time: int = 6
    degree_space: int = 7
    spacing: float = 0.5


class WeakForm:
    """The boxes of one grid.

    Args:
        frames: frames T of the windows.
        dt: time between them.
        points: coordinates of the two axes, with shapes ``(H,)`` and ``(W,)``.
        periods: per axis its length if it is periodic, else None.
        boxes: size of the test functions.

    Raises:
        PhysrepError: fewer than 4 frames, in which a test function has no room.
    """

    def __init__(
        self,
        frames: int,
        dt: float,
        points: Sequence[Tensor],
        periods: Sequence[float | None],
        boxes: Boxes | None = None,
    ) -> None:
        boxes = boxes or Boxes()
        if frames < 4:
            raise PhysrepError(f"the weak form needs windows of at least 4 frames, not {frames}; set num_frames.")
        span = min(frames, boxes.frames) - 1
        time = dt * torch.arange(frames, dtype=torch.float64)
        self.axes = [Bumps(time, span * dt / 2, boxes.degree_time, spacing=boxes.spacing)]
        for axis, period in zip(points, periods, strict=True):
            extent = float(axis.max() - axis.min()) if period is None else period
            half_width = min(max(boxes.width, boxes.points / len(axis)), 0.5) * extent
            self.axes.append(Bumps(axis, half_width, boxes.degree_space, period, boxes.spacing))
        self._matrices: dict[tuple[int, int], Tensor] = {}

    def _matrix(self, axis: int, order: int) -> Tensor:
        if (axis, order) not in self._matrices:
            self._matrices[axis, order] = self.axes[axis].matrix(order)
        return self._matrices[axis, order]

    def __call__(self, field: Tensor, *orders: tuple[int, int, int]) -> Tensor:
        """Sum over ``orders`` of ``∭ f ∂ₜ^a ∂ₓ^b ∂_y^c χ_k``.

        Args:
            field: values with shape ``(B, T, H, W)``.
            orders: (a, b, c), one or several.

        Returns:
            float64 with shape ``(B, K)``, one value per box.
        """
        total: Tensor | None = None
        for a, b, c in orders:
            t, x, y = (self._matrix(axis, order).to(field.device) for axis, order in enumerate((a, b, c)))
            part = torch.einsum("btxk,lx->btlk", field.double() @ y.T, x)
            part = torch.einsum("btlk,mt->bmlk", part, t).flatten(1)
            total = part if total is None else total + part
        if total is None:
            raise ValueError("name at least one derivative")
        return total

    def laplacian(self, field: Tensor, extra: tuple[int, int, int] = (0, 0, 0)) -> Tensor:
        """``∭ f ∇²(∂^extra χ_k)`` with shape ``(B, K)``."""
        a, b, c = extra
        return self(field, (a, b + 2, c), (a, b, c + 2))
