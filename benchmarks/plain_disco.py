"""DISCO written plainly from its paper: torch.nn modules in the natural layout, an operator network per sample by vmap.

Clips are ``(B, T, C, H, W)`` so that frames are a batch of pictures; linear maps of channels are 1x1 convolutions, and
every axis is brought to the end for its attention. The operator is a U-Net with modules of its own, which
`torch.func.functional_call` gives the generated weights and `torch.func.vmap` one set per sample; torchdiffeq
integrates it. It takes the weights of `physrep.learners.DISCO` by name, so that both compute the same numbers.

Source: Morel, Han, Oyallon, DISCO, 2025, https://arxiv.org/abs/2504.19496.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torchdiffeq import odeint

from physrep.nn.disco_attention import BUCKETS, TIME_GROUPS, relative_bucket


def group_norm(groups: int, dim: int) -> nn.GroupNorm:
    """A group norm with a weight and no bias."""
    norm = nn.GroupNorm(groups, dim)
    norm.register_parameter("bias", None)
    return norm


class Bias(nn.Module):
    """A number for each head and relative position."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.relative_attention_bias = nn.Embedding(BUCKETS, heads)

    def forward(self, n: int) -> Tensor:
        """Shape ``(1, heads, n, n)``."""
        position = torch.arange(n, device=self.relative_attention_bias.weight.device)
        return self.relative_attention_bias(relative_bucket(position - position[:, None])).permute(2, 0, 1)[None]


def attend(x: Tensor, axis: int, heads: int, norms: tuple[nn.Module, nn.Module], bias: Bias) -> Tensor:
    """Attention along an axis (1, 3, 4) of ``(B, T, 3 D, H, W)``; of each head the channels are q, k, v."""
    x = x.unflatten(2, (heads, -1))  # B T heads 3d H W
    axis += axis > 2
    rest = [a for a in (0, 1, 4, 5) if a != axis]
    y = x.permute(*rest, 2, axis, 3)
    q, k, v = y.flatten(0, 2).chunk(3, dim=-1)
    z = F.scaled_dot_product_attention(norms[0](q), norms[1](k), v, attn_mask=bias(q.shape[2]))
    back = [[*rest, 2, axis, 3].index(a) for a in range(6)]
    return z.view(*y.shape[:-1], -1).permute(*back).flatten(2, 3)


def of_frames(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer for pictures on every frame of ``(B, T, D, H, W)``."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Time(nn.Module):
    """Attention of every point over time."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.gamma = nn.Parameter(torch.ones(dim))
        self.norm1, self.norm2 = group_norm(TIME_GROUPS, dim), group_norm(TIME_GROUPS, dim)
        self.input_head, self.output_head = nn.Conv2d(dim, 3 * dim, 1), nn.Conv2d(dim, dim, 1)
        self.qnorm, self.knorm = nn.LayerNorm(dim // heads), nn.LayerNorm(dim // heads)
        self.rel_pos_bias = Bias(heads)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        y = of_frames(self.input_head, of_frames(self.norm1, x))
        y = attend(y, 1, self.heads, (self.qnorm, self.knorm), self.rel_pos_bias)
        return x + of_frames(self.output_head, of_frames(self.norm2, y)) * self.gamma.view(-1, 1, 1)


class Space(nn.Module):
    """The mean of attention along both axes, the second block's third axis of one point, and an MLP."""

    def __init__(self, dim: int, heads: int, third: bool) -> None:
        super().__init__()
        self.heads, self.third = heads, third
        self.norm1, self.norm2, self.mlp_norm = (group_norm(2 * heads, dim) for _ in range(3))
        self.gamma_att, self.gamma_mlp = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.ones(dim))
        self.input_heads = nn.ModuleList(nn.Conv2d(dim, 3 * dim, 1) for _ in range(3 if third else 2))
        self.output_head = nn.Conv2d(dim, dim, 1)
        self.qnorms = nn.ModuleList(nn.LayerNorm(dim // heads) for _ in range(2))
        self.knorms = nn.ModuleList(nn.LayerNorm(dim // heads) for _ in range(2))
        self.rel_pos_biases = nn.ModuleList(Bias(heads) for _ in range(2))
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        normed = of_frames(self.norm1, x)
        parts = []
        for i, (q, k, bias) in enumerate(zip(self.qnorms, self.knorms, self.rel_pos_biases, strict=True)):
            parts.append(attend(of_frames(self.input_heads[i], normed), 3 + i, self.heads, (q, k), bias))
        if self.third:
            qkv = of_frames(self.input_heads[2], normed).unflatten(2, (self.heads, 3, -1))
            parts.append(qkv[:, :, :, 2].flatten(2, 3))
        y = of_frames(self.output_head, of_frames(self.norm2, sum(parts[1:], parts[0]) / 2))
        x = x + y * self.gamma_att.view(-1, 1, 1)
        hidden = self.mlp["fc2"](F.gelu(self.mlp["fc1"](x.movedim(2, -1)))).movedim(-1, 2)
        return x + of_frames(self.mlp_norm, hidden) * self.gamma_mlp.view(-1, 1, 1)


def around(before: int, after: int, groups: int = 1) -> nn.Conv2d:
    """A 3x3 convolution of a periodic plane."""
    return nn.Conv2d(before, after, 3, padding=1, padding_mode="circular", groups=groups, bias=False)


class Down(nn.Module):
    """Half the points, twice the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, 2 * width, 2, 2, bias=False)
        self.conv2 = around(2 * width, 2 * width, groups=2 * width)
        self.norm1, self.norm2 = (nn.GroupNorm(4, 2 * width, affine=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 2 C, H / 2, W / 2)`` of ``(B, C, H, W)``."""
        x = F.gelu(self.norm1(self.conv1(x)))
        return F.gelu(self.norm2(self.conv2(x)))


class Up(nn.Module):
    """Twice the points, half the channels, joined with what was there on the way down."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2, bias=False)
        self.conv = around(2 * width, width, groups=width)
        self.norm = nn.GroupNorm(4, width, affine=False)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(B, C, 2 H, 2 W)`` of ``(B, 2 C, H, W)``."""
        return F.gelu(self.norm(self.conv(torch.cat([self.up(x), skip], 1))))


class UNet(nn.Module):
    """du/dt of a periodic plane."""

    def __init__(self, channels: int, start: int, depth: int) -> None:
        super().__init__()
        widths = [start * 2**i for i in range(depth + 1)]
        self.adapter_in = around(channels, start)
        self.conv_in = nn.Sequential(around(start, start), nn.GroupNorm(4, start, affine=False), nn.GELU())
        self.downs = nn.ModuleList(Down(width) for width in widths[:-1])
        self.ups = nn.ModuleList(Up(width) for width in reversed(widths[:-1]))
        wide = widths[-1]
        self.bottleneck = nn.Sequential(
            nn.Conv2d(wide, 2 * wide, 1, bias=False), nn.GroupNorm(4, 2 * wide, affine=False), nn.GELU(),
            nn.Conv2d(2 * wide, wide, 1, bias=False),
        )  # fmt: skip
        self.convs_out = nn.Sequential(around(start, start), nn.GroupNorm(4, start, affine=False), nn.GELU())
        self.adapter_out = around(start, channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` of the same."""
        skips = [self.conv_in(self.adapter_in(x))]
        for down in self.downs:
            skips.append(down(skips[-1]))
        x = skips.pop()
        x = x + self.bottleneck(x)
        for up in self.ups:
            x = up(x, skips.pop())
        return self.adapter_out(self.convs_out(x))


class PlainDisco(nn.Module):
    """The training loss of DISCO on a periodic plane, without drop path.

    Args:
        learner: ours, of whose settings and weights this is another form.
    """

    def __init__(self, learner: nn.Module) -> None:
        super().__init__()
        model: nn.Module = learner.get_submodule("model")
        ours = model.hpnn
        dim, heads = learner.embed_dim, ours.blocks[0].temporal.heads
        self.states = nn.Linear(ours.adapter.linear.in_features, dim // 4)
        layers: list[nn.Module] = []
        groups = ours.encoder["2"].encoder[1].num_groups
        for size, after in ((ours.patch // 4, dim // 4), (2, dim // 4), (2, dim)):
            layers += [nn.Conv2d(dim // 4, after, size, size, bias=False), group_norm(groups, after), nn.GELU()]
        self.stem = nn.Sequential(*layers[:-1])
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"temporal": Time(dim, heads), "spatial": Space(dim, heads, i > 0)})
            for i in range(len(ours.blocks))
        )
        hidden = model.param_gen_common[0].out_features
        self.common = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())
        operator = model.operator
        # The network's own weights are never read: they only say what is to be generated.
        self.unet = [UNet(operator.channels, operator.start, operator.depth).requires_grad_(False)]
        self.shapes, kinds = operator.shapes, model.kinds
        self.kinds = [[name for name in self.shapes if kinds[name] == kind] for kind in range(3)]
        counts = [sum(math.prod(self.shapes[name]) for name in names) for names in self.kinds]
        self.generators = nn.ModuleList(nn.Linear(hidden, count) for count in counts)
        self.scales = {name: math.prod(shape[1:]) ** -0.5 for name, shape in self.shapes.items()}
        largest = torch.cat([torch.full((math.prod(s),), self.scales[n]) for n, s in self.shapes.items()])
        self.rms = float(largest.square().mean().sqrt())
        self.steps, self.rtol, self.atol = model.steps, model.rtol, model.atol
        self.load_state_dict({self.name(key, model.dataset): self.shaped(v) for key, v in model.named_parameters()})

    @staticmethod
    def name(key: str, dataset: str) -> str:
        """Our name of a parameter, in this module."""
        for ours, plain in (
            ("hpnn.adapter.linear", "states"), ("hpnn.encoder.2.encoder", "stem"), ("hpnn.", ""),
            ("param_gen_common", "common"), ("param_gen_adim", "generators.0"), ("param_gen_dim.2", "generators.1"),
            (f"param_gen_channels.{dataset}", "generators.2"),
        ):  # fmt: skip
            if key.startswith(ours):
                return plain + key.removeprefix(ours)
        return key

    @staticmethod
    def shaped(value: Tensor) -> Tensor:
        """A 1x1x1 convolution as one of pictures."""
        return value.detach().squeeze(-1) if value.dim() == 5 else value.detach()

    def forward(self, x: Tensor) -> Tensor:
        """The loss of clips ``(B, C, T + 1, H, W)``: the last frame is the target."""
        past, target = x[:, :, :-1].transpose(1, 2), x[:, :, -1]
        std, mean = torch.std_mean(past, dim=(1, 3, 4), keepdim=True)
        past = (past - mean) / (std + 1e-7)
        target = (target - mean[:, 0]) / (std[:, 0] + 1e-7)
        frame = self.advance(self.theta(self.latent(past)), past[:, -1])
        variance = target.var((2, 3), keepdim=True) + 1e-7
        return F.gaussian_nll_loss(frame, target, variance.expand_as(target))

    def latent(self, past: Tensor) -> Tensor:
        """The mean token ``(B, D)``."""
        scale = (self.states.in_features / past.shape[2]) ** 0.5
        fields = scale * self.states(past.movedim(2, -1)).movedim(-1, 2)
        z = of_frames(self.stem, fields)
        for block in self.blocks:
            z = block["spatial"](block["temporal"](z))
        return z.mean((1, 3, 4))

    def theta(self, z: Tensor) -> dict[str, Tensor]:
        """The weights of the operator by name, ``(B, *shape)``, bounded at twice their scale."""
        common, found = self.common(z), {}
        for names, generator in zip(self.kinds, self.generators, strict=True):
            parts = generator(common).split([math.prod(self.shapes[name]) for name in names], dim=1)
            for name, part in zip(names, parts, strict=True):
                bounded = 2 * torch.sigmoid(part / self.rms) - 1
                found[f"{name}.weight"] = (2 * self.scales[name] * bounded).view(-1, *self.shapes[name])
        return found

    def advance(self, theta: dict[str, Tensor], frame: Tensor) -> Tensor:
        """The next frame, ``(B, C, H, W)``."""
        std, mean = torch.std_mean(frame, dim=(2, 3), keepdim=True)
        std = std + 1e-7

        def one(weights: dict[str, Tensor], u: Tensor) -> Tensor:
            return functional_call(self.unet[0], weights, (u[None],))[0]

        def rate(t: Tensor, u: Tensor) -> Tensor:
            return vmap(one)(theta, u)

        times = torch.tensor([0.0, 1.0], device=frame.device)
        options = {"min_step": 1 / self.steps}
        u = odeint(rate, (frame - mean) / std, times, rtol=self.rtol, atol=self.atol, method="bosh3", options=options)
        return u[-1] * std + mean
