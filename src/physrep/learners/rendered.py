"""Learners that see physical fields as pictures: by one rule, whatever reads them.

Channels form groups, by default the components of one field, and each group is one video: one channel goes through a
colour map; two channels a, b become red, green and (with their magnitude) blue; three channels become red, green and
blue. z-scored values from ``-limit`` to ``limit``, or a stated range of the field, are mapped to the colours and
clipped, the same for all clips, as a range of each clip's own would hide the amplitude, which is physics. Of a tensor
xx, xy and yy are taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .baselines import Untrained
from .rendering import ColourScale, render, render_components

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


class Rendered(Untrained):
    """Shows clips as videos; nothing is trained.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        groups: names of the channels of each video, 1 to 3; default `field_groups`.
        colour_map: matplotlib's name of the colour map of single channels, or ``physrep_diverging``.
        limit: standard deviations that are shown on both sides of the mean.
        colour_range: ``[low, high]`` of the colour map in the units of the field, instead of `limit`; for a single
            channel.
        size: side of the pictures in pixels; default that of the grid.

    Raises:
        PhysrepError: a group of more than 3 channels, a limit or range that is empty, or an unknown colour map.
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        groups: Sequence[Sequence[str]] | None = None,
        colour_map: str = "gray",
        limit: float = 3.0,
        colour_range: Sequence[float] | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames)
        if not limit > 0:
            raise PhysrepError(f"frozen_video: limit is {limit}; it must be positive.")
        if groups is not None and any(not 1 <= len(group) <= 3 for group in groups):
            raise PhysrepError("frozen_video: every group has 1 to 3 channels, for a colour map or red, green, blue.")
        if colour_range is not None and (len(colour_range) != 2 or in_channels != 1):
            raise PhysrepError(
                f"frozen_video: colour_range is {list(colour_range)}; give [low, high] where one channel is shown."
            )
        self.groups = [tuple(group) for group in groups] if groups is not None else None
        self.limit, self.size = limit, size
        self.scale = ColourScale(colour_map, -limit, limit)
        self.show(colour_map, colour_range)

    def show(self, colour_map: str, colour_range: Sequence[float] | None = None) -> None:
        """Use other colours from here on.

        Raises:
            PhysrepError: there is no such colour map, or the range is empty.
        """
        low, high = colour_range if colour_range is not None else (-self.limit, self.limit)
        self.scale = ColourScale(colour_map, float(low), float(high))
        self.scale.table  # noqa: B018  an unknown name is an error here and not in the first clip
        self.physical = colour_range is not None
        # Plain attributes are part of what identifies an encoder.
        self.shown = {**self.scale.as_dict(), "physical": self.physical}

    def videos(self, clip: Clip) -> list[Tensor]:
        """One video ``(B, T, 3, H, W)`` in [0, 1] per group.

        Raises:
            PhysrepError: a group names a channel that is not there.
        """
        x = self.fields(clip, self.num_frames)
        names = list(self.channels or clip.channels)
        found = []
        for group in self.groups or field_groups(names):
            missing = [name for name in group if name not in names]
            if missing:
                raise PhysrepError(f"frozen_video: groups name {missing[0]!r}; the channels are {', '.join(names)}.")
            index = [names.index(name) for name in group]
            if len(index) > 1:
                found.append(render_components(x[:, index], self.limit, self.size))
                continue
            values = x[:, index[0]]
            if self.physical:
                values = values * self.field_std[index[0]] + self.field_mean[index[0]]
            found.append(render(values, self.scale, self.size))
        return found
