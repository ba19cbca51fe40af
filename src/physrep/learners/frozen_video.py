"""A frozen video model, pretrained elsewhere on natural video, shown physical fields as pictures.

Fields become videos by a stated rule. Channels form groups, by default the components of one field, and each group is
one video: one channel goes through a colour map; two channels a, b become red, green and (with their magnitude) blue;
three channels become red, green and blue. z-scored values from -3 to 3 are mapped to 0 to 1 and clipped, the same for
all clips, as a range of each clip's own would hide the amplitude, which is physics. Of a tensor xx, xy and yy
are taken. The model sees each video by itself; the tokens of the groups are joined.

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
from .baselines import Untrained

AXES = set("xyzrt")


def field_groups(channels: Sequence[str]) -> list[tuple[str, ...]]:
    """The components of each field by their names: ``velocity_x, velocity_y`` together, of tensors xx, xy, yy."""
    fields: dict[str, list[str]] = {}
    for name in channels:
        stem, _, axes = name.rpartition("_")
        fields.setdefault(stem if stem and set(axes) <= AXES else name, []).append(name)
    groups = []
    for names in fields.values():
        if len(names) == 4 and all(len(name.rpartition("_")[2]) == 2 for name in names):
            names = [names[0], names[1], names[3]]
        groups += [tuple(names)] if len(names) <= 3 else [(name,) for name in names]
    return groups


class FrozenVideo(Untrained):
    """Tokens of a frozen video model.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        source: folder with a model of the transformers library (V-JEPA 2 or VideoMAE), or an id that is in the local
            cache of the hub.
        config: instead of `source`, options of a V-JEPA 2 with random weights.
        random_weights: fresh weights in the architecture of `source`.
        seed: of random weights.
        groups: names of the channels of each video, 1 to 3; default `field_groups`.
        colour_map: matplotlib's name of the colour map of single channels.
        limit: standard deviations that are shown on both sides of the mean.
        pool: average tokens over ``space`` (one per tubelet and group), over ``all`` of a group, or ``none``.
    """

    label = "Frozen video model"
    colour = "#d0568c"
    kind = "learner"
    palette: Tensor
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
    ) -> None:
        super().__init__(in_channels, num_frames)
        if (source is None) == (config is None):
            raise PhysrepError("frozen_video: give source, the folder of a pretrained model, or config, but not both.")
        if pool not in ("space", "all", "none"):
            raise PhysrepError(f"frozen_video: pool is {pool!r}; give 'space', 'all' or 'none'.")
        if not limit > 0:
            raise PhysrepError(f"frozen_video: limit is {limit}; it must be positive.")
        if groups is not None and any(not 1 <= len(group) <= 3 for group in groups):
            raise PhysrepError("frozen_video: every group has 1 to 3 channels, for a colour map or red, green, blue.")
        self.groups = [tuple(group) for group in groups] if groups is not None else None
        self.limit, self.pool = limit, pool
        if source is not None:
            self.backbone = VideoModel.load(source, random_weights, seed)
        else:
            self.backbone = VideoModel.from_config(config or {}, seed)
        if random_weights or config is not None:
            self.kind = "floor"
        self.embed_dim = self.backbone.embed_dim
        self.register_buffer("palette", _palette(colour_map))
        # Weights stay where they are; the run holds what they were.
        digest = hashlib.sha256()
        for name, value in sorted(self.backbone.state_dict().items()):
            digest.update(name.encode() + value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        self.register_buffer("weights_hash", torch.tensor(list(digest.digest()), dtype=torch.uint8))

    def videos(self, clip: Clip) -> list[Tensor]:
        """One video ``(B, T, 3, H, W)`` in [0, 1] per group.

        Raises:
            PhysrepError: a group names a channel that is not there.
        """
        x = self.fields(clip, self.num_frames)
        names = list(self.channels or clip.channels)
        shown = ((x / self.limit + 1) / 2).clamp(0, 1)
        found = []
        for group in self.groups or field_groups(names):
            missing = [name for name in group if name not in names]
            if missing:
                raise PhysrepError(f"frozen_video: groups name {missing[0]!r}; the channels are {', '.join(names)}.")
            index = [names.index(name) for name in group]
            if len(index) == 1:
                levels = (shown[:, index[0]] * (len(self.palette) - 1)).round().long()
                found.append(self.palette[levels].permute(0, 1, 4, 2, 3))
                continue
            colours = [shown[:, i] for i in index]
            if len(index) == 2:
                size = x[:, index].square().sum(1).sqrt()
                colours.append((size / (2**0.5 * self.limit)).clamp(0, 1))
            found.append(torch.stack(colours, 2))
        return found

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
        """The state without the weights of the model, which are in `source`."""
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


def _palette(name: str) -> Tensor:
    """256 colours with shape ``(256, 3)``."""
    import matplotlib

    if name not in matplotlib.colormaps:
        from ..errors import nearest

        raise PhysrepError(
            f"frozen_video: there is no colour map {name!r}; {nearest(name, list(matplotlib.colormaps))}"
        )
    colours = matplotlib.colormaps[name](torch.linspace(0, 1, 256).numpy())
    return torch.as_tensor(colours[:, :3]).float().clone()
