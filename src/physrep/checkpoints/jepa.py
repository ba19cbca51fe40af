"""Checkpoints of the physics JEPA of arXiv 2603.13227: a convolutional encoder, and its predictor in a second file."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..nn.convnext3d import encoder_sizes
from .base import Imported, reading_shapes


def convert(tensors: Mapping[str, Tensor], predictor: Mapping[str, Tensor] | None = None) -> Imported:
    """The `JEPA` that a published encoder describes; all sizes are read off the shapes.

    Args:
        tensors: state dict of the encoder.
        predictor: state dict of the predictor; without it the predictor keeps its initial weights, which only further
            training reads.

    Raises:
        PhysrepError: the tensors are not those of such an encoder.
    """
    with reading_shapes("convolutional encoder of the published form", tensors):
        sizes = encoder_sizes(tensors)
    channels, frames = sizes.pop("in_channels"), sizes.pop("num_frames")
    state = {f"encoder.{key}": value for key, value in tensors.items()}
    state |= {f"predictor.{key}": value for key, value in (predictor or {}).items()}
    options = {"encoder": "convnext3d", "encoder_options": sizes, "regulariser": {"chunks": 5}}
    return Imported("jepa", options, channels, frames, state, [], [] if predictor else ["predictor"])
