"""Released weights of Poseidon (scOT): the encoder is taken, decoder and skip connections are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..learners.poseidon import MEAN, Poseidon
from .base import Imported, count_of, reading_shapes, wanted_tensors

PROJECTION = "embeddings.patch_embeddings.projection.weight"


def convert(
    tensors: Mapping[str, Tensor],
    channels: Sequence[str],
    num_frames: int = 16,
    slots: Mapping[str, int] | None = None,
    standardise: str = "window",
    image_size: int = 128,
    window: int = 16,
    lead: float = 0.05,
    frame_stride: int = 1,
) -> Imported:
    """The learner that a checkpoint of scOT describes, for data of these channels.

    Args:
        tensors: state dict, as the transformers library saves it (``model.safetensors``).
        channels: names of the channels that will be read.
        num_frames: frames per window, of which every one is encoded by itself.
        slots, standardise, lead, frame_stride: see `physrep.learners.Poseidon`.
        image_size, window: of the pretraining; no shape tells them.

    Raises:
        PhysrepError: the tensors are not those of such a model, or no channel has a slot.
    """
    with reading_shapes("scOT of Poseidon", tensors):
        width, inputs, patch, _ = tensors[PROJECTION].shape
        depths, heads = [], []
        for i in range(count_of(tensors, "encoder.layers.")):
            blocks = f"encoder.layers.{i}.blocks."
            depths.append(count_of(tensors, blocks))
            heads.append(tensors[f"{blocks}0.attention.self.logit_scale"].shape[0])
        ratio = tensors["encoder.layers.0.blocks.0.intermediate.dense.weight"].shape[0] / width
    if "embeddings.norm.weight.weight" not in tensors:
        raise PhysrepError("the checkpoint's norms know no lead time; only time-dependent models can be read.")
    if inputs != len(MEAN):
        raise PhysrepError(f"the checkpoint reads {inputs} fields; the pretrained models read {len(MEAN)}.")
    options: dict[str, Any] = {
        "channels": list(channels),
        "slots": dict(slots or {}),
        "standardise": standardise,
        "image_size": image_size,
        "lead": lead,
        "frame_stride": frame_stride,
        "embed_dim": width,
        "depths": depths,
        "heads": heads,
        "patch": patch,
        "window": window,
        "mlp_ratio": ratio,
        "random_weights": False,
    }
    with torch.device("meta"):
        learner = Poseidon(len(channels), num_frames, **options)
    own = wanted_tensors(tensors, learner.backbone)
    read = learner.places(channels)
    notes = ["fields are read as " + ", ".join(f"{name} in slot {slot}" for slot, name in sorted(read.items()))]
    if left := learner.left_out(channels):
        notes.append(f"not read: {', '.join(left)}")
    state = {f"backbone.{key}": value for key, value in own.items()}
    unused = sorted(set(tensors) - set(own))
    return Imported("poseidon", options, len(channels), num_frames, state, unused, [], notes)
