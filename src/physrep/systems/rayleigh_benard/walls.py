r"""No-slip walls for a vorticity: the influence matrix in the eigenvectors of d²/dy².

The vorticity on the two walls is unknown. It acts on the inside through the columns e of the collocation matrix of
d²/dy² that belong to the walls, so that an implicit step gives

    ω = ω* + s e/H,    H = 1 - β Δt ν (λ - κ²),

with ω* its result for no vorticity on the walls, and one number s per wall. They follow from ∂_yψ = 0 there, with
ψ = -ω/(λ - κ²): a 2x2 system. For the parts of ω that are even and odd about y = 1/2 it is diagonal, so that s is one
scalar product each.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .channel import Channel


class NoSlip:
    """Removes the slip of vorticities ``(..., K, n)`` of a channel; the row k = 0, a mean flow, is left alone."""

    def __init__(self, channel: Channel) -> None:
        eigen, derivative = channel.eigen, channel.derivative
        # Both from the wall y = 0: the other one is the same up to the sign of the parity.
        self._slip = (derivative[0, 1:-1] @ eigen.vectors).to(channel.device) / channel.helmholtz
        self._column = (eigen.inverse @ (derivative @ derivative)[1:-1, 0]).to(channel.device)
        self._parities = (slice(0, eigen.even), slice(eigen.even, None))
        self._laplacian = channel.helmholtz
        self._slip_in_loop = channel.cast(self._slip)

    def response(self, inverse: Tensor) -> Tensor:
        """What removes a unit of slip in a step with this 1/H ``(..., K, n)``, float64: e/H over its own slip."""
        out = self._column * inverse
        for part in self._parities:
            out[..., part] /= (self._slip[..., part] * out[..., part]).sum(-1, keepdim=True)
        out[..., 0, :] = 0.0
        return out

    def harmonic(self) -> Tensor:
        """The response without a step: vorticity that is harmonic inside, for a start."""
        return self.response(1 / self._laplacian)

    def apply(self, vorticity: Tensor, response: Tensor, work: Tensor) -> None:
        """Subtract, in place, the slip of ``vorticity`` times ``response``; ``work`` has the vorticity's shape."""
        slip = self._slip_in_loop if vorticity.dtype == self._slip_in_loop.dtype else self._slip
        torch.mul(vorticity, slip, out=work)
        for part in self._parities:
            amount = work[..., part].sum(-1, keepdim=True)
            vorticity[..., part].addcmul_(amount, response[..., part], value=-1)
