"""V-JEPA 2 of the transformers library as a module from video in [0, 1] to a grid of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Statistics by which the model's own preprocessing normalises red, green and blue."""


class VideoModel(nn.Module):
    """The encoder of a V-JEPA 2; no gradient, no preprocessing outside.

    Args:
        model: a ``VJEPA2Model``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        config: Any = model.config
        self.size, self.patch = int(config.crop_size), int(config.patch_size)
        self.tubelet, self.embed_dim = int(config.tubelet_size), int(config.hidden_size)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

    @classmethod
    def load(cls, source: str) -> VideoModel:
        """Pretrained weights from a folder, or from the hub (its cache first).

        Raises:
            PhysrepError: they are not there.
        """
        vjepa2 = _library()
        kept = torch.get_rng_state()
        try:
            # A hub id is only looked up in the local cache: a study does not wait for a network that is not there.
            return cls(vjepa2.VJEPA2Model.from_pretrained(source, local_files_only=True))
        except (OSError, ValueError, RuntimeError) as error:
            what = "folder" if Path(source).exists() or source.startswith((".", "/")) else "folder or downloaded model"
            raise PhysrepError(
                f"there is no {what} {source!r} with weights of V-JEPA 2; download it with `hf download "
                "facebook/vjepa2-vitl-fpc64-256` and name its folder."
            ) from error
        finally:
            torch.set_rng_state(kept)

    @classmethod
    def from_config(cls, options: Mapping[str, Any], seed: int = 0) -> VideoModel:
        """The same architecture with random weights, which follow from the seed.

        Raises:
            PhysrepError: an option that the architecture does not know or accept.
        """
        vjepa2 = _library()
        known = vjepa2.VJEPA2Config().to_dict()
        unknown = [key for key in options if key not in known]
        if unknown:
            from ..build import nearest

            raise PhysrepError(f"V-JEPA 2 has no option {unknown[0]!r}; {nearest(unknown[0], list(known))}")
        # The predictor is built with the model but never run here: as small as can be.
        small = {"pred_hidden_size": 24, "pred_num_hidden_layers": 1, "pred_num_attention_heads": 2}
        kept = torch.get_rng_state()
        try:
            torch.manual_seed(seed)
            return cls(vjepa2.VJEPA2Model(vjepa2.VJEPA2Config(**{**small, **options})))
        except (ValueError, RuntimeError, TypeError) as error:
            raise PhysrepError(f"V-JEPA 2 cannot be built with {dict(options)}: {error}") from error
        finally:
            torch.set_rng_state(kept)

    @torch.no_grad()
    def forward(self, video: Tensor) -> Tensor:
        """Tokens with shape ``(B, T / tubelet, h, w, D)`` of video ``(B, T, 3, H, W)`` in [0, 1]."""
        if video.shape[-1] != self.size or video.shape[-2] != self.size:
            flat = F.interpolate(video.flatten(0, 1), size=(self.size, self.size), mode="bilinear", antialias=True)
            video = flat.unflatten(0, video.shape[:2])
        steps, side = video.shape[1] // self.tubelet, self.size // self.patch
        pixels = (video[:, : steps * self.tubelet] - self.mean) / self.std
        tokens = self.model(pixel_values_videos=pixels, skip_predictor=True).last_hidden_state
        return tokens.unflatten(1, (steps, side, side))


def _library() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise PhysrepError(
            "V-JEPA 2 needs the transformers library; install it with pip install 'physrep[study]'."
        ) from error
    return transformers
