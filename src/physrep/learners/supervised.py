"""The ceiling: the same encoder, trained on the labels that the other learners do not see.

With tokens of the encoder pooled to their mean and standard deviation, a linear map (or an MLP) predicts
``z = (f(parameter) - mean) / std`` with f = log10 for parameters on a log scale, and the loss is the mean of
``(z - prediction)^2``: 1 for a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..build import build_encoder, check_encoding, embedding_dimension
from ..clip import Clip
from ..errors import PhysrepError
from .base import Learner
from .pooling import pooled


class Supervised(Learner):
    """Regression of physical parameters through an encoder.

    Args:
        in_channels: number of field components.
        parameters: scale of each parameter to predict, ``{"Reynolds": "log", ...}``; ``"log"`` or ``"linear"``.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        hidden: width of the hidden layer of the head; 0 is a linear head.
    """

    needs_labels = True
    label_mean: Tensor
    label_std: Tensor

    def __init__(
        self,
        in_channels: int,
        parameters: Mapping[str, Literal["log", "linear"]],
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        hidden: int = 0,
    ) -> None:
        super().__init__(in_channels, num_frames)
        wrong = [f"{name}: {scale!r}" for name, scale in parameters.items() if scale not in ("log", "linear")]
        if wrong or not parameters:
            raise PhysrepError(
                f"supervised: scales are 'log' or 'linear', for at least one parameter; got {wrong or '{}'}."
            )
        self.parameters_by_name = dict(parameters)
        self.encoder = build_encoder(encoder, in_channels, num_frames, encoder_options)
        self.embed_dim = embedding_dimension(self.encoder, in_channels, num_frames)
        width, outputs = 2 * self.embed_dim, len(parameters)
        if hidden:
            head = [nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, outputs)]
        else:
            head = [nn.Linear(width, outputs)]
        self.head = nn.Sequential(nn.LayerNorm(width), *head)
        self.register_buffer("label_mean", torch.zeros(outputs, dtype=torch.float64))
        self.register_buffer("label_std", torch.ones(outputs, dtype=torch.float64))

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the predicted parameters, in order."""
        return tuple(self.parameters_by_name)

    def set_labels(self, mean: Mapping[str, float], std: Mapping[str, float]) -> None:
        """Statistics over the training split of log10(parameter) on log scales, of the parameter itself on linear ones.

        Raises:
            PhysrepError: a parameter is missing, or has one value only.
        """
        for name in self.parameter_names:
            if name not in mean or name not in std:
                raise PhysrepError(f"supervised: no label statistics for parameter {name!r}; it must be in the data.")
            if not std[name] > 0:
                raise PhysrepError(f"supervised: parameter {name!r} has one value in the training split; leave it out.")
        self.label_mean.copy_(torch.tensor([float(mean[name]) for name in self.parameter_names]))
        self.label_std.copy_(torch.tensor([float(std[name]) for name in self.parameter_names]))

    def labels(self, clip: Clip) -> Tensor:
        """Z-scored parameters of a clip with shape ``(B, P)``, chosen by name."""
        columns = []
        for name, scale in self.parameters_by_name.items():
            if name not in clip.parameter_names:
                raise PhysrepError(f"the data have no parameter {name!r}; they have {', '.join(clip.parameter_names)}.")
            column = clip.parameters[:, clip.parameter_names.index(name)].double()
            if scale == "log" and not bool((column > 0).all()):
                raise PhysrepError(f"parameter {name!r} has values that are not positive; give it the scale 'linear'.")
            columns.append(column.log10() if scale == "log" else column)
        return ((torch.stack(columns, dim=1) - self.label_mean) / self.label_std).float()

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of the encoder, without the head."""
        x = self.fields(clip, self.num_frames)
        return check_encoding(self.encoder(x), self.encoder, len(x))

    def predict(self, clip: Clip) -> Tensor:
        """Z-scored predictions with shape ``(B, P)``."""
        return self.head(pooled(self.encode(clip))).float()

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Mean squared error of the z-scored parameters: ``loss``, and ``mse_NAME`` for each."""
        errors = (self.predict(clip) - self.labels(clip)).square().mean(0)
        each = {f"mse_{name}": error.detach() for name, error in zip(self.parameter_names, errors, strict=True)}
        return {"loss": errors.mean(), **each}
