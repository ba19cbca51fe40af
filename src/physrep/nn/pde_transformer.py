r"""The encoder of PDE-Transformer, variant of separate channels, under the names of its published weights.

Every channel of a frame becomes patches of its own. Levels of blocks follow, between which 2 x 2 neighbours are joined
and the width doubles; the last is the bottleneck. A block attends within shifted windows of one channel, then among the
channels at one place, then has an MLP, each with a layer norm whose scale and shift, and a gate, follow from a
condition c of the channel:

    x ← x + (1 + g₁) attention_space((1 + s₁) N₁(x) + b₁),    likewise attention_channels, MLP,
    (b, s, g) of all three = W silu(c),    c = MLP(sinusoids of 0) + e_type + e_pde + e_task.

Attention compares directions: scores are τ cos(q, k), over space with the bias of relative places
(`physrep.nn.windows`). In the published code the embeddings of time, time step and parameters are multiplied by zero;
they are left out, as are the decoder and the last layer.

Sources: Holzschuh et al., PDE-Transformer: Efficient and versatile transformers for physics simulations, 2025,
https://arxiv.org/abs/2505.24717; layout: tum-pbs/pde-transformer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .windows import cut_windows, join_windows, place_bias, windows

LARGEST_LOG_SCALE = 4.6052
"""log τ is cut here."""
SINUSOIDS = 256
"""Numbers of the diffusion time, which is zero: half cosines, half sines."""


def _scores(q: Tensor, k: Tensor, logit_scale: Tensor) -> Tensor:
    scale = logit_scale.clamp(max=LARGEST_LOG_SCALE).exp()
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * scale


def _heads(x: Tensor, heads: int) -> list[Tensor]:
    """``(..., S, 3D)`` to queries, keys and values ``(..., heads, S, D / heads)``."""
    return [part.unflatten(-1, (heads, -1)).transpose(-3, -2) for part in x.chunk(3, -1)]


class WindowAttention(nn.Module):
    """Among the tokens of a window."""

    def __init__(self, dim: int, heads: int, hidden: int = 512) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones(heads, 1, 1)))
        mlp = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, heads, bias=False))
        self.pos_emb_funct = nn.ModuleDict({"cpb_mlp": mlp})

    def forward(self, x: Tensor, side: int, barred: Tensor | None) -> Tensor:
        """Windows ``(N, windows, side², D)``; ``barred`` ``(windows, side², side²)`` is added to the scores."""
        q, k, v = _heads(self.qkv(x), len(self.logit_scale))
        mlp = self.pos_emb_funct["cpb_mlp"]
        scores = _scores(q, k, self.logit_scale) + place_bias(mlp, side, self.logit_scale)
        if barred is not None:
            scores = scores + barred.unsqueeze(1)
        return (scores.softmax(-1) @ v).transpose(-3, -2).flatten(-2)


class ChannelAttention(nn.Module):
    """Among the channels at one place."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones(heads, 1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C, D)``, of the same shape."""
        q, k, v = _heads(self.to_qkv(x), len(self.logit_scale))
        return (_scores(q, k, self.logit_scale).softmax(-1) @ v).transpose(-3, -2).flatten(-2)


class PDEBlock(nn.Module):
    """Space, channels, MLP; odd blocks of a level see windows that are shifted by half their side."""

    def __init__(self, dim: int, heads: int, hidden: int, odd: bool) -> None:
        super().__init__()
        self.odd = odd
        self.attn_spatial, self.attn_channel = WindowAttention(dim, heads), ChannelAttention(dim, heads)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, hidden), "fc2": nn.Linear(hidden, dim)})
        self.adain_2 = nn.ModuleDict({"linear": nn.Linear(dim, 9 * dim)})

    def forward(self, x: Tensor, condition: Tensor, side: int, around: bool) -> Tensor:
        """``(N, C, H, W, D)`` with conditions ``(C, D)``; ``around``: windows may cross the edges."""
        parts = self.adain_2["linear"](F.silu(condition)).unflatten(-1, (9, -1))[:, None, None].unbind(-2)
        x = x + (1 + parts[2]) * self._space(self.norm1(x) * (1 + parts[1]) + parts[0], side, around)
        y = (self.norm2(x) * (1 + parts[4]) + parts[3]).movedim(1, -2)
        x = x + (1 + parts[5]) * self.attn_channel(y).movedim(-2, 1)
        y = self.norm3(x) * (1 + parts[7]) + parts[6]
        return x + (1 + parts[8]) * self.mlp["fc2"](F.gelu(self.mlp["fc1"](y)))

    def _space(self, x: Tensor, side: int, around: bool) -> Tensor:
        count, (height, width) = len(x), x.shape[2:4]
        x, shift = x.flatten(0, 1), side // 2 if self.odd else 0
        x = torch.roll(x, (-shift, -shift), (1, 2)) if shift else x
        barred = cut_windows(height, width, side, shift, x) if shift and not around else None
        x = join_windows(self.attn_spatial(windows(x, side), side, barred), height, side)
        x = torch.roll(x, (shift, shift), (1, 2)) if shift else x
        return x.unflatten(0, (count, -1))


class Level(nn.Module):
    """Blocks of one width."""

    def __init__(self, dim: int, depth: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(PDEBlock(dim, heads, hidden, odd=bool(i % 2)) for i in range(depth))


class Embedder(nn.Module):
    """Rows of a table, one per label."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.embedding_table = nn.Embedding(rows, dim)


class PDETransformerEncoder(nn.Module):
    """Patches and levels.

    Args:
        steps: frames of an input; the last one is what would be predicted, and zero.
        dim: width of the first level.
        depths: blocks per level, the last one being the bottleneck.
        heads: of attention.
        patch: points along an axis of a patch.
        window: tokens along an axis of a window.
        mlp_ratio: hidden width of the MLPs by that of the tokens.
        types, pdes, tasks: rows of the tables of channel types, equations and tasks.
        level: levels whose blocks run, fewer than there are leaves the last out.
    """

    def __init__(
        self, steps: int, dim: int, depths: Sequence[int], heads: int, patch: int, window: int, mlp_ratio: float,
        types: int, pdes: int, tasks: int, level: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.count = level or len(depths)
        self.patch, self.window, self.types = patch, window, types
        self.reduction = patch * 2 ** (self.count - 1)
        self.embed_dim = dim * 2 ** (self.count - 1)
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(steps, dim, patch, patch)})
        for i, depth in enumerate(depths[: self.count]):
            width = dim * 2**i
            time = nn.Sequential(nn.Linear(SINUSOIDS, width), nn.SiLU(), nn.Linear(width, width))
            self.add_module(f"t_embedder_{i}", nn.ModuleDict({"mlp": time}))
            for name, rows in (("channel_type", types), ("pde_type", pdes), ("task", tasks)):
                self.add_module(f"{name}_embedder_{i}", Embedder(rows, width))
            name = "latent" if i == len(depths) - 1 else f"encoder_level_{i}"
            self.add_module(name, Level(width, depth, heads, int(mlp_ratio * width)))
            if i:
                body = nn.Sequential(nn.Conv2d(width // 2, width // 4, 3, padding=1, bias=False), nn.PixelUnshuffle(2))
                self.add_module(f"down{i - 1}_{i}", nn.ModuleDict({"body": body}))
        self.names = [f"encoder_level_{i}" for i in range(len(depths) - 1)] + ["latent"]
        self._initialise()

    def _initialise(self) -> None:
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if name.endswith("adain_2.linear"):
                nn.init.zeros_(module.weight)  # pyright: ignore[reportArgumentType]

    def condition(self, level: int, types: Tensor, pde: int) -> Tensor:
        """c of every channel, ``(C, D)``."""
        table = {name: getattr(self, f"{name}_embedder_{level}") for name in ("t", "channel_type", "pde_type", "task")}
        zero = types.new_zeros(SINUSOIDS, dtype=torch.float32)
        zero[: SINUSOIDS // 2] = 1
        fixed = table["t"]["mlp"](zero) + table["pde_type"].embedding_table.weight[pde]
        fixed = fixed + table["task"].embedding_table.weight[0]
        return fixed + table["channel_type"].embedding_table(types)

    def forward(self, x: Tensor, types: Tensor, pde: int, around: bool) -> Tensor:
        """Tokens ``(N, C, h, w, D)`` of inputs ``(N, C, steps, H, W)`` with channels of these types ``(C,)``.

        Args:
            x: H and W are multiples of the patch times the window times two to the number of levels but one.
            types: rows of the table of channel types.
            pde: row of the table of equations.
            around: whether windows may cross the edges.
        """
        count = len(x)
        frames = self.x_embedder["proj"](x.flatten(0, 1))
        for i, name in enumerate(self.names[: self.count]):
            if i:
                frames = getattr(self, f"down{i - 1}_{i}")["body"](frames)
            tokens, condition = frames.unflatten(0, (count, -1)).movedim(2, -1), self.condition(i, types, pde)
            for block in getattr(self, name).blocks:
                tokens = block(tokens, condition, self.window, around)
            frames = tokens.movedim(-1, 2).flatten(0, 1)
        return frames.unflatten(0, (count, -1)).movedim(2, -1)
