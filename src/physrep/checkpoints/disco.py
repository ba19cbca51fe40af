"""Checkpoints of RudyMorel/DISCO: the whole model of one or several datasets, or the part that one dataset uses.

The file holds one input and one output layer of the operator per dataset, and one set of weights per number of spatial
axes; this package reads what 2D data of one dataset need.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..errors import PhysrepError
from ..learners.disco import STATES, WELL_STATES
from ..nn.disco_operator import DiscoOperator
from .base import Imported, count_of

# Made by the published code and used by no computation on 2D data: the third axis's share of attention.
UNUSED = re.compile(
    r"hpnn\.blocks\.(\d+)\.spatial\.(qnorms\.2|knorms\.2|rel_pos_biases\.2|input_heads\.2)\."
    r"|opnns\.|hpnn\.encoder\.[13]\.|param_gen_dim\.[13]\."
)


def convert(
    tensors: Mapping[str, Tensor],
    channels: Sequence[str],
    dataset: str | None = None,
    num_frames: int = 16,
    groups: int = 12,
) -> Imported:
    """A `DISCO` learner with the weights of a published state dict.

    Args:
        tensors: state dict, e.g. of `read_tensors`.
        channels: names of the channels of the data, in the order of the dataset's operator.
        dataset: whose operator to take; may be left out where the file has one.
        num_frames: frames per window; the paper's 16.
        groups: groups of the stem's norms, which the file does not tell; the paper's 12.

    Raises:
        PhysrepError: this is no such state dict, it has no such dataset, or the dataset has other channels.
    """
    names = [key.split(".")[1] for key in tensors if re.fullmatch(r"param_gen_channels\.[^.]+\.bias", key)]
    stem = tensors.get("hpnn.encoder.2.encoder.0.weight")
    if not names or stem is None or "hpnn.adapter.linear.weight" not in tensors:
        raise PhysrepError(
            "this is no DISCO checkpoint for 2D data: it has no hpnn.encoder.2 or no param_gen_channels."
        )
    if dataset is None and len(names) > 1:
        raise PhysrepError(f"the checkpoint holds several datasets; choose one of {', '.join(names)}.")
    dataset = names[0] if dataset is None else dataset
    if dataset not in names:
        raise PhysrepError(f"the checkpoint has no dataset {dataset!r}; it has {', '.join(names)}.")
    states = len(tensors["hpnn.adapter.linear.weight"][0])
    if states != STATES:
        raise PhysrepError(
            f"the checkpoint knows {states} states, not the {STATES} of The Well; it cannot be read by name."
        )
    options = _sizes(tensors, stem) | {"vocabulary": "well", "dataset": dataset, "groups": groups}
    options |= _operator(tensors, dataset, len(channels))
    unknown = [name for name in channels if name not in WELL_STATES]
    if unknown:
        raise PhysrepError(
            f"the published vocabulary has no channel {unknown[0]!r}; rename it to one of {', '.join(WELL_STATES)}."
        )
    others = tuple(
        key for name in names if name != dataset for key in (f"param_gen_channels.{name}.", f"theta_norm_{name}")
    )
    state, unused = {}, []
    for key, value in tensors.items():
        match = UNUSED.match(key)
        # From the second block on the values of the third axis count, see `AxialAttention`.
        values = match is not None and match[2] == "input_heads.2" and match[1] != "0"
        if (match and not values) or (key.startswith(others) if others else False):
            unused.append(key)
        else:
            state[f"model.{key}"] = value
    return Imported("disco", options, len(channels), num_frames, state, unused)


def _sizes(tensors: Mapping[str, Tensor], stem: Tensor) -> dict[str, Any]:
    """Options of the hypernetwork and the generator from shapes."""
    hidden, dim = tensors["param_gen_common.0.weight"].shape
    blocks = count_of(tensors, "hpnn.blocks.")
    heads = tensors["hpnn.blocks.0.temporal.rel_pos_bias.relative_attention_bias.weight"].shape[1]
    return {"dim": dim, "blocks": blocks, "hidden": hidden, "heads": heads, "patch": 4 * stem.shape[-1]}


def _operator(tensors: Mapping[str, Tensor], dataset: str, channels: int) -> dict[str, Any]:
    """Whether the dataset's operator has a channel for walls, from the number of its weights."""
    count = len(tensors[f"param_gen_channels.{dataset}.bias"])
    for periodic in (True, False):
        shapes = DiscoOperator(channels, periodic).shapes
        if count == math.prod(shapes["adapter_in"]) + math.prod(shapes["adapter_out"]):
            return {"periodic": periodic}
    raise PhysrepError(
        f"the operator of {dataset!r} in the checkpoint is not for {channels} channels; name its channels."
    )
