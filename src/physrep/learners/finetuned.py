"""A pretrained learner and a head, trained on the labels: end to end, or the head alone on frozen tokens.

    prediction = head(tokens of the base),    loss = mean squared error of the z-scored parameters.

The paper compares an axial vision transformer that was fine-tuned end to end with learners that stay frozen; here any
learner can be either. The base starts from the weights of a run (``init_from`` of a benchmark's run, ``--init-from`` of
`physrep pretrain`), or from scratch. It is no label-free learner, and it is shown apart from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.attentive import AttentiveProbe
from ..registry import build
from .base import Learner
from .labelled import LabelledLearner
from .pooling import pooled


class FineTuned(LabelledLearner):
    """A base learner with a head.

    Args:
        in_channels: number of field components.
        parameters: scale of each parameter to predict, ``{"Reynolds": "log", ...}``; ``"log"`` or ``"linear"``.
        num_frames: frames per clip.
        base: name in `physrep.learners.LEARNERS`, or import path.
        base_options: keyword arguments of the base; those of the run that it starts from.
        head: ``attentive``, the published probe, or ``linear`` on the mean and standard deviation of the tokens.
        mlp_ratio: of the attentive head.
        freeze: leave the base as it is, in evaluation mode, and train the head alone.
    """

    label = "Fine-tuned"
    colour = "#555555"
    kind = "finetuned"

    def __init__(
        self,
        in_channels: int,
        parameters: Mapping[str, Literal["log", "linear"]],
        num_frames: int = 16,
        base: str = "jepa",
        base_options: Mapping[str, Any] | None = None,
        head: Literal["attentive", "linear"] = "attentive",
        mlp_ratio: float = 4.0,
        freeze: bool = False,
    ) -> None:
        super().__init__(in_channels, num_frames, parameters)
        from . import LEARNERS

        if head not in ("attentive", "linear"):
            raise PhysrepError(f"finetuned: head is {head!r}; give 'attentive' or 'linear'.")
        offered = {"in_channels": in_channels, "num_frames": num_frames, "parameters": parameters}
        self.base: Learner = build(base, LEARNERS, "learner", base_options, offered)
        self.embed_dim, self.freeze = self.base.embed_dim, freeze
        self.head_kind, outputs = head, len(parameters)
        if head == "attentive":
            self.head: nn.Module = AttentiveProbe(self.embed_dim, outputs, mlp_ratio=mlp_ratio)
        else:
            self.head = nn.Sequential(nn.LayerNorm(2 * self.embed_dim), nn.Linear(2 * self.embed_dim, outputs))
        if freeze:
            self.base.requires_grad_(False).eval()

    def set_normalisation(self, channels: Sequence[str], mean: Sequence[float], std: Sequence[float]) -> None:
        """As `Learner.set_normalisation`, for the base, which alone reads fields."""
        super().set_normalisation(channels, mean, std)
        self.base.set_normalisation(channels, mean, std)

    def train(self, mode: bool = True) -> Self:
        """Training mode; a frozen base stays in evaluation mode."""
        super().train(mode)
        if self.freeze:
            self.base.eval()
        return self

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of the base."""
        return self.base.encode(clip)

    def predict(self, clip: Clip) -> Tensor:
        """Z-scored predictions with shape ``(B, P)``."""
        tokens = self.encode(clip)
        return self.head(tokens if self.head_kind == "attentive" else pooled(tokens)).float()
