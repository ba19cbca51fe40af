r"""VideoMAE: from a tenth of the tubelets of a clip, reconstruct the pixels of the others.

A random set of spatial positions is hidden at all times. The encoder sees the visible tubelets only; the decoder gets
their tokens and a mask token at every hidden position, all with positions, and predicts the pixels of the hidden ones:

.. math:: L = \overline{(\hat x - n(x))^2}, \qquad n(x) = (x - \bar x) / (\sqrt{\mathrm{Var}\, x} + 10^{-6})

over hidden tubelets, with mean and unbiased variance over the points of each tubelet and channel. That hides the
amplitude of the fields, which is physics: ``normalise_targets: false`` reconstructs the z-scored fields themselves.

Parameter names and shapes are those of the original code. Any number of channels.

Source: Tong et al., 2022, https://arxiv.org/abs/2203.12602; for physics: https://arxiv.org/abs/2603.13227.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError, nearest
from ..nn.patches import to_blocks, tube_mask
from ..nn.precision import full_precision
from ..nn.videomae import VideoMAEDecoder, VideoMAEEncoder, sinusoid_table
from .base import Learner
from .masked_pixels import normalised, visible_positions

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"embed_dim": 192, "depth": 12, "num_heads": 3, "decoder_dim": 96, "decoder_depth": 4, "decoder_heads": 3},
    "small": {
        "embed_dim": 384,
        "depth": 12,
        "num_heads": 6,
        "decoder_dim": 192,
        "decoder_depth": 4,
        "decoder_heads": 3,
    },
    "base": {
        "embed_dim": 768,
        "depth": 12,
        "num_heads": 12,
        "decoder_dim": 384,
        "decoder_depth": 4,
        "decoder_heads": 6,
    },
}
"""Published sizes; the probe of the paper reads the 384 channels of ``small``."""


class VideoMAE(Learner):
    """Masked autoencoder on tubelets.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, a multiple of `tubelet`.
        size: ``tiny``, ``small`` or ``base``: what the six sizes below are if they are not given.
        patch, tubelet: extent of a tubelet along H and W, and in frames.
        mask_ratio: fraction of the spatial positions that are hidden.
        normalise_targets: whether the pixels of each tubelet and channel are normalised.
        embed_dim, depth, num_heads: of the encoder.
        decoder_dim, decoder_depth, decoder_heads: of the decoder.
        hidden, decoder_hidden: widths of the MLPs; default 4 times the width of the tokens.
        eps: of the layer norms.
        decoder_final_eps: of the decoder's last layer norm; 1e-5 in the transformers library, whatever `eps` is.
        final_norm: a layer norm behind the encoder's blocks; fine-tuned checkpoints have none.
    """

    label = "VideoMAE"
    space_axes = (2,)
    colour = "#c8402f"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        size: str = "small",
        patch: int = 16,
        tubelet: int = 2,
        mask_ratio: float = 0.9,
        normalise_targets: bool = True,
        embed_dim: int | None = None,
        depth: int | None = None,
        num_heads: int | None = None,
        decoder_dim: int | None = None,
        decoder_depth: int | None = None,
        decoder_heads: int | None = None,
        hidden: int | None = None,
        decoder_hidden: int | None = None,
        eps: float = 1e-6,
        decoder_final_eps: float | None = None,
        final_norm: bool = True,
    ) -> None:
        super().__init__(in_channels, num_frames)
        if size not in SIZES:
            raise PhysrepError(f"videomae: there is no size {size!r}; {nearest(size, list(SIZES))}")
        given: dict[str, Any] = {
            "embed_dim": embed_dim, "depth": depth, "num_heads": num_heads,
            "decoder_dim": decoder_dim, "decoder_depth": decoder_depth, "decoder_heads": decoder_heads,
        }  # fmt: skip
        sizes = SIZES[size] | {key: value for key, value in given.items() if value is not None}
        if num_frames % tubelet:
            raise PhysrepError(f"videomae: num_frames {num_frames} is no multiple of the tubelet's {tubelet} frames.")
        self.mask_ratio, self.normalise_targets = mask_ratio, normalise_targets
        self.embed_dim = sizes["embed_dim"]
        self.encoder = VideoMAEEncoder(
            in_channels, patch, tubelet, self.embed_dim, sizes["depth"], sizes["num_heads"], hidden, eps,
            final_norm,
        )  # fmt: skip
        self.encoder_to_decoder = nn.Linear(self.embed_dim, sizes["decoder_dim"], bias=False)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, sizes["decoder_dim"]))
        self.decoder = VideoMAEDecoder(
            tubelet * patch * patch * in_channels,
            sizes["decoder_dim"],
            sizes["decoder_depth"],
            sizes["decoder_heads"],
            decoder_hidden,
            eps,
            eps if decoder_final_eps is None else decoder_final_eps,
        )
        nn.init.trunc_normal_(self.mask_token, std=0.02)
        nn.init.xavier_uniform_(self.encoder_to_decoder.weight)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens of all tubelets with shape ``(B, T/tubelet H/patch W/patch, D)``, as the paper's probe reads them."""
        return self.encoder(self.fields(clip, self.num_frames))

    def reconstruct(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pixels of the hidden tubelets in token order, with shape ``(B, hidden, tubelet patch patch C)``.

        Args:
            x: fields with shape ``(B, C, T, H, W)``.
            mask: with shape ``(B, N)``, True where hidden; every row hides the same number.
        """
        visible, hidden = visible_positions(mask)
        tokens = self.encoder_to_decoder(self.encoder(x, visible=visible))
        positions = sinusoid_table(mask.shape[1], tokens.shape[2], x.device).to(tokens.dtype)
        full = torch.cat([tokens + positions[visible], self.mask_token.to(tokens.dtype) + positions[hidden]], dim=1)
        return self.decoder(full, hidden.shape[1])

    def masked_loss(self, x: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The loss for fields and a mask as in `reconstruct`.

        Args:
            x: normalised fields ``(B, C, T, H, W)``.
            mask: ``(B, t h w)``, True where hidden; every row hides the same number.
        """
        target = to_blocks(x, self.encoder.grid(*x.shape[2:]))
        if self.normalise_targets:
            target = normalised(target, self.in_channels)
        predicted = self.reconstruct(x, mask)
        with full_precision(x.device):
            target = target[mask].view_as(predicted)
            return {"loss": (predicted.float() - target.float()).square().mean()}

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Mean squared error of the hidden pixels, with a new random mask: ``loss``."""
        x = self.fields(clip, self.num_frames)
        grid = self.encoder.grid(*x.shape[2:])
        return self.masked_loss(x, tube_mask(len(x), grid, self.mask_ratio, x.device))
