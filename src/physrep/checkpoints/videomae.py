"""VideoMAE's checkpoints: the original code's keys, and those of the transformers library, old and new."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Imported, count_of

_TRANSFORMERS = (
    ("videomae.embeddings.patch_embeddings.projection.", "encoder.patch_embed.proj."),
    ("videomae.layernorm.", "encoder.norm."),
    ("videomae.encoder.layer.", "encoder.blocks."),
    ("decoder.decoder_layers.", "decoder.blocks."),
    (".attention.attention.query.bias", ".attn.q_bias"),
    (".attention.attention.value.bias", ".attn.v_bias"),
    (".attention.attention.q_bias", ".attn.q_bias"),
    (".attention.attention.v_bias", ".attn.v_bias"),
    (".attention.output.dense.", ".attn.proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
)
_OURS = re.compile(
    r"(mask_token|encoder_to_decoder\.weight|encoder\.patch_embed\.proj\.(weight|bias)|decoder\.head\.(weight|bias)"
    r"|(encoder|decoder)\.norm\.(weight|bias)"
    r"|(encoder|decoder)\.blocks\.\d+\.(norm[12]\.(weight|bias)|attn\.(q_bias|v_bias|qkv\.weight|proj\.(weight|bias))"
    r"|mlp\.fc[12]\.(weight|bias)))"
)
HEAD_DIM = 64
"""Channels per attention head in all published sizes."""


def original_keys(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names of the original code; the three projections of attention become one."""
    named: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(("embeddings.", "encoder.layer.", "layernorm.")):
            key = f"videomae.{key}"  # the bare model, without its task
        elif key.startswith(("patch_embed.", "blocks.", "norm.")):
            key = f"encoder.{key}"  # the original code's fine-tuned encoder
        for old, new in _TRANSFORMERS:
            key = key.replace(old, new)
        match = re.fullmatch(r"(.*)\.attention\.attention\.(query|key|value)\.weight", key)
        if match:
            parts.setdefault(match[1], {})[match[2]] = value
        else:
            named[key] = value
    for block, projections in parts.items():
        missing = [name for name in ("query", "key", "value") if name not in projections]
        if missing:
            raise PhysrepError(f"the checkpoint's {block} has no {missing[0]} projection; it is incomplete.")
        named[f"{block}.attn.qkv.weight"] = torch.cat([projections[name] for name in ("query", "key", "value")])
    return named


def convert(
    tensors: Mapping[str, Tensor],
    num_frames: int = 16,
    num_heads: int | None = None,
    decoder_heads: int | None = None,
    eps: float = 1e-6,
) -> Imported:
    """The learner that a VideoMAE checkpoint describes.

    Args:
        tensors: state dict with the original code's keys or those of the transformers library (with ``q_bias`` or
            ``query.bias``); an encoder alone is enough, the decoder then keeps its initial weights.
        num_frames: frames per clip; the shapes do not tell.
        num_heads, decoder_heads: attention heads, which the shapes do not tell either; default one per 64 channels.
        eps: of the layer norms (1e-12 in the transformers library's default).

    Raises:
        PhysrepError: the keys are of neither form.
    """
    named = original_keys(tensors)
    state = {key: value for key, value in named.items() if _OURS.fullmatch(key)}
    unused = sorted(set(named) - set(state))
    kernel = state.get("encoder.patch_embed.proj.weight")
    if kernel is None or kernel.dim() != 5:
        raise PhysrepError(
            f"the checkpoint holds no VideoMAE encoder: there is no patch embedding among its keys (the first is "
            f"{next(iter(tensors))!r}); give a pre-training or fine-tuning checkpoint of VideoMAE."
        )
    embed_dim, channels, tubelet, patch, _ = kernel.shape
    options: dict[str, Any] = {
        "patch": patch,
        "tubelet": tubelet,
        "embed_dim": embed_dim,
        "depth": count_of(state, "encoder.blocks."),
        "num_heads": num_heads or max(1, embed_dim // HEAD_DIM),
        "hidden": state["encoder.blocks.0.mlp.fc1.weight"].shape[0],
        "eps": eps,
    }
    fresh: list[str] = []
    if "decoder.head.weight" in state:
        decoder_dim = state["encoder_to_decoder.weight"].shape[0]
        options |= {
            "decoder_dim": decoder_dim,
            "decoder_depth": count_of(state, "decoder.blocks."),
            "decoder_heads": decoder_heads or max(1, decoder_dim // HEAD_DIM),
            "decoder_hidden": state["decoder.blocks.0.mlp.fc1.weight"].shape[0],
        }
    else:
        fresh = ["decoder", "encoder_to_decoder", "mask_token"]
        state = {key: value for key, value in state.items() if key.startswith("encoder.")}
        options |= {"decoder_dim": 64, "decoder_depth": 1, "decoder_heads": 1}
    if "encoder.norm.weight" not in state:
        # Fine-tuned checkpoints average first and normalise in the head.
        options["final_norm"] = False
    return Imported("videomae", options, channels, num_frames, state, unused, fresh)
