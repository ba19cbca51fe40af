r"""Masked latent prediction with a momentum teacher: V-JEPA's objective on any encoder.

The student f sees a clip with blocks of its token grid hidden; a predictor g gives the tokens at the hidden places, and
the teacher f', a moving average of the student that sees everything, says what they should have been:

.. math::
    L = \overline{|g(f(x_{visible}))_{hidden} - LN(f'(x))_{hidden}|^p}, \qquad
    \theta' \leftarrow m\, \theta' + (1 - m)\, \theta \text{ after every step},

with no gradient to the teacher, and the layer norm LN without weights. Two masks per step, as published: many small
blocks and few large ones, both at all times, whose losses are averaged. An encoder that can leave tokens out (`ViT3D`)
does; any other one sees hidden blocks as zeros, the mean of the z-scored fields.

Source: "Revisiting Feature Prediction for Learning Visual Representations from Video", Bardes et al., 2024,
https://arxiv.org/abs/2404.08471; V-JEPA 2, 2025, https://arxiv.org/abs/2506.09985.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.block_masks import block_masks
from ..nn.patches import from_blocks
from ..nn.precision import full_precision
from ..nn.vit3d import TransformerBlock, sincos_positions
from .build_encoder import check_encoding
from .encoding import EncoderLearner
from .teacher import follow, teacher_of


class MaskedJEPA(EncoderLearner):
    """Student, teacher and predictor.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module; it must state its token grid.
        encoder_options: keyword arguments of the encoder.
        masks: rectangles per mask as (number, fraction of the area of each).
        predictor_dim, predictor_depth, predictor_heads: of the predictor, a transformer.
        momentum, final_momentum: m at the start and at the end of training, linear in between (published: .99925).
        loss_exp: p.
        encode_with: whose tokens `encode` gives: the ``teacher``'s, as published, or the ``student``'s.
    """

    label = "Masked JEPA"
    space_axes = (2,)
    colour = "#3f8fa8"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "vit3d",
        encoder_options: Mapping[str, Any] | None = None,
        masks: Sequence[Sequence[float]] = ((8, 0.15), (2, 0.7)),
        predictor_dim: int = 64,
        predictor_depth: int = 2,
        predictor_heads: int = 2,
        momentum: float = 0.998,
        final_momentum: float = 1.0,
        loss_exp: float = 1.0,
        encode_with: Literal["teacher", "student"] = "teacher",
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options)
        if encode_with not in ("teacher", "student"):
            raise PhysrepError(f"masked_jepa: encode_with is {encode_with!r}; give 'teacher' or 'student'.")
        if not 0 <= momentum <= 1 or not 0 <= final_momentum <= 1:
            raise PhysrepError(f"masked_jepa: momentum {momentum} to {final_momentum} must lie between 0 and 1.")
        if not masks or any(len(mask) != 2 for mask in masks):
            raise PhysrepError(f"masked_jepa: masks is {masks}; give pairs (number of blocks, fraction of the area).")
        self.masks = [(int(number), float(scale)) for number, scale in masks]
        self.momentum, self.final_momentum = momentum, final_momentum
        self.loss_exp, self.encode_with = loss_exp, encode_with
        self.block = self.points_per_token()
        self.drops_tokens = "visible" in inspect.signature(self.encoder.forward).parameters
        self.teacher = teacher_of(self.encoder)
        self.to_predictor = nn.Linear(self.embed_dim, predictor_dim)
        self.mask_token = nn.Parameter(torch.zeros(predictor_dim))
        self.blocks = nn.Sequential(
            *(TransformerBlock(predictor_dim, predictor_heads, 4.0) for _ in range(predictor_depth))
        )
        self.norm = nn.LayerNorm(predictor_dim)
        self.from_predictor = nn.Linear(predictor_dim, self.embed_dim)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of the teacher or the student."""
        x = self.fields(clip, self.num_frames)
        encoder = self.teacher if self.encode_with == "teacher" else self.encoder
        return check_encoding(encoder(x), encoder, x.shape[0])

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Loss, and without gradient ``feature_std``, the spread of the teacher's tokens; 0 is collapse."""
        x = self.fields(clip, self.num_frames)
        grid = self.token_blocks(x)
        with torch.no_grad():
            seen = self.teacher(x).float()
            target = F.layer_norm(seen, seen.shape[-1:])
        losses = []
        for number, scale in self.masks:
            visible, hidden = block_masks(len(x), grid, number, scale, device=x.device)
            predicted = self.predict(x, grid, visible, hidden)
            with full_precision(x.device):
                wanted = target.gather(1, hidden.unsqueeze(2).expand(-1, -1, target.shape[2]))
                losses.append((predicted.float() - wanted).abs().pow(self.loss_exp).mean())
        spread = seen.flatten(0, 1).std(0, correction=0).mean()
        pooled = seen.mean(1).std(0, correction=0).mean()
        return {"loss": torch.stack(losses).mean(), "feature_std": spread, "feature_std_pooled": pooled}

    def predict(self, x: Tensor, grid: Sequence[int], visible: Tensor, hidden: Tensor) -> Tensor:
        """Predicted tokens at the hidden places, with shape ``(B, m, D)``.

        Args:
            x: normalised fields ``(B, C, T, H, W)``.
            grid: tokens along time, H and W.
            visible: indices ``(B, n)`` of the tokens that the encoder sees.
            hidden: indices ``(B, m)`` of those that are predicted.
        """
        if self.drops_tokens:
            tokens = self.encoder(x, visible=visible)
        else:
            shown = torch.zeros(len(x), math.prod(grid), 1, device=x.device, dtype=x.dtype)
            shown.scatter_(1, visible.unsqueeze(2), 1.0)
            tokens = self.tokens(x * from_blocks(shown.expand(-1, -1, math.prod(self.block)), grid, self.block))
            tokens = tokens.gather(1, visible.unsqueeze(2).expand(-1, -1, tokens.shape[2]))
        tokens = self.to_predictor(tokens)
        positions = sincos_positions(grid, tokens.shape[2], x.device).to(tokens.dtype)
        wanted = self.mask_token.to(tokens.dtype) + positions[hidden]
        y = self.blocks(torch.cat([tokens + positions[visible], wanted], dim=1))
        return self.from_predictor(self.norm(y[:, -hidden.shape[1] :]))

    def after_step(self, progress: float) -> None:
        """Move the teacher towards the student."""
        m = self.momentum + (self.final_momentum - self.momentum) * progress
        follow(self.teacher, self.encoder, m)
