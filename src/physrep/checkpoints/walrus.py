"""Released weights of Walrus: stem and blocks are taken, the decoder is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..learners.walrus import FIELDS, Walrus
from ..nn.walrus import CLOSED, INSIDE, OPEN
from ..yaml_reader import parse_yaml
from .base import Imported, count_of, reading_shapes

CONFIG = "extended_config.yaml"
"""Settings that are published beside the weights; read where they are there."""
SETTINGS = {
    ("model", "encoder", "activation", "_target_"): "torch.nn.SiLU",
    ("model", "encoder", "learned_pad"): True,
    ("model", "processor", "time_mixing", "bias_type"): "rel",
    ("model", "causal_in_time"): True,
    ("model", "jitter_patches"): True,
    ("model", "use_periodic_fixed_jitter"): True,
}
"""What no shape tells, as published and as `physrep.nn.walrus` has it."""
RELEASED_FRAMES = 6


def convert(
    tensors: Mapping[str, Tensor],
    channels: Sequence[str],
    num_frames: int = RELEASED_FRAMES,
    folder: Path | None = None,
    columns: Mapping[str, int] | None = None,
    layer: int | None = None,
    cells: int | None = 4,
    size: Sequence[int] | None = None,
    tokens: int | None = None,
    boundary: str = "closed",
    frame_stride: int = 1,
    axes: int = 2,
) -> Imported:
    """The learner that a checkpoint of Walrus describes, for data of these channels.

    Args:
        tensors: state dict (``walrus.pt``).
        channels: names of the channels that will be read.
        num_frames: frames per window; the pretraining had 6.
        folder: where the file lies; ``extended_config.yaml`` in it says which column is whose.
        columns, layer, cells, size, tokens, boundary, frame_stride: see `physrep.learners.Walrus`. Blocks behind
            ``layer`` are not stored.
        axes: axes of space of the data, 2 or 3: which of both stems is taken.

    Raises:
        PhysrepError: the tensors or the settings beside them are not those of such a model, or no channel is known.
    """
    stem = f"embed.{axes}."
    with reading_shapes(f"Walrus for {axes} axes of space", tensors):
        inner, fields, first = tensors[f"{stem}proj1.weight"].shape[:3]
        dim, second = tensors[f"{stem}proj2.weight"].shape[0], tensors[f"{stem}proj2.weight"].shape[2]
        bias = "time_mixing.rel_pos_bias.relative_attention_bias.weight"
        buckets, time_heads = tensors[f"blocks.0.{bias}"].shape
        heads = dim // tensors["blocks.0.space_mixing.q_norm.weight"].shape[0]
        hidden = 2 * tensors["blocks.0.space_mixing.ff_out.weight"].shape[1]
        blocks = count_of(tensors, "blocks.")
    extra = next((key for key in ("ape", "blocks.0.time_mixing.rotary_emb.inv_freq") if key in tensors), None)
    if extra is not None:
        raise PhysrepError(f"the checkpoint has {extra!r}, which the published model has not; it cannot be read.")
    notes, own = [], _columns(folder)
    notes.append(
        f"columns of fields by {CONFIG}" if own else f"columns of fields as published, no {CONFIG} beside the file"
    )
    options: dict[str, Any] = {
        "channels": list(channels),
        "columns": {**own, **(columns or {})},
        "layer": layer,
        "cells": cells,
        "size": None if size is None else list(size),
        "tokens": tokens,
        "boundary": boundary,
        "frame_stride": frame_stride,
        "axes": axes,
        "fields": fields,
        "dim": dim,
        "inner": inner,
        "blocks": blocks,
        "heads": heads,
        "time_heads": time_heads,
        "hidden": hidden,
        "kernels": [first, second],
        "buckets": buckets,
        "random_weights": False,
    }
    with torch.device("meta"):
        learner = Walrus(len(channels), num_frames, **options)
        shapes = {key: value.shape for key, value in learner.backbone.state_dict().items()}
    state, used = {}, set()
    for key in shapes:
        names = [key] if key in tensors or not key.endswith(".freqs") else [f"{key}.{axis}" for axis in range(3)]
        missing = [name for name in names if name not in tensors]
        if missing:
            raise PhysrepError(f"the checkpoint lacks {missing[0]!r}; it is incomplete, or of another version.")
        used.update(names)
        # Frequencies that were made learnable differ between axes.
        value = tensors[key] if names == [key] else torch.stack([tensors[name] for name in names])
        value = value.expand(shapes[key]).clone() if key.endswith(".freqs") and value.dim() < 2 else value
        if value.shape != shapes[key]:
            raise PhysrepError(f"{key} has shape {tuple(value.shape)}, wanted {tuple(shapes[key])}.")
        state[f"backbone.{key}"] = value
    notes.append("fields are read as " + ", ".join(f"{n} in column {c}" for n, c in learner.places(channels).items()))
    if left := learner.left_out(channels):
        notes.append(f"not read: {', '.join(left)}")
    return Imported("walrus", options, len(channels), num_frames, state, sorted(set(tensors) - used), [], notes)


def _columns(folder: Path | None) -> dict[str, int]:
    """Columns by field that the settings beside the weights give (-1 for other fields); the settings are checked."""
    path = None if folder is None else folder / CONFIG
    if path is None or not path.is_file():
        return {}
    config = parse_yaml(path.read_bytes(), str(path))
    for place, wanted in SETTINGS.items():
        found = config
        for key in place:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is not None and found != wanted:
            raise PhysrepError(f"{path}: {'.'.join(place)} is {found!r}; only {wanted!r} can be read.")
    data = config.get("data") if isinstance(config, Mapping) else None
    own = data.get("field_index_map_override") if isinstance(data, Mapping) else None
    if not isinstance(own, Mapping) or not all(isinstance(column, int) for column in own.values()):
        raise PhysrepError(f"{path}: has no table data.field_index_map_override; give it, or move the file away.")
    flags = {"closed_boundary": CLOSED, "open_boundary": OPEN, "bias_correction": INSIDE}
    moved = next((name for name, column in flags.items() if own.get(name, column) != column), None)
    if moved is not None:
        raise PhysrepError(f"{path}: {moved} is column {own[moved]}; only {flags[moved]} can be read.")
    return {**dict.fromkeys(FIELDS, -1), **{str(name): column for name, column in own.items() if name not in flags}}
