r"""Operator discovery: the encoding of a window must say how the fields evolve, since their state is given away free.

With encoder f, the latent z is the mean token of a window; a generator g turns it into the modulation of a small
convolutional operator F, which carries one frame to the next:

.. math::
    z = \overline{f(x_{1..n})}, \qquad \dot u = F(u; g(z)), \quad u(0) = x_n, \qquad
    L = \tfrac12 \left\langle \frac{\overline{(u(1) - x_{n+1})^2}}{s^2 + \epsilon} \right\rangle,

with means over space above the bar, and over clips and channels outside. Up to a constant this is the Gaussian
negative log likelihood with variance s²: the spatial variance of the target (``scale: field``, as published), or its
mean squared change from the last frame (``scale: change``), for which repeating the last frame costs 1/2 on every clip
and channel, slow or fast. Time is in frames, so z also depends on the time step of the data.

The state enters through u(0). What z can add is what the state does not tell: coefficients of the equations. With
``target: random`` z comes from another window of the same trajectory than the one that is advanced, so that nothing but
what is constant along the trajectory can help.

This is the objective of DISCO with any encoder and a modulated operator in place of generated weights, for comparisons
in which the objective alone differs; `DISCO` is the published model.

Source: "DISCO: learning to DISCover an evolution Operator for multi-physics-agnostic prediction", Morel, Han, Oyallon,
2025, https://arxiv.org/abs/2504.19496.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.integrate import FIXED_STEP, integrate
from ..nn.modulated_operator import ModulatedOperator
from ..nn.precision import full_precision
from .base import Learner
from .build_encoder import build_encoder, check_encoding, embedding_dimension


class OperatorLearner(Learner):
    """Encoder, generator and modulated operator.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        latent: width of z, a linear map of the mean token; 0 takes the mean token itself, as published.
        tokens: what `encode` returns: ``"all"`` tokens of the encoder, like the other learners, or ``"latent"``, z as
            the only token, which is what the paper probes. The first hold the second: z is a linear map of their mean.
        hidden: hidden width of the generator, an MLP.
        width, levels: see `ModulatedOperator`.
        horizon: frames to predict, one after the other.
        method, steps: solver and its steps per frame, see `integrate`.
        scale: ``"change"`` or ``"field"``, what errors are measured against.
        floor: ε, in squared standard deviations of the fields.
        target: ``"next"``, predict the frames that follow the window; ``"random"``, the last frames of another window.
    """

    label = "Operator"
    colour = "#c07be0"
    norm: float = 0.0
    """Weight of the squared rate of the operator in the loss, for subclasses that are given a part of the rate."""
    search_space: ClassVar[dict[str, Any]] = {"target": ["next", "random"], "width": [8, 16, 32]}

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        latent: int = 0,
        tokens: Literal["all", "latent"] = "all",
        hidden: int = 128,
        width: int = 32,
        levels: int = 1,
        horizon: int = 1,
        method: str = "rk4",
        steps: int = 1,
        scale: Literal["change", "field"] = "change",
        floor: float = 1e-5,
        target: Literal["next", "random"] = "next",
    ) -> None:
        for option, value, known in (
            ("tokens", tokens, ("all", "latent")),
            ("scale", scale, ("change", "field")),
            ("target", target, ("next", "random")),
            ("method", method, tuple(FIXED_STEP)),
        ):
            if value not in known:
                raise PhysrepError(f"operator: {option} is {value!r}; give one of {', '.join(known)}.")
        if horizon < 1 or (target == "random" and horizon >= num_frames):
            raise PhysrepError(f"operator: horizon {horizon} with {num_frames} frames; give 1 to num_frames - 1.")
        if steps < 1 or not floor > 0:
            raise PhysrepError(f"operator: steps {steps} and floor {floor} must be positive.")
        super().__init__(in_channels, num_frames, 2 * num_frames if target == "random" else num_frames + horizon)
        self.tokens, self.scale, self.floor, self.target = tokens, scale, floor, target
        self.horizon, self.method, self.steps = horizon, method, steps
        self.encoder = build_encoder(encoder, in_channels, num_frames, encoder_options)
        token_dim = embedding_dimension(self.encoder, in_channels, num_frames)
        self.bottleneck = nn.Linear(token_dim, latent) if latent else nn.Identity()
        latent_dim = latent or token_dim
        self.embed_dim = latent_dim if tokens == "latent" else token_dim
        self.operator = ModulatedOperator(in_channels, width, levels, getattr(self.encoder, "space_axes", 2))
        self.generator = nn.Sequential(
            nn.LayerNorm(latent_dim),
            nn.Linear(latent_dim, hidden),
            nn.GELU(),
            nn.Linear(hidden, self.operator.modulation_dim),
        )

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of clips of `num_frames` frames; ``(B, 1, D)`` for ``tokens: latent``."""
        tokens = self._tokens(self.fields(clip, self.num_frames))
        return self.latent(tokens).unsqueeze(1) if self.tokens == "latent" else tokens

    def latent(self, tokens: Tensor) -> Tensor:
        """z with shape ``(B, latent)`` from tokens ``(B, N, D)``."""
        return self.bottleneck(tokens.mean(1))

    def given(self, clip: Clip) -> Callable[[Tensor], Tensor] | None:
        """A part of the rate of normalised fields per frame that is not learned; here none."""
        return None

    def predict(
        self, z: Tensor, u: Tensor, periodic: Sequence[bool], given: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """The `horizon` frames after ``u``, with shape ``(B, C, horizon, *S)``.

        Args:
            z: latents with shape ``(B, latent)``.
            u: normalised fields of one frame with shape ``(B, C, *S)``.
            periodic: whether each axis of space is periodic.
            given: see the method `given`.
        """
        modulation = self.generator(z)

        def rate(state: Tensor) -> Tensor:
            learned = self.operator(state, modulation, periodic)
            return learned if given is None else learned + given(state)

        return integrate(rate, u, self.horizon, self.method, self.steps).movedim(0, 2)

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Loss for clips of `train_frames` frames.

        Returns:
            Scalars ``loss``; and without gradient ``relative_error``, the summed squared error over that of repeating
            the last frame (1: nothing is predicted), and ``feature_std``, the standard deviation of z over the clips,
            averaged over its channels (0: it tells nothing). With `norm`, ``learned_share``, the squared rate of the
            operator over the squared change.
        """
        x = self.fields(clip, self.train_frames)
        z = self.latent(self._tokens(x[:, :, : self.num_frames]))
        start, target = x[:, :, -1 - self.horizon], x[:, :, -self.horizon :]
        prediction = self.predict(z, start, clip.periodic, self.given(clip))
        with full_precision(x.device):
            prediction, target, start = (v.to(torch.promote_types(v.dtype, torch.float32)) for v in (
                prediction, target, start))  # fmt: skip
            space = tuple(range(3, x.dim()))
            error = (prediction - target).square().mean(space)
            change = (target - start.unsqueeze(2)).square().mean(space)
            size = change if self.scale == "change" else target.var(space, correction=0)
            loss = 0.5 * (error / (size + self.floor)).mean()
        small: dict[str, Tensor] = {}
        if self.norm:
            learned = self.operator(start, self.generator(z), clip.periodic).float().square()
            share = (learned.flatten(2).mean(2) / (change[:, :, 0] + self.floor)).mean()
            loss, small = loss + self.norm * share, {"learned_share": share.detach()}
        z = z.detach().float()
        return {
            "loss": loss,
            **small,
            "relative_error": error.detach().sum() / change.sum().clamp_min(self.floor),
            "feature_std": z.std(0, correction=0).mean(),
        }

    def _tokens(self, x: Tensor) -> Tensor:
        return check_encoding(self.encoder(x), self.encoder, x.shape[0])
