r"""The encoder of scOT, the scalable operator transformer of Poseidon, under the names of its published weights.

One frame ``(B, C, S, S)`` becomes patches, whose tokens pass through L stages of shifted-window attention; between two
stages 2 x 2 neighbours are joined and the width doubles. A block is

    y = x + N(attention(x), t),      z = y + N(MLP(y), t),

with the norm after the layer, as in Swin v2, and a layer norm N whose scale and shift are linear in the lead time t of
a prediction. Attention compares directions: scores are τ cos(q, k) + 16 σ(MLP(Δ)), τ at most 100 and Δ the relative
place on a logarithmic scale. A stage adds what it was given to what its blocks made of it before it joins neighbours.

Sources: Herde et al., Poseidon: Efficient foundation models for PDEs, 2024, https://arxiv.org/abs/2405.19101;
Liu et al., Swin transformer v2, 2022, https://arxiv.org/abs/2111.09883.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .windows import cut_windows, join_windows, place_bias, windows

LARGEST_SCALE = 100.0
"""τ is cut here."""


class TimeNorm(nn.Module):
    """Layer norm with scale and shift linear in the lead time."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Linear(1, dim), nn.Linear(1, dim)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """``(B, ..., D)`` at lead times ``(B,)``."""
        places = (len(x), *(1,) * (x.ndim - 2), -1)
        time = time.view(-1, 1).to(x)
        return F.layer_norm(x, x.shape[-1:]) * self.weight(time).view(places) + self.bias(time).view(places)


class CosineAttention(nn.Module):
    """Attention of Swin v2 among the tokens of a window; heads from ``logit_scale``."""

    def __init__(self, dim: int, heads: int, hidden: int = 512) -> None:
        super().__init__()
        self.heads = heads
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones(heads, 1, 1)))
        self.continuous_position_bias_mlp = nn.Sequential(
            nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, heads, bias=False)
        )
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim)

    def forward(self, x: Tensor, side: int, blocked: Tensor | None) -> Tensor:
        """Windows ``(B, windows, side², D)``; ``blocked`` ``(windows, side², side²)`` is added to the scores."""
        q, k, v = (
            layer(x).unflatten(3, (self.heads, -1)).transpose(2, 3) for layer in (self.query, self.key, self.value)
        )
        scale = self.logit_scale.clamp(max=math.log(LARGEST_SCALE)).exp()
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * scale
        scores = scores + place_bias(self.continuous_position_bias_mlp, side, self.logit_scale)
        if blocked is not None:
            scores = scores + blocked.unsqueeze(1)
        return (scores.softmax(-1) @ v).transpose(2, 3).flatten(3)


class ScOTLayer(nn.Module):
    """One layer of a stage; odd ones see windows that are shifted by half their side."""

    def __init__(self, dim: int, heads: int, hidden: int, odd: bool) -> None:
        super().__init__()
        self.odd = odd
        self.attention = nn.ModuleDict(
            {"self": CosineAttention(dim, heads), "output": nn.ModuleDict({"dense": nn.Linear(dim, dim)})}
        )
        self.layernorm_before, self.layernorm_after = TimeNorm(dim), TimeNorm(dim)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dim, hidden)})
        self.output = nn.ModuleDict({"dense": nn.Linear(hidden, dim)})

    def forward(self, x: Tensor, time: Tensor, window: int) -> Tensor:
        """Tokens ``(B, S, S, D)``."""
        points = x.shape[1]
        side = min(window, points)
        if points % side:
            raise PhysrepError(f"scOT: {points} tokens per axis are no multiple of the window of {side}.")
        shift = side // 2 if self.odd and points > side else 0
        y = torch.roll(x, (-shift, -shift), (1, 2)) if shift else x
        barred = cut_windows(points, points, side, shift, x) if shift else None
        y = self.attention["self"](windows(y, side), side, barred)
        y = join_windows(self.attention["output"]["dense"](y), points, side)  # pyright: ignore[reportIndexIssue]
        y = torch.roll(y, (shift, shift), (1, 2)) if shift else y
        x = x + self.layernorm_before(y, time)
        return x + self.layernorm_after(self.output["dense"](F.gelu(self.intermediate["dense"](x))), time)


class Merging(nn.Module):
    """Four neighbours to one token of twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reduction, self.norm = nn.Linear(4 * dim, 2 * dim, bias=False), TimeNorm(2 * dim)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """``(B, S, S, D)`` to ``(B, S/2, S/2, 2D)``; the first axis of a square runs fastest."""
        four = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        return self.norm(self.reduction(four), time)


class Stage(nn.Module):
    def __init__(self, dim: int, depth: int, heads: int, hidden: int, last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ScOTLayer(dim, heads, hidden, odd=bool(i % 2)) for i in range(depth))
        self.downsample = None if last else Merging(dim)


class ScOTEncoder(nn.Module):
    """Patches, stages, and the tokens of the last of them.

    Args:
        in_channels: C.
        embed_dim: width of the first stage.
        depths, heads: blocks and heads of every stage.
        patch: points along an axis of a patch.
        window: tokens along an axis of a window, at most; the published models have 16.
        mlp_ratio: hidden width of the MLPs by that of the tokens.
    """

    def __init__(
        self, in_channels: int, embed_dim: int, depths: Sequence[int], heads: Sequence[int], patch: int, window: int,
        mlp_ratio: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.window, self.reduction = patch, window, patch * 2 ** (len(depths) - 1)
        self.embed_dim = embed_dim * 2 ** (len(depths) - 1)
        self.embeddings = nn.ModuleDict(
            {
                "patch_embeddings": nn.ModuleDict({"projection": nn.Conv2d(in_channels, embed_dim, patch, patch)}),
                "norm": TimeNorm(embed_dim),
            }
        )
        stages = []
        for i, (depth, head) in enumerate(zip(depths, heads, strict=True)):
            width = embed_dim * 2**i
            stages.append(Stage(width, depth, head, int(mlp_ratio * width), last=i == len(depths) - 1))
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(stages)})

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Tokens ``(B, s, s, D)`` of frames ``(B, C, S, S)`` at lead times ``(B,)``, s = S / `reduction`.

        Raises:
            PhysrepError: frames that are not square, or no multiple of `reduction`.
        """
        if x.shape[2] != x.shape[3] or x.shape[2] % self.reduction:
            raise PhysrepError(
                f"scOT: frames have {x.shape[2]} x {x.shape[3]} points; it reads squares of a multiple of "
                f"{self.reduction}."
            )
        projection = self.embeddings["patch_embeddings"]["projection"]  # pyright: ignore[reportIndexIssue]
        tokens = self.embeddings["norm"](projection(x).movedim(1, -1), time)
        for stage in self.encoder["layers"]:  # pyright: ignore[reportGeneralTypeIssues]
            given = tokens
            for block in stage.blocks:
                tokens = block(tokens, time, self.window)
            if stage.downsample is not None:
                tokens = stage.downsample(tokens + given, time)
        return tokens
