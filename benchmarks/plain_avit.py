"""The axial vision transformer of MPP, written plainly: softmax by hand, one axis after the other, time first.

It takes the weights of `physrep.nn.AViT`, so that both compute the same numbers from the same parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physrep.nn.avit import AViT
from physrep.nn.frame_norm import FrameRMSNorm


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Softmax attention with a bias, in three steps."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5 + bias
    return scores.softmax(-1) @ v


def norm(layer: nn.Module, x: Tensor) -> Tensor:
    """Root-mean-square norm over a frame."""
    return x / (x.std((2, 3), keepdim=True) + 1e-8) * layer.weight.view(1, -1, 1, 1)


def instance(layer: nn.Module, x: Tensor) -> Tensor:
    """Instance norm of a frame."""
    return F.instance_norm(x, weight=layer.weight, bias=layer.bias, eps=1e-5)


def stem(layers: nn.Sequential, x: Tensor) -> Tensor:
    """Convolutions, norms and activations, one after the other."""
    for layer in layers:
        x = norm(layer, x) if isinstance(layer, FrameRMSNorm) else layer(x)
    return x


class PlainAViT(nn.Module):
    """`AViT` with frames leading, as in the released code."""

    def __init__(self, model: AViT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, labels: Tensor, periodic: tuple[bool, bool]) -> Tensor:
        """The next frame with shape ``(B, C, H, W)`` of fields ``(B, C, T, H, W)``."""
        model = self.model
        std, mean = torch.std_mean(x, dim=(2, 3, 4), keepdim=True)
        std = std + 1e-7
        z = ((x - mean) / std).permute(2, 0, 1, 3, 4)  # T B C H W
        frames, batch = z.shape[:2]
        scale = (model.space_bag.weight.shape[1] / len(labels)) ** 0.5
        z = torch.einsum("tbchw,dc->tbdhw", z, model.space_bag.weight[:, labels])
        z = scale * (z + model.space_bag.bias.view(1, 1, -1, 1, 1))
        z = stem(model.embed.in_proj, z.flatten(0, 1)).unflatten(0, (frames, batch))
        for block in model.blocks:
            z = z + self._time(block.temporal, z)
            y = z.flatten(0, 1)
            y = y + self._space(block.spatial, y, periodic)
            hidden = F.gelu(block.spatial.mlp.fc1(y.permute(0, 2, 3, 1)))
            change = norm(block.spatial.mlp_norm, block.spatial.mlp.fc2(hidden).permute(0, 3, 1, 2))
            z = (y + change * block.spatial.gamma_mlp.view(1, -1, 1, 1)).unflatten(0, (frames, batch))
        y = stem(model.debed.out_proj, z[-1])
        y = F.conv_transpose2d(
            y, model.debed.out_kernel[:, labels], model.debed.out_bias[labels], stride=model.debed.stride
        )
        return y * std.squeeze(2) + mean.squeeze(2)

    def _time(self, part: nn.Module, z: Tensor) -> Tensor:
        frames, batch, _, h, w = z.shape
        qkv = part.input_head(instance(part.norm1, z.flatten(0, 1)))
        qkv = qkv.view(frames, batch, part.num_heads, -1, h, w).permute(1, 4, 5, 2, 0, 3)
        q, k, v = qkv.chunk(3, dim=-1)
        y = attention(part.qnorm(q), part.knorm(k), v, part.rel_pos_bias(frames))
        y = y.permute(4, 0, 3, 5, 1, 2).reshape(frames * batch, -1, h, w)
        y = part.output_head(instance(part.norm2, y)) * part.gamma.view(1, -1, 1, 1)
        return y.unflatten(0, (frames, batch))

    def _space(self, part: nn.Module, y: Tensor, periodic: tuple[bool, bool]) -> Tensor:
        _, _, h, w = y.shape
        qkv = part.input_head(norm(part.norm1, y)).unflatten(1, (part.num_heads, -1)).permute(0, 1, 3, 4, 2)
        q, k, v = qkv.chunk(3, dim=-1)
        q, k = part.qnorm(q), part.knorm(k)
        along_w = attention(*(p.transpose(1, 2) for p in (q, k, v)), part.rel_pos_bias(w, periodic[1])).transpose(1, 2)
        along_h = attention(*(p.permute(0, 3, 1, 2, 4) for p in (q, k, v)), part.rel_pos_bias(h, periodic[0]))
        mixed = (along_w + along_h.permute(0, 2, 3, 1, 4)) / 2
        y = mixed.permute(0, 1, 4, 2, 3).flatten(1, 2)
        return part.output_head(norm(part.norm2, y)) * part.gamma_att.view(1, -1, 1, 1)
