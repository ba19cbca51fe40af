"""A small file of the published layout of Walrus, with weights that follow from their names alone."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

DIM, INNER, BLOCKS, HEADS, FIELDS = 32, 8, 3, 2, 67


def drawn(name: str, shape: tuple[int, ...]) -> Tensor:
    """Normal numbers, seeded by the name."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode()))) * 0.3


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"encoder_dummy": (1,)}
    for axes in (2, 3):
        found |= {
            f"embed.{axes}.proj1.weight": (INNER, FIELDS, 8, 8, 8), f"embed.{axes}.norm1.weight": (INNER,),
            f"embed.{axes}.proj2.weight": (DIM, INNER, 4, 4, 4), f"embed.{axes}.norm2.weight": (DIM,),
            f"debed.{axes}.proj1.weight": (DIM, INNER, 4, 4, 4), f"debed.{axes}.proj2.bias": (FIELDS,),
        }  # fmt: skip
    head, bias = DIM // HEADS, "time_mixing.rel_pos_bias.relative_attention_bias.weight"
    for i in range(BLOCKS):
        block = {
            "space_mixing.norm1.weight": (DIM,), "space_mixing.fused_ff_qkv.weight": (7 * DIM, DIM),
            "space_mixing.fused_ff_qkv.bias": (7 * DIM,), "space_mixing.ff_out.weight": (DIM, 2 * DIM),
            "space_mixing.ff_out.bias": (DIM,), "space_mixing.attn_out.weight": (DIM, DIM),
            "time_mixing.norm1.weight": (DIM,), "time_mixing.input_head.weight": (3 * DIM, DIM, 1, 1, 1),
            "time_mixing.input_head.bias": (3 * DIM,), "time_mixing.output_head.weight": (DIM, DIM, 1, 1, 1),
            "time_mixing.output_head.bias": (DIM,), bias: (32, HEADS),
            "space_mixing.rotary_emb.freqs": (head // 4 // 2,),
        }  # fmt: skip
        for norm in ("space_mixing.q_norm", "space_mixing.k_norm", "time_mixing.qnorm", "time_mixing.knorm"):
            block |= {f"{norm}.weight": (head,), f"{norm}.bias": (head,)}
        found |= {f"blocks.{i}.{name}": shape for name, shape in block.items()}
    return found


def published() -> dict[str, Tensor]:
    """The tensors of the file."""
    return {name: drawn(name, shape) for name, shape in shapes().items()}
