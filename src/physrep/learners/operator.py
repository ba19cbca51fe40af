r"""An operator per clip on any encoder: DISCO's objective in a light form, with the encoder left open.

The encoder reads a window and gives one vector z per clip; z modulates a small convolutional operator that is shared by
all clips, and the operator carries the last frame u on in time:

.. math::
    z = W \overline{f(x)}, \qquad \frac{du}{dt} = F_z(u), \quad u(0) = u_{last}, \qquad y = u(1),

with time in frames, and the loss is the relative error of y (see `frame_error`). The operator has the state already, so
z has room and reason only for what determines the dynamics. DISCO generates all weights of a U-Net from z, which takes
tens of millions of weights; here :math:`\theta = \theta_0 (1 + s(z))`: every channel of every layer is scaled and
shifted by linear functions of z. The operator is

.. math:: F_z(u) = C_3\,[\,m_2(C_2\,\mathrm{GELU}(m_1(C_1 u))) \oplus m_3(C_1 u)\,],

3x3 convolutions with the modulations m, where the second part is linear in u as diffusion and transport at a given
speed are. Periodic axes are padded around, walls by the edge value.

Source: "DISCO: learning to DISCover an evolution Operator", Morel, Han, Oyallon, 2025, https://arxiv.org/abs/2504.19496;
faithful form: `physrep.learners.DISCO`. Integration: torchdiffeq.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from .encoding import EncoderLearner
from .frame_error import Scale, check_scale, frame_error


class ModulatedOperator(nn.Module):
    """``F_z(u)`` of the module's docstring, for a batch of clips at once.

    Args:
        channels: components C of the state.
        latent: dimension of z.
        width: channels of the hidden layers.
    """

    def __init__(self, channels: int, latent: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Conv2d(channels, width, 3)
        self.second = nn.Conv2d(width, width, 3)
        self.last = nn.Conv2d(2 * width, channels, 1)
        # Starts near du/dt = 0, that is near persistence.
        nn.init.normal_(self.last.weight, std=1e-2)
        self.modulation = nn.Linear(latent, 6 * width)
        nn.init.zeros_(self.modulation.bias)

    def modulations(self, z: Tensor) -> tuple[Tensor, ...]:
        """Scales and shifts of the three modulated layers, each with shape ``(B, width, 1, 1)``."""
        return self.modulation(z)[..., None, None].chunk(6, dim=1)

    def forward(self, u: Tensor, modulations: Sequence[Tensor], periodic: Sequence[bool]) -> Tensor:
        """du/dt with the shape ``(B, C, H, W)`` of u."""
        scale1, shift1, scale2, shift2, scale3, shift3 = modulations
        linear = self.first(_pad(u, periodic))
        hidden = F.gelu(linear * (1 + scale1) + shift1)
        hidden = self.second(_pad(hidden, periodic)) * (1 + scale2) + shift2
        return self.last(torch.cat([F.gelu(hidden), linear * (1 + scale3) + shift3], 1))


def _pad(u: Tensor, periodic: Sequence[bool]) -> Tensor:
    for axis, around in enumerate(periodic):
        widths = [0, 0, 1, 1] if axis == 0 else [1, 1, 0, 0]
        u = F.pad(u, widths, mode="circular" if around else "replicate")
    return u


class OperatorLearner(EncoderLearner):
    """An encoder whose pooled tokens choose the operator that predicts the next frame.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold `horizon` more.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        latent: dimension of z.
        width: hidden channels of the operator.
        horizon: frames to predict; their errors are averaged.
        method: fixed-step method of torchdiffeq: ``euler``, ``midpoint``, ``rk4``.
        steps: steps per frame.
        error_scale: ``change`` (1 is persistence), ``variance`` (DISCO's) or ``square``.
        tokens: what `encode` gives: ``all`` tokens of the encoder, or the ``latent`` z alone, as one token.
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "vit3d",
        encoder_options: Mapping[str, Any] | None = None,
        latent: int = 64,
        width: int = 16,
        horizon: int = 1,
        method: str = "midpoint",
        steps: int = 1,
        error_scale: Scale = "change",
        tokens: Literal["all", "latent"] = "all",
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options, train_frames=num_frames + horizon)
        check_scale(error_scale, "operator")
        if tokens not in ("all", "latent"):
            raise PhysrepError(f"operator: tokens is {tokens!r}; give 'all' or 'latent'.")
        if method not in ("euler", "midpoint", "rk4"):
            raise PhysrepError(f"operator: method is {method!r}; give euler, midpoint or rk4.")
        if min(horizon, steps) < 1:
            raise PhysrepError(f"operator: horizon {horizon} and steps {steps} must be at least 1.")
        self.horizon, self.method, self.steps = horizon, method, steps
        self.error_scale, self.token_kind = error_scale, tokens
        self.to_latent = nn.Linear(self.embed_dim, latent)
        self.operator = ModulatedOperator(in_channels, latent, width)
        if tokens == "latent":
            self.embed_dim = latent

    def latent(self, x: Tensor) -> Tensor:
        """z with shape ``(B, latent)`` of normalised fields."""
        return self.to_latent(self.tokens(x).mean(1))

    def encode(self, clip: Clip) -> Tensor:
        """Tokens ``(B, N, D)`` of the encoder, or ``(B, 1, latent)``."""
        x = self.fields(clip, self.num_frames)
        return self.latent(x).unsqueeze(1) if self.token_kind == "latent" else self.tokens(x)

    def integrate(self, z: Tensor, start: Tensor, periodic: Sequence[bool]) -> Tensor:
        """The next `horizon` frames with shape ``(horizon, B, C, H, W)`` from the state `start` ``(B, C, H, W)``."""
        from torchdiffeq import odeint

        modulations = self.operator.modulations(z)
        times = torch.arange(self.horizon + 1, dtype=start.dtype, device=start.device)
        frames: Any = odeint(
            lambda _, u: self.operator(u, modulations, periodic),
            start,
            times,
            method=self.method,
            options={"step_size": 1 / self.steps},
        )
        return frames[1:]

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Relative error of the predicted frames, ``loss``, for clips of ``num_frames + horizon`` frames."""
        x = self.fields(clip, self.train_frames)
        n = self.num_frames
        last = x[:, :, n - 1]
        predicted = self.integrate(self.latent(x[:, :, :n]), last, clip.periodic)
        errors = [
            frame_error(frame, x[:, :, n + i], last, self.error_scale) for i, frame in enumerate(predicted.unbind(0))
        ]
        return {"loss": torch.stack(errors).mean()}
