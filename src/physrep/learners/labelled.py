"""What learners share that are trained on labels: which parameters, on which scale, z-scored how, and the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .base import Learner


class LabelledLearner(Learner):
    """A learner that predicts ``z = (f(parameter) - mean) / std``, f = log10 for parameters on a log scale.

    Args:
        in_channels, num_frames: see `Learner`.
        parameters: scale of each parameter to predict, ``{"Reynolds": "log", ...}``; ``"log"`` or ``"linear"``.
    """

    needs_labels = True
    label_mean: Tensor
    label_std: Tensor

    def __init__(self, in_channels: int, num_frames: int, parameters: Mapping[str, Literal["log", "linear"]]) -> None:
        super().__init__(in_channels, num_frames)
        wrong = [f"{name}: {scale!r}" for name, scale in parameters.items() if scale not in ("log", "linear")]
        if not parameters:
            raise PhysrepError(
                f"{self.title}: learns from labels, but the data hold none; give them in a table (data.labels)."
            )
        if wrong:
            raise PhysrepError(
                f"{self.title}: scales are 'log' or 'linear', for at least one parameter; got {wrong or '{}'}."
            )
        self.parameters_by_name = dict(parameters)
        self.register_buffer("label_mean", torch.zeros(len(parameters), dtype=torch.float64))
        self.register_buffer("label_std", torch.ones(len(parameters), dtype=torch.float64))

    @property
    def title(self) -> str:
        """Name for messages."""
        return type(self).__name__.lower()

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
                raise PhysrepError(f"{self.title}: no label statistics for parameter {name!r}; it must be in the data.")
            if not std[name] > 0:
                raise PhysrepError(
                    f"{self.title}: parameter {name!r} has one value in the training split; leave it out."
                )
        self.label_mean.copy_(torch.tensor([float(mean[name]) for name in self.parameter_names]))
        self.label_std.copy_(torch.tensor([float(std[name]) for name in self.parameter_names]))

    def labels(self, clip: Clip) -> Tensor:
        """Z-scored parameters of a clip with shape ``(B, P)``, chosen by name; unknown ones are NaN."""
        columns = []
        for name, scale in self.parameters_by_name.items():
            if name not in clip.parameter_names:
                raise PhysrepError(f"the data have no parameter {name!r}; they have {', '.join(clip.parameter_names)}.")
            column = clip.parameters[:, clip.parameter_names.index(name)].double()
            if scale == "log" and bool((column <= 0).any()):
                raise PhysrepError(f"parameter {name!r} has values that are not positive; give it the scale 'linear'.")
            columns.append(column.log10() if scale == "log" else column)
        return ((torch.stack(columns, dim=1) - self.label_mean) / self.label_std).float()

    @abstractmethod
    def predict(self, clip: Clip) -> Tensor:
        """Z-scored predictions with shape ``(B, P)``, float32."""

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Mean squared error of the z-scored parameters: ``loss``, and ``mse_NAME`` for each.

        Of every parameter the mean is over the clips whose label is known; without any it is 0.
        """
        labels = self.labels(clip)
        known = ~labels.isnan()
        squares = (self.predict(clip) - labels.where(known, 0.0)).square()
        errors = squares.mean(0) if bool(known.all()) else (squares * known).sum(0) / known.sum(0).clamp_min(1)
        each = {f"mse_{name}": error.detach() for name, error in zip(self.parameter_names, errors, strict=True)}
        return {"loss": errors.mean(), **each}
