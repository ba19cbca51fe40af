"""Pretrained video models of the transformers library as modules from video in [0, 1] to a grid of tokens.

V-JEPA 2 and VideoMAE. Frames are resized to the size that the model was trained on (bilinear, antialiased) and
normalised with its statistics; nothing else is done to them, and torchvision is not needed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Statistics by which the models' own preprocessing normalises red, green and blue."""

KINDS = {"vjepa2": "VJEPA2Model", "videomae": "VideoMAEModel"}


class VideoModel(nn.Module):
    """The encoder of a pretrained video model; no gradient, no preprocessing outside.

    Args:
        model: a ``VJEPA2Model`` or a ``VideoMAEModel``.
        resize: whether frames are resized to the model's size; without, V-JEPA 2 takes any multiple of its patch.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, resize: bool = True) -> None:
        super().__init__()
        self.model, self.resize = model.eval().requires_grad_(False), resize
        config: Any = model.config
        self.kind = str(config.model_type)
        self.size = int(config.crop_size if self.kind == "vjepa2" else config.image_size)
        self.patch, self.tubelet = int(config.patch_size), int(config.tubelet_size)
        self.embed_dim = int(config.hidden_size)
        # Positions of VideoMAE are a table of one length; V-JEPA 2 rotates, and takes any number of frames.
        self.frames = int(config.num_frames) if self.kind == "videomae" else None
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

    @classmethod
    def load(cls, source: str, random_weights: bool = False, seed: int = 0) -> VideoModel:
        """Pretrained weights from a folder, or from the local cache of the hub.

        Args:
            source: folder, or id on the hub; a hub id is only looked up in the local cache, so that nothing waits for a
                network that is not there.
            random_weights: build the same architecture with fresh weights instead: what it knows untrained.
            seed: of these.

        Raises:
            PhysrepError: they are not there, or are of another model.
        """
        transformers = transformers_library()
        kept = torch.get_rng_state()
        try:
            config = transformers.AutoConfig.from_pretrained(source, local_files_only=True)
            if config.model_type not in KINDS:
                raise PhysrepError(
                    f"{source!r} is a {config.model_type}; video models that can be read are {', '.join(KINDS)}."
                )
            kind = getattr(transformers, KINDS[config.model_type])
            if random_weights:
                torch.manual_seed(seed)
                return cls(kind(config))
            return cls(kind.from_pretrained(source, local_files_only=True))
        except PhysrepError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            what = "folder" if Path(source).exists() or source.startswith((".", "/")) else "folder or downloaded model"
            raise PhysrepError(
                f"there is no {what} {source!r} with weights of V-JEPA 2 or VideoMAE; download them, e.g. with `hf "
                "download facebook/vjepa2-vitl-fpc64-256`, and name their folder."
            ) from error
        finally:
            torch.set_rng_state(kept)

    @classmethod
    def from_config(cls, options: Mapping[str, Any], seed: int = 0) -> VideoModel:
        """A V-JEPA 2 with random weights, which follow from the seed.

        Args:
            options: of ``VJEPA2Config``, e.g. ``{"hidden_size": 48, "num_hidden_layers": 2, ...}``.
            seed: of the weights.

        Raises:
            PhysrepError: an option that the architecture does not know or accept.
        """
        transformers = transformers_library()
        known = transformers.VJEPA2Config().to_dict()
        unknown = [key for key in options if key not in known]
        if unknown:
            from ..errors import nearest

            raise PhysrepError(f"V-JEPA 2 has no option {unknown[0]!r}; {nearest(unknown[0], list(known))}")
        # The predictor is built with the model but never run here: as small as can be.
        small = {"pred_hidden_size": 24, "pred_num_hidden_layers": 1, "pred_num_attention_heads": 2}
        kept = torch.get_rng_state()
        try:
            torch.manual_seed(seed)
            return cls(transformers.VJEPA2Model(transformers.VJEPA2Config(**{**small, **options})))
        except PhysrepError:
            raise
        except (ValueError, RuntimeError, TypeError) as error:
            raise PhysrepError(f"V-JEPA 2 cannot be built with {dict(options)}: {error}") from error
        finally:
            torch.set_rng_state(kept)

    def save(self, folder: str | Path) -> None:
        """Write config and weights into a folder that `load` takes."""
        model: Any = self.model
        model.save_pretrained(folder)

    @torch.no_grad()
    def forward(self, video: Tensor) -> Tensor:
        """Tokens with shape ``(B, t, h, w, D)`` of video ``(B, T, 3, H, W)`` in [0, 1]; t = T / tubelet.

        A clip shorter than a tubelet is repeated; further frames that fill no tubelet are left out. For a model that
        takes one number of frames, the nearest frames are repeated or left out.
        """
        if self.resize and video.shape[-2:] != (self.size, self.size):
            flat = F.interpolate(video.flatten(0, 1), size=(self.size, self.size), mode="bilinear", antialias=True)
            video = flat.unflatten(0, video.shape[:2])
        count = self.frames or max(video.shape[1] // self.tubelet, 1) * self.tubelet
        if self.frames or count > video.shape[1]:
            nearest = torch.linspace(0, video.shape[1] - 1, count, device=video.device).round().long()
            video = video[:, nearest]
        pixels = (video[:, :count] - self.mean) / self.std
        side = (video.shape[-2] // self.patch, video.shape[-1] // self.patch)
        if self.kind == "vjepa2":
            tokens = self.model(pixel_values_videos=pixels, skip_predictor=True).last_hidden_state
        else:
            tokens = self.model(pixel_values=pixels).last_hidden_state
        return tokens.unflatten(1, (count // self.tubelet, *side))


def transformers_library() -> Any:
    """The library transformers.

    Raises:
        PhysrepError: it is not installed, or Python was started without the docstrings that it reads.
    """
    if sys.flags.optimize > 1:
        raise PhysrepError(
            "transformers reads docstrings, which `python -OO` takes away; start Python without -OO (PYTHONOPTIMIZE=2)."
        )
    try:
        import transformers
    except ImportError as error:
        raise PhysrepError(
            "pretrained video models need the transformers library; install it with pip install 'physrep[video]'."
        ) from error
    return transformers
