r"""DISCO: a short trajectory names an operator, the operator carries its last frame to the next.

.. math::
    z = \overline{h(x)}, \quad \theta = g(z), \quad \dot u = f(u; \theta), \quad u(0) = x_n, \quad
    \hat x_{n+1} = u(1),

with hypernetwork h (`DiscoHypernetwork`), its mean over all tokens z, generator g, and the U-Net f (`DiscoOperator`).
The generator is an MLP with one linear head for the weights of 1x1 convolutions, one for the first and last layer,
which depend on the fields, and one for all others. With hidden width r, θ before its squashing is ``θ_0 + U v`` with v
of r numbers: a small r makes a low-rank generator.

The parameters have the names and shapes of RudyMorel/DISCO.

Source: Morel, Han, Oyallon, DISCO, 2025, https://arxiv.org/abs/2504.19496.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import PhysrepError
from .disco_hypernetwork import DiscoHypernetwork, standardise_over
from .disco_operator import DiscoOperator
from .integrate import FIXED_STEP, integrate, integrate_adaptive
from .precision import full_precision


class Disco(nn.Module):
    """Hypernetwork, generator and operator.

    Args:
        hypernetwork: tokens from clips.
        dim: dimension of its tokens.
        operator: the U-Net.
        hidden: width of the generator.
        dataset: name in the keys of what depends on the fields.
        solver: ``bosh3``, adaptive with a smallest step, or a method with fixed steps (`FIXED_STEP`).
        steps: the smallest step of ``bosh3`` is 1 / steps; or the number of equal steps.
        rtol, atol: tolerances of ``bosh3``.
        adjoint: differentiate ``bosh3`` by the adjoint equation, whose memory does not grow with the steps.
    """

    theta_norm: Tensor

    def __init__(
        self,
        hypernetwork: DiscoHypernetwork,
        dim: int,
        operator: DiscoOperator,
        hidden: int = 768,
        dataset: str = "data",
        solver: str = "bosh3",
        steps: int = 32,
        rtol: float = 5e-6,
        atol: float = 1e-9,
        adjoint: bool = False,
    ) -> None:
        super().__init__()
        if solver != "bosh3" and solver not in FIXED_STEP:
            raise PhysrepError(f"disco: solver is {solver!r}; give bosh3, {', '.join(FIXED_STEP)}.")
        if adjoint and solver != "bosh3":
            raise PhysrepError("disco: adjoint goes with solver bosh3 alone.")
        if steps < 1 or hidden < 1:
            raise PhysrepError(f"disco: steps {steps} and the generator's width {hidden} must be positive.")
        self.operator, self.dataset = operator, dataset
        self.solver, self.steps, self.rtol, self.atol, self.adjoint = solver, steps, rtol, atol, adjoint
        self.hpnn = hypernetwork
        self.param_gen_common = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())
        self.kinds = {name: _kind(name, shape) for name, shape in operator.shapes.items()}
        counts = [0, 0, 0]
        for name, shape in operator.shapes.items():
            counts[self.kinds[name]] += math.prod(shape)
        self.param_gen_adim = nn.Linear(hidden, counts[0])
        self.param_gen_dim = nn.ModuleDict({"2": nn.Linear(hidden, counts[1])})
        self.param_gen_channels = nn.ModuleDict({dataset: nn.Linear(hidden, counts[2])})
        self.register_buffer(f"theta_norm_{dataset}", operator.scales())

    def tokens(self, x: Tensor, labels: Tensor) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of clips ``(B, C, T, H, W)``."""
        return self.hpnn(standardise_over(x, (2, 3, 4))[0], labels).flatten(1, 3)

    def theta(self, z: Tensor) -> Tensor:
        """Weights with shape ``(B, size)`` from latents ``(B, D)``, bounded at twice their scale."""
        common = self.param_gen_common(z)
        parts = [self.param_gen_adim(common), self.param_gen_dim["2"](common)]
        parts.append(self.param_gen_channels[self.dataset](common))
        pieces, used = [], [0, 0, 0]
        for name, shape in self.operator.shapes.items():
            kind, count = self.kinds[name], math.prod(shape)
            pieces.append(parts[kind][:, used[kind] : used[kind] + count])
            used[kind] += count
        scale = getattr(self, f"theta_norm_{self.dataset}")
        raw = torch.cat(pieces, dim=1) * scale / scale.square().mean().sqrt()
        return scale * 2 * (2 * torch.sigmoid(raw / scale) - 1)

    def advance(self, theta: Tensor, frame: Tensor) -> Tensor:
        """The next frame with shape ``(B, C, H, W)``; the operator sees each clip and channel standardised."""
        u, mean, std = standardise_over(frame, (2, 3))
        if self.solver == "bosh3":
            u = integrate_adaptive(self.operator, theta, u, 1 / self.steps, self.rtol, self.atol, "bosh3", self.adjoint)
        else:
            u = integrate(lambda state: self.operator(theta, state), u, 1, self.solver, self.steps)[0]
        return u * std + mean

    def forward(self, x: Tensor, labels: Tensor, units: bool = True) -> Tensor:
        """The frame after ``x`` with shape ``(B, C, H, W)``.

        Args:
            x: fields with shape ``(B, C, T, H, W)``.
            labels: state of each channel.
            units: in units of ``x``, else of the clip standardised over time and space.
        """
        standard, mean, std = standardise_over(x, (2, 3, 4))
        z = self.hpnn(standard, labels).mean((1, 2, 3))
        # Generated weights and solver need their digits: no half precision from here on.
        with full_precision(x.device):
            frame = self.advance(self.theta(z.to(x.dtype)), standard[:, :, -1])
            return frame * std[:, :, 0] + mean[:, :, 0] if units else frame


def _kind(name: str, shape: tuple[int, ...]) -> int:
    """Which head makes a weight: 0 for 1x1 convolutions, 2 for what depends on the fields, 1 for the others."""
    if name.startswith("adapter"):
        return 2
    return 0 if shape[-1] == 1 else 1
