r"""Any encoder, told the time step and the spacing of its clips by scales and shifts (FiLM).

With u = (log dt / dt₀, log dx_a / dx₀_a), a small network m = m(u) and a linear map per place l,

.. math::
    h_l \to (1 + s_l(m)) \, h_l + b_l(m),

at the fields that the encoder is given, behind every normalisation of torch that it calls (group, layer, batch and
instance norms), and at its tokens, channel by channel. All s and b begin at 0: the encoder then is what it was without.
dt₀ and dx₀ are those of the first training clip and are stored with the weights.

Source: Perez et al., FiLM: visual reasoning with a general conditioning layer, 2018, https://arxiv.org/abs/1709.07871.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..errors import PhysrepError

LAST = (nn.LayerNorm,)
SECOND = (
    nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)  # fmt: skip
"""Norms by the axis that their channels are on."""


class Told:
    """What a module was told for the next clips; an object of its own, so that it is no setting of the module."""

    value: Tensor | None = None


class Film(nn.Module):
    """Scale and shift of the channels on one axis.

    Args:
        width: of the conditioning network's output.
        channels: how many are scaled and shifted.
        axis: of the channels, 1 or -1.
    """

    def __init__(self, width: int, channels: int, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.head = nn.Linear(width, 2 * channels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.code = Told()

    def forward(self, x: Tensor) -> Tensor:
        """``x`` with the channels scaled and shifted for the present code."""
        if self.code.value is None:
            return x
        factors = self.head(self.code.value).to(x.dtype)
        if len(factors) not in (1, len(x)):
            # Frames that were folded into the batch belong to the sample that they came from.
            factors = factors.repeat_interleave(len(x) // len(factors), 0)
        scale, shift = factors.chunk(2, 1)
        shape = [len(factors), *[1] * (x.dim() - 1)]
        shape[self.axis] = scale.shape[1]
        return x * (1 + scale.view(shape)) + shift.view(shape)

    def behind(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        """The same as a forward hook."""
        return self(output)


class ConditionedEncoder(nn.Module):
    """An encoder that is told time step and spacing; what else it states is the encoder's own.

    Args:
        encoder: from fields ``(B, C, T, *S)`` to tokens ``(B, N, D)``.
        in_channels: number of field components C.
        embed_dim: D.
        hidden: width of the conditioning network.
    """

    reference: Tensor

    def __init__(self, encoder: nn.Module, in_channels: int, embed_dim: int, hidden: int = 32) -> None:
        super().__init__()
        self.encoder, self.embed_dim = encoder, embed_dim
        axes = int(getattr(encoder, "space_axes", 2))
        self.network = nn.Sequential(nn.Linear(1 + axes, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.first, self.last = Film(hidden, in_channels, 1), Film(hidden, embed_dim, -1)
        films = []
        for module in encoder.modules():
            if isinstance(module, (*LAST, *SECOND)):
                axis = -1 if isinstance(module, LAST) else 1
                films.append(Film(hidden, _channels(module), axis))
                module.register_forward_hook(films[-1].behind)
        self.films = nn.ModuleList(films)
        self.register_buffer("reference", torch.full((1 + axes,), torch.nan, dtype=torch.float64))
        self.units = Told()

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("encoder"), name)

    def set_units(self, dt: float | Sequence[float], dx: Sequence[float]) -> None:
        """Time step and spacing of the clips that come next.

        Args:
            dt: time between frames, of all clips or of each.
            dx: spacing per axis.

        Raises:
            PhysrepError: another number of axes than the encoder's, or a step that is not positive.
        """
        steps = [float(dt)] if isinstance(dt, int | float) else [float(one) for one in dt]
        rows = torch.tensor([[one, *map(float, dx)] for one in steps], dtype=torch.float64)
        if rows.shape[1] != len(self.reference) or not bool((rows > 0).all()):
            raise PhysrepError(
                f"conditioned encoder: dt {dt} and dx {list(dx)} must be positive, with {len(self.reference) - 1} axes."
            )
        if self.reference.is_meta:
            return  # only costs are counted there
        rows = rows.to(self.reference.device)
        if bool(self.reference.isnan().any()):
            if not self.training:
                return  # never trained: all scales and shifts are 0
            self.reference = rows[0].clone()
        self.units.value = (rows / self.reference).log()

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of clips whose time step and spacing `set_units` told; without it those of the reference."""
        told = self.units.value
        units = torch.zeros(1, len(self.reference)) if told is None else told
        if len(units) not in (1, len(x)):
            raise PhysrepError(f"conditioned encoder: time steps of {len(units)} clips were told, but {len(x)} came.")
        code = self.network(units.to(x.device, next(self.network.parameters()).dtype))
        films = cast("list[Film]", [self.first, *self.films, self.last])
        for film in films:
            film.code.value = code
        try:
            return self.last(self.encoder(self.first(x)))
        finally:
            for film in films:
                film.code.value = None  # a graph that is kept would be copied with the module


def _channels(norm: nn.Module) -> int:
    if isinstance(norm, nn.LayerNorm):
        return int(norm.normalized_shape[-1])
    return int(getattr(norm, "num_channels", 0) or getattr(norm, "num_features", 0))
