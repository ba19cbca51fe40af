r"""A frozen emulator as an encoder: Walrus, pretrained elsewhere to step nineteen systems, most of them from The Well.

A window goes through stem and blocks (`physrep.nn.walrus`); tokens are those behind block ``layer``, of all frames one
after the other; a frame sees itself and those before it. The rule from our fields to theirs:

- Channels by name: `FIELDS` is the published vocabulary, ``columns`` adds to it or changes it; a channel that is in
  neither is left out, and `physrep import-checkpoint` says so. Components of a vector or tensor that the data do not
  have (``velocity_z`` on two axes) are zero, as in the pretraining, and count for the scale of the first kernel.
- Units: every channel of a window, over frames and points, divided by its root mean square (at least 1e-5), as in the
  pretraining; the mean stays, the amplitude of a window is not seen, nor the ratio of two components.
- Grid: along every axis ``tokens`` tokens of 4, 8, 12, 16, 24 or 32 points; fields are resampled to the smallest of
  these sizes that is not below theirs (trigonometrically along periodic axes, linearly along others), or to ``size``.
  Beyond an axis that is not periodic is a closed (or, by ``boundary``, an open) boundary, with one token more.
- Time: frames as they are; the pretraining had 6 of them, 1 to 5 stored steps apart. No time step is told.
- The random shift of the pretraining, which changes where tokens begin, is zero, so that tokens are always the same.

``cells`` averages the tokens of a frame to so many cells along every axis. Nothing is trained. Weights come from
`physrep import-checkpoint`; without it is the same architecture without its pretraining, a floor.

Source: McCabe et al., Walrus: A cross-domain foundation model for continuum dynamics, 2025,
https://arxiv.org/abs/2511.15684.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.walrus import CLOSED, FLAGS, OPEN, STRIDES, WalrusTrunk
from .emulator import Emulator, block_averaged, resampled

TENSORS = tuple(f"{a}{b}" for a in "xyz" for b in "xyz")
NAMES = (
    "pressure", "velocity_x", "velocity_y", "velocity_z", "zeros_like_density", "speed_of_sound", "concentration",
    *(f"D_{ij}" for ij in TENSORS), *(f"E_{ij}" for ij in TENSORS), "density", "energy", "velocity_r",
    "velocity_theta", "velocity_phi", "momentum_x", "momentum_y", "momentum_z", "pressure_re", "pressure_im", "mask",
    "magnetic_field_x", "magnetic_field_y", "magnetic_field_z", "A", "B", "height", "internal_energy", "temperature",
    "electron_fraction", "entropy", "magnetic_field_log_r", "magnetic_field_theta", "magnetic_field_phi",
    "velocity_log_r", "buoyancy", "tracer", "log10_density", "log10_temperature", "c_zz",
    *(f"C_{ij}" for ij in TENSORS),
)  # fmt: skip
FIELDS = {name: FLAGS + place for place, name in enumerate(NAMES)}
"""Column of the first kernel by field, as published."""
SMALLEST = 1e-5
"""Root mean square that a channel is taken to have at least."""
FEWEST_POINTS = 4
"""Points of the smallest tokens of the pretraining."""
TOKENS = {2: 32, 3: 16}
"""Tokens along every axis in the pretraining, by the number of axes."""


class Walrus(Emulator):
    """Tokens of the frozen stem and blocks.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        channels: their names, as the run stores them; given by `import-checkpoint`.
        columns: column of the first kernel by channel name, before `FIELDS`; -1 leaves a channel out.
        layer: blocks whose output is taken; default all.
        cells: cells along every axis of space to which tokens are averaged; None keeps all tokens.
        size: points per axis to which fields are resampled; default see above.
        tokens: tokens along every axis; default 32 on two and 16 on three axes of space.
        boundary: ``closed`` or ``open``, beyond axes that are not periodic.
        frame_stride: every n-th frame is read.
        axes: axes of space, 2 or 3.
        fields, dim, inner, blocks, heads, time_heads, hidden, kernels, buckets: of the model, see `WalrusTrunk`.
        random_weights: the weights are initial ones, so that it is a floor; False in a run that was imported.

    Raises:
        PhysrepError: an unknown choice, or a size that is no multiple of the tokens.
    """

    key, family, label, colour = "walrus", "Walrus", "Walrus (frozen)", "#2f6f73"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 6,
        channels: Sequence[str] | None = None,
        columns: Mapping[str, int] | None = None,
        layer: int | None = None,
        cells: int | None = 4,
        size: Sequence[int] | None = None,
        tokens: int | None = None,
        boundary: Literal["closed", "open"] = "closed",
        frame_stride: int = 1,
        axes: int = 2,
        fields: int = FLAGS + len(NAMES),
        dim: int = 1408,
        inner: int = 352,
        blocks: int = 40,
        heads: int = 16,
        time_heads: int | None = None,
        hidden: int | None = None,
        kernels: Sequence[int] = (8, 4),
        buckets: int = 32,
        random_weights: bool = True,
    ) -> None:
        super().__init__(in_channels, num_frames, channels, frame_stride, random_weights)
        if boundary not in ("closed", "open"):
            raise PhysrepError(f"walrus: boundary is {boundary!r}; give 'closed' or 'open'.")
        if axes not in TOKENS:
            raise PhysrepError(f"walrus: axes is {axes}; give 2 or 3.")
        if layer is not None and not 1 <= layer <= blocks:
            raise PhysrepError(f"walrus: layer is {layer}; give 1 to {blocks}, the number of blocks.")
        self.known = {**FIELDS, **(columns or {})}
        taken = {-1, *range(FLAGS, fields)}
        beyond = next((name for name in columns or {} if self.known[name] not in taken), None)
        if beyond is not None:
            raise PhysrepError(
                f"walrus: column {self.known[beyond]} of channel {beyond!r} does not exist; the first kernel has "
                f"{fields}, give {FLAGS} to {fields - 1}, or -1."
            )
        self.space_axes = (axes,)
        self.tokens, self.cells = tokens or TOKENS[axes], cells
        self.boundary = CLOSED if boundary == "closed" else OPEN
        self.size = None if size is None else tuple(size)
        if self.size is not None and (len(self.size) != axes or any(self._points(n) is None for n in self.size)):
            raise PhysrepError(
                f"walrus: size is {list(self.size)}; give {axes} numbers, each {self.tokens} times one of "
                f"{', '.join(map(str, STRIDES))}."
            )
        self.backbone = WalrusTrunk(
            fields, dim, inner, layer or blocks, heads, time_heads, hidden, kernels, buckets, axes
        )
        self.embed_dim = dim
        self.requires_grad_(False)
        if self.named:
            self.places(self.named)

    def _points(self, size: int) -> int | None:
        """Points of a token along an axis of ``size`` points."""
        points, rest = divmod(size, self.tokens)
        return points if rest == 0 and points in STRIDES else None

    def places(self, channels: Sequence[str]) -> dict[str, int]:
        """Channel to its column of the first kernel, for the channels that are read.

        Raises:
            PhysrepError: none of the channels has a column.
        """
        known = [name for name, column in self.known.items() if 0 <= column < self.vocabulary]
        return {name: self.known[name] for name in self.choose(channels, known, "columns")}

    @property
    def vocabulary(self) -> int:
        """Columns of the first kernel."""
        return self.backbone.fields

    def left_out(self, channels: Sequence[str]) -> list[str]:
        """Channels that are not read."""
        read = self.places(channels)
        return [name for name in channels if name not in read]

    def present(self, names: Sequence[str]) -> int:
        """Fields that were present in the pretraining with these: all components of vectors and tensors."""
        counted = {}
        for name in names:
            core, _, ending = name.rpartition("_")
            rank = len(ending) if core and re.fullmatch("[xyz]{1,2}", ending) else 0
            whole = rank and f"{core}_{'x' * rank}" in self.known
            counted[(core, rank) if whole else name] = 3**rank if whole else 1
        return sum(counted.values())

    def sizes(self, points: Sequence[int]) -> tuple[int, ...]:
        """Points per axis to which fields on so many points are resampled."""
        if self.size is not None:
            return self.size
        allowed = [self.tokens * n for n in STRIDES if n >= FEWEST_POINTS]
        return tuple(next((size for size in allowed if size >= n), allowed[-1]) for n in points)

    def grid(self, frames: int, *points: int) -> tuple[int, ...]:
        """Tokens along time and every axis of space, periodic ones where tokens are not averaged.

        Args:
            frames: of a window.
            points: per axis of a window.
        """
        return (self.frames_read(frames), *(self.cells or self.tokens,) * len(points))

    def encode(self, clip: Clip) -> Tensor:
        """Tokens ``(B, frames · cells², D)``."""
        x, places = self.inputs(clip)
        strides = [STRIDES[self._points(n) or 1] for n in x.shape[3:]]
        tokens = self.backbone(
            x, list(places.values()), self.present(list(places)), strides, clip.periodic, self.boundary
        )
        frames = block_averaged(tokens.flatten(0, 1), self.cells)
        return frames.flatten(1, -2).unflatten(0, tokens.shape[:2]).flatten(1, 2)

    def inputs(self, clip: Clip) -> tuple[Tensor, dict[str, int]]:
        """What the stem sees, ``(B, frames, C, *S)``, and the columns of the C fields."""
        x, names = self.read(clip)
        places = self.places(names)
        x = x[:, [names.index(name) for name in places]].transpose(1, 2)
        images = resampled(x.flatten(0, 1), self.sizes(x.shape[3:]), clip.periodic).unflatten(0, x.shape[:2])
        every = (1, *range(3, images.dim()))
        return images / images.square().mean(every, keepdim=True).sqrt().clamp_min(SMALLEST), places
