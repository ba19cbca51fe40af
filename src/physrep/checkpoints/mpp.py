"""Released weights of Multiple Physics Pretraining, and which of their columns each of our channels takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..nn.avit import STEMS, AViT
from .base import Imported, count_of, reading_shapes, wanted_tensors

VOCABULARY: dict[str, int] = {
    "height": 0,
    "velocity_x": 6,
    "velocity_y": 7,
    "density": 8,
    "concentration": 8,
    "pressure": 9,
    "tracer": 3,
    "particles": 3,
    "buoyancy": 3,
    "activator": 4,
    "inhibitor": 5,
    "A": 4,
    "B": 5,
}
"""Columns of the released weights by channel name. They were trained on shallow water (height 0), incompressible flow
(velocity 1, 2; particles 3), diffusion-reaction (activator 4, inhibitor 5) and compressible flow (velocity 6, 7;
density 8; pressure 9); 10 and 11 are unused. A tracer and the buoyancy are advected like the particles."""


def convert(
    tensors: Mapping[str, Tensor],
    channels: Sequence[str],
    num_frames: int = 16,
    columns: Mapping[str, int] | None = None,
) -> Imported:
    """The learner that a checkpoint of the axial vision transformer describes, for data of these channels.

    Args:
        tensors: state dict, without the prefix ``module.``.
        channels: names of the channels that will be read.
        num_frames: frames per window; the shapes do not tell (16 in the released training).
        columns: column of the vocabulary by channel name, before `VOCABULARY`. A channel that is in neither gets a
            fresh column at the end, whose weights are initial ones.

    Raises:
        PhysrepError: the tensors are not those of such a model.
    """
    with reading_shapes("axial vision transformer of Multiple Physics Pretraining", tensors):
        dim, states = tensors["blocks.0.spatial.gamma_att"].shape[0], tensors["space_bag.weight"].shape[1]
        depth = count_of(tensors, "blocks.")
        heads = tensors["blocks.0.spatial.rel_pos_bias.relative_attention_bias.weight"].shape[1]
        strides = tuple(tensors[f"embed.in_proj.{i}.weight"].shape[2] for i in (0, 3, 6))
        patch = next(size for size, steps in STEMS.items() if steps == strides)
    known = {**VOCABULARY, **(columns or {})}
    unseen = [name for name in channels if name not in known]
    chosen = {name: known[name] if name in known else states + unseen.index(name) for name in channels}
    taken = list(chosen.values())
    twice = next((name for name in channels if taken.count(chosen[name]) > 1), None)
    if twice is not None:
        others = [name for name in channels if chosen[name] == chosen[twice]]
        raise PhysrepError(f"channels {' and '.join(others)} share column {chosen[twice]}; give columns of their own.")
    beyond = next((name for name in channels if name in known and known[name] >= states), None)
    if beyond is not None:
        raise PhysrepError(f"channel {beyond!r} is to take column {known[beyond]}, the weights have {states} columns.")
    model = AViT(states, dim, depth, heads, patch)
    own = wanted_tensors(tensors, model)
    model.load_state_dict(own)
    if unseen:
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            model.expand(len(unseen))
    options = {
        "patch": patch,
        "embed_dim": dim,
        "depth": depth,
        "num_heads": heads,
        "columns": chosen,
        "states": states + len(unseen),
    }
    state = {f"encoder.{key}": value for key, value in model.state_dict().items()}
    fresh = [f"column of {name}" for name in unseen]
    return Imported("mpp", options, len(channels), num_frames, state, sorted(set(tensors) - set(own)), fresh)
