r"""DISCO as published: a hypernetwork names the operator that carries the last frame of a window to the next.

.. math::
    L = \tfrac12 \left\langle \log s^2 + \frac{(\hat x_{n+1} - x_{n+1})^2}{s^2} \right\rangle,
    \qquad s^2 = \mathrm{Var}_{space}(x_{n+1}) + 10^{-7},

per clip and channel, with the target in units of its window (standardised over time and space). `Disco` states the
model. What is probed is the latent z, one token per clip: the mean of the hypernetwork's tokens.

z never depends on the other clips of a batch. The predicted frame does, a little, with the published solver: it takes
one step size for the whole batch. `OperatorLearner` is the same objective on any encoder, at a laptop's cost.

Source: "DISCO: learning to DISCover an evolution Operator for multi-physics-agnostic prediction", Morel, Han, Oyallon,
2025, https://arxiv.org/abs/2504.19496, in the form of RudyMorel/DISCO.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError, nearest
from ..nn.disco import Disco
from ..nn.disco_hypernetwork import DiscoHypernetwork
from ..nn.disco_operator import DiscoOperator
from ..nn.planes import check_periodic
from .base import Learner

SIZES: dict[str, dict[str, int]] = {
    "official": {"dim": 384, "blocks": 12, "hidden": 768, "steps": 32},
    "standard": {"dim": 192, "blocks": 4, "hidden": 32, "steps": 8},
    "light": {"dim": 96, "blocks": 2, "hidden": 16, "steps": 2},
}
"""Width and blocks of the hypernetwork, width of the generator (the rank of the weights), smallest step 1 / steps."""

STATES = 29
WELL_STATES: dict[str, int] = {
    name: i
    for i, name in enumerate(
        ("density", "energy", "pressure", "momentum_x", "momentum_y", "tracer", "velocity_x", "velocity_y",
         "concentration", "D_xx", "D_xy", "D_yx", "D_yy", "A", "B", "pressure_re", "pressure_im", "buoyancy")
    )
} | {"temperature": 21, "E_xx": 25, "E_xy": 26, "E_yx": 27, "E_yy": 28}  # fmt: skip
"""Column of each channel of The Well's 2D data in the published input map; 18 to 20 and 22 to 24 are of 3D data."""


class DISCO(Learner):
    """Hypernetwork, parameter generator and U-Net operator.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold one more.
        size: ``"official"``, ``"standard"`` or ``"light"``, see `SIZES`.
        dim, blocks, hidden, steps: in place of the size's; 0 keeps that.
        heads, patch, groups, layer_scale, drop_path: see `DiscoHypernetwork`.
        periodic: whether both axes are periodic, which decides on padding and on the channel that marks edges.
        start, depth: channels and halvings of the operator, see `DiscoOperator`.
        solver, rtol, atol, adjoint: see `Disco`.
        vocabulary: ``"own"``, one input column per channel of the data, or ``"well"``, the published 29 columns by
            name (`WELL_STATES`).
        labels: column by channel name, added to those of `WELL_STATES`; for ``vocabulary: well``.
        dataset: name of the data in the keys of the weights.
        tokens: what `encode` returns: ``"latent"``, z as the only token, as the paper probes, or ``"all"`` tokens of
            the hypernetwork.
    """

    label = "DISCO"
    space_axes = (2,)
    colour = "#8a3fa0"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        size: Literal["official", "standard", "light"] = "official",
        dim: int = 0,
        blocks: int = 0,
        hidden: int = 0,
        steps: int = 0,
        heads: int = 6,
        patch: int = 16,
        groups: int = 12,
        layer_scale: float = 1e-6,
        drop_path: float = 0.1,
        periodic: bool = True,
        start: int = 8,
        depth: int = 4,
        solver: str = "bosh3",
        rtol: float = 5e-6,
        atol: float = 1e-9,
        adjoint: bool = False,
        vocabulary: Literal["own", "well"] = "own",
        labels: Mapping[str, int] | None = None,
        dataset: str = "data",
        tokens: Literal["latent", "all"] = "latent",
    ) -> None:
        super().__init__(in_channels, num_frames, num_frames + 1)
        for option, value, known in (
            ("size", size, tuple(SIZES)),
            ("vocabulary", vocabulary, ("own", "well")),
            ("tokens", tokens, ("latent", "all")),
        ):
            if value not in known:
                raise PhysrepError(f"disco: {option} is {value!r}; give one of {', '.join(known)}.")
        if labels and vocabulary == "own":
            raise PhysrepError("disco: labels name columns of the published input map; set vocabulary: well.")
        wrong = [name for name, column in (labels or {}).items() if not 0 <= column < STATES]
        if wrong:
            raise PhysrepError(f"disco: the label of {wrong[0]!r} is no column from 0 to {STATES - 1}.")
        chosen = {"dim": dim, "blocks": blocks, "hidden": hidden, "steps": steps}
        sizes = SIZES[size] | {key: value for key, value in chosen.items() if value}
        self.periodic, self.vocabulary, self.tokens = periodic, vocabulary, tokens
        self.columns = WELL_STATES | dict(labels or {})
        self.embed_dim = sizes["dim"]
        states = in_channels if vocabulary == "own" else STATES
        hypernetwork = DiscoHypernetwork(
            states, sizes["dim"], sizes["blocks"], heads, patch, groups, layer_scale, drop_path
        )
        operator = DiscoOperator(in_channels, periodic, start, depth)
        self.model = Disco(
            hypernetwork, sizes["dim"], operator, sizes["hidden"], dataset, solver, sizes["steps"], rtol, atol, adjoint
        )

    def labels(self, channels: Sequence[str]) -> list[int]:
        """Column of each channel in the input map.

        Raises:
            PhysrepError: the published vocabulary has no such channel.
        """
        if self.vocabulary == "own":
            return list(range(self.in_channels))
        for name in channels:
            if name not in self.columns:
                raise PhysrepError(
                    f"disco: the published vocabulary has no channel {name!r}; {nearest(name, list(self.columns))} "
                    f"Name its column in labels, e.g. labels: {{{name}: 5}}, or train from scratch (vocabulary: own)."
                )
        return [self.columns[name] for name in channels]

    def encode(self, clip: Clip) -> Tensor:
        """The latent z with shape ``(B, 1, D)``, or all tokens ``(B, T h w, D)``, of clips of `num_frames` frames."""
        tokens = self.model.tokens(self.fields(clip, self.num_frames), self._labels(clip))
        return tokens if self.tokens == "all" else tokens.mean(1, keepdim=True)

    def predict(self, clip: Clip) -> Tensor:
        """The normalised fields of the next frame with shape ``(B, C, H, W)``, of clips of `num_frames` frames."""
        self._check_edges(clip)
        return self.model(self.fields(clip, self.num_frames), self._labels(clip))

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Loss for clips of ``num_frames + 1`` frames.

        Returns:
            Scalars ``loss``; and without gradient ``relative_error``, the summed squared error over that of repeating
            the last frame (1: nothing is predicted).
        """
        self._check_edges(clip)
        x = self.fields(clip, self.train_frames).float()
        past, target = x[:, :, :-1], x[:, :, -1]
        std, mean = past.std((2, 3, 4)) + 1e-7, past.mean((2, 3, 4))
        target, last = ((frame - mean[..., None, None]) / std[..., None, None] for frame in (target, past[:, :, -1]))
        prediction = self.model(past, self._labels(clip), units=False).float()
        variance = target.var((2, 3)) + 1e-7
        error = (prediction - target).square().mean((2, 3))
        change = (last - target).square().mean((2, 3))
        return {
            "loss": 0.5 * (variance.log() + error / variance).mean(),
            "relative_error": error.detach().sum() / change.sum().clamp_min(1e-7),
        }

    def _labels(self, clip: Clip) -> Tensor:
        return torch.tensor(self.labels(self.channels or clip.channels), device=clip.fields.device)

    def _check_edges(self, clip: Clip) -> None:
        if self.periodic and not all(check_periodic(clip.periodic)):
            raise PhysrepError("disco: the data have walls, the operator is periodic; set periodic: false.")
