"""Released weights of PDE-Transformer, variant of separate channels: the encoder is taken, the decoder is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..learners.pde_transformer import PDETransformer
from .base import Imported, count_of, reading_shapes, wanted_tensors

BIAS = "attn_spatial.pos_emb_funct"


def convert(
    tensors: Mapping[str, Tensor],
    channels: Sequence[str],
    num_frames: int = 16,
    types: Mapping[str, int] | None = None,
    standardise: str = "window",
    image_size: int = 256,
    pde_type: int | None = None,
    level: int | None = None,
    frame_stride: int = 1,
) -> Imported:
    """The learner that a checkpoint of PDE-Transformer describes, for data of these channels.

    Args:
        tensors: state dict, as the diffusers library saves it (``sc-s/diffusion_pytorch_model.safetensors``), without
            the prefix ``model.``.
        channels: names of the channels that will be read.
        num_frames: frames per window, of which every one is encoded by itself.
        types, standardise, image_size, pde_type, level, frame_stride: see `physrep.learners.PDETransformer`. Levels
            behind ``level`` are not stored.

    Raises:
        PhysrepError: the tensors are not those of such a model.
    """
    if "x_embedder.proj.weight" in tensors and "channel_type_embedder_0.embedding_table.weight" not in tensors:
        raise PhysrepError("the checkpoint mixes its channels (mc-...); only separate channels (sc-...) can be read.")
    carrier = next((key for key in tensors if "global_tokenizer" in key or ".hat_" in key), None)
    if carrier is not None:
        raise PhysrepError(f"the checkpoint has carrier tokens ({carrier!r}); only models without them can be read.")
    with reading_shapes("PDE-Transformer", tensors):
        dim, steps, patch, _ = tensors["x_embedder.proj.weight"].shape
        down = [key for key in tensors if key.startswith("down") and key.endswith(".body.0.weight")]
        stems = [*(f"encoder_level_{i}.blocks." for i in range(len(down))), "latent.blocks."]
        depths = [count_of(tensors, stem) for stem in stems]
        heads = tensors[f"{stems[0]}0.attn_spatial.logit_scale"].shape[0]
        ratio = tensors[f"{stems[0]}0.mlp.fc1.weight"].shape[0] / dim
        side = round(tensors[f"{stems[0]}0.{BIAS}.relative_position_index"].shape[0] ** 0.5)
        rows = {
            f"{short}_rows": len(tensors[f"{name}_embedder_0.embedding_table.weight"])
            for short, name in (("type", "channel_type"), ("pde", "pde_type"), ("task", "task"))
        }
    options: dict[str, Any] = {
        "channels": list(channels),
        "types": dict(types or {}),
        "standardise": standardise,
        "image_size": image_size,
        "pde_type": pde_type,
        "level": level,
        "frame_stride": frame_stride,
        "steps": steps,
        "dim": dim,
        "depths": depths,
        "heads": heads,
        "patch": patch,
        "window": side,
        "mlp_ratio": ratio,
        **rows,
        "random_weights": False,
    }
    with torch.device("meta"):
        learner = PDETransformer(len(channels), num_frames, **options)
    own = wanted_tensors(tensors, learner.backbone)
    told = zip(channels, learner.rows(channels), strict=True)
    notes = ["fields are read as " + ", ".join(f"{name} of type {row}" for name, row in told)]
    if unknown := [name for name in channels if name not in learner.known]:
        notes.append(f"of a type that is not told: {', '.join(unknown)}")
    # The tables of relative places follow from the window.
    unused = sorted(key for key in set(tensors) - set(own) if f".{BIAS}.relative_" not in key)
    state = {f"backbone.{key}": value for key, value in own.items()}
    return Imported("pde_transformer", options, len(channels), num_frames, state, unused, [], notes)
