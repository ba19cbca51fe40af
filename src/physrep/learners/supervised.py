"""The ceiling: the same encoder, trained on the labels that the other learners do not see.

With tokens of the encoder pooled to their mean and standard deviation, a linear map (or an MLP) predicts
``z = (f(parameter) - mean) / std`` with f = log10 for parameters on a log scale, and the loss is the mean of
``(z - prediction)^2``: 1 for a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from ..clip import Clip
from .build_encoder import build_encoder, check_encoding, embedding_dimension
from .labelled import LabelledLearner
from .pooling import pooled


class Supervised(LabelledLearner):
    """Regression of physical parameters through an encoder.

    Args:
        in_channels: number of field components.
        parameters: scale of each parameter to predict, ``{"Reynolds": "log", ...}``; ``"log"`` or ``"linear"``.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        hidden: width of the hidden layer of the head; 0 is a linear head.
    """

    label = "Supervised"
    colour = "#222222"
    kind = "ceiling"

    def __init__(
        self,
        in_channels: int,
        parameters: Mapping[str, Literal["log", "linear"]],
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        hidden: int = 0,
    ) -> None:
        super().__init__(in_channels, num_frames, parameters)
        self.encoder = build_encoder(encoder, in_channels, num_frames, encoder_options)
        self.embed_dim = embedding_dimension(self.encoder, in_channels, num_frames)
        width, outputs = 2 * self.embed_dim, len(parameters)
        if hidden:
            head = [nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, outputs)]
        else:
            head = [nn.Linear(width, outputs)]
        self.head = nn.Sequential(nn.LayerNorm(width), *head)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of the encoder, without the head."""
        x = self.fields(clip, self.num_frames)
        return check_encoding(self.encoder(x), self.encoder, x.shape[0])

    def predict(self, clip: Clip) -> Tensor:
        """Z-scored predictions with shape ``(B, P)``."""
        return self.head(pooled(self.encode(clip))).float()
