"""A frozen video model, pretrained elsewhere on natural video, shown physical fields as pictures.

Fields become videos by the rule of `physrep.learners.rendered`. The model sees each video by itself; the tokens of the
groups are joined.

Nothing is trained. With ``random_weights`` it is the same architecture without its pretraining, a floor.

Source: V-JEPA 2, 2025, https://arxiv.org/abs/2506.09985; VideoMAE, 2022, https://arxiv.org/abs/2203.12602.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.video_model import VideoModel
from .rendered import Rendered


class FrozenVideo(Rendered):
    """Tokens of a frozen video model.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        source: folder with a model of the transformers library (V-JEPA 2 or VideoMAE), or an id that is in the local
            cache of the hub.
        config: instead of `source`, options of a V-JEPA 2 with random weights.
        random_weights: fresh weights in the architecture of `source`.
        seed: of random weights.
        groups, colour_map, limit, colour_range, size: of the pictures, see `physrep.learners.rendered.Rendered`.
        pool: average tokens over ``space`` (one per tubelet and group), over ``all`` of a group, or ``none``.
    """

    label = "Frozen video model"
    space_axes = (2,)
    colour = "#d0568c"
    kind = "learner"
    weights_hash: Tensor

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        source: str | None = None,
        config: Mapping[str, Any] | None = None,
        random_weights: bool = False,
        seed: int = 0,
        groups: Sequence[Sequence[str]] | None = None,
        colour_map: str = "gray",
        limit: float = 3.0,
        pool: Literal["space", "all", "none"] = "space",
        colour_range: Sequence[float] | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames, groups, colour_map, limit, colour_range, size)
        if (source is None) == (config is None):
            raise PhysrepError("frozen_video: give source, the folder of a pretrained model, or config, but not both.")
        if pool not in ("space", "all", "none"):
            raise PhysrepError(f"frozen_video: pool is {pool!r}; give 'space', 'all' or 'none'.")
        self.pool = pool
        if source is not None:
            self.backbone = VideoModel.load(source, random_weights, seed)
        else:
            self.backbone = VideoModel.from_config(config or {}, seed)
        if random_weights or config is not None:
            self.kind = "floor"
        self.embed_dim = self.backbone.embed_dim
        # Weights stay where they are; the run holds what they were.
        digest = hashlib.sha256()
        for name, value in sorted(self.backbone.state_dict().items()):
            digest.update(name.encode() + value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        self.register_buffer("weights_hash", torch.tensor(list(digest.digest()), dtype=torch.uint8))

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Tokens of one group along time, H and W.

        Args:
            frames, height, width: size of a window of fields.
        """
        if self.pool == "all":
            return (1, 1, 1)
        steps = self.backbone.frames or max(frames // self.backbone.tubelet, 1) * self.backbone.tubelet
        steps //= self.backbone.tubelet
        if self.pool == "space":
            return (steps, 1, 1)
        sides = (self.backbone.size,) * 2 if self.backbone.resize else (self.size or height, self.size or width)
        return (steps, sides[0] // self.backbone.patch, sides[1] // self.backbone.patch)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)``: of the groups one after the other."""
        parts = []
        for video in self.videos(clip):
            tokens = self.backbone(video)
            if self.pool == "space":
                tokens = tokens.mean((2, 3))
            elif self.pool == "all":
                tokens = tokens.mean((1, 2, 3)).unsqueeze(1)
            else:
                tokens = tokens.flatten(1, 3)
            parts.append(tokens)
        return torch.cat(parts, 1)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The state without the weights of the model, which are in `source`.

        Args:
            args, kwargs: of `torch.nn.Module.state_dict`.
        """
        whole = super().state_dict(*args, **kwargs)
        return type(whole)((key, value) for key, value in whole.items() if ".backbone." not in f".{key}")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load what `state_dict` gave.

        Raises:
            PhysrepError: the weights in `source` are no longer those of the stored run.
        """
        stored = state_dict.get("weights_hash")
        if stored is not None and not torch.equal(stored.cpu(), self.weights_hash.cpu()):
            raise PhysrepError("frozen_video: the model in its folder has other weights than when the run was made.")
        own = {f"backbone.{key}": value for key, value in self.backbone.state_dict().items()}
        return super().load_state_dict({**own, **state_dict}, strict, assign)
