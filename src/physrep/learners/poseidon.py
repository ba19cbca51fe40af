r"""A frozen emulator as an encoder: Poseidon, pretrained elsewhere to step compressible and incompressible flows.

Every frame goes through the encoder of scOT by itself (`physrep.nn.scot`); tokens are those of its last stage, of all
frames one after the other. Poseidon reads four fields on a square. The rule from ours to theirs:

    slot 0  density     channels ``density``, ``concentration``, ``buoyancy``, ``tracer``
    slot 1  velocity    ``velocity_x``, the component along the first stored axis
    slot 2  velocity    ``velocity_y``
    slot 3  pressure    ``pressure``

- ``slots`` adds to this table or changes it; a channel without a slot is left out, of two with the same slot the first
  in the order of the table is read. `physrep import-checkpoint` says both.
- A slot that nothing fills has what their incompressible flows have there: density 1, velocity and pressure 0, in the
  units of the pretraining, ``(v - mean) / std`` with the published constants.
- ``standardise: window``: each channel of a window is measured from its mean in units of its standard deviation, both
  components of the velocity in one unit, as our units are not theirs; the amplitude of a window is then not seen.
  ``published``: the published constants, for fields in the units of the pretraining.
- Frames are resampled to ``image_size`` squared: trigonometrically along periodic axes, bilinearly along others.
- ``lead``, the lead time that the norms are told, in units of 20 snapshots of the pretraining; default one snapshot.

Nothing is trained. Its weights come from `physrep import-checkpoint`; without it is the same architecture without its
pretraining, a floor.

Source: Herde et al., Poseidon: Efficient foundation models for PDEs, 2024, https://arxiv.org/abs/2405.19101.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.scot import ScOTEncoder
from .emulator import Emulator, resampled

SLOTS = {
    "density": 0, "concentration": 0, "buoyancy": 0, "tracer": 0, "velocity_x": 1, "velocity_y": 2, "pressure": 3,
}  # fmt: skip
"""Slot of each channel by name, in the order in which they are preferred."""
MEAN, STD = (0.80, 0.0, 0.0, 0.0), (0.31, 0.391, 0.356, 0.185)
"""Published constants of the four slots."""
EMPTY = (1.0, 0.0, 0.0, 0.0)
"""Values of slots that nothing fills, before the constants."""
VELOCITY = (1, 2)


class Poseidon(Emulator):
    """Tokens of the frozen encoder.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        channels: their names, as the run stores them; given by `import-checkpoint`.
        slots: slot by channel name, before the table above; -1 leaves a channel out.
        standardise: ``window`` or ``published``.
        image_size: points along each axis that the encoder sees, as in the pretraining.
        lead: lead time.
        frame_stride: every n-th frame is encoded.
        embed_dim, depths, heads, patch, window, mlp_ratio: of the encoder, see `ScOTEncoder`.
        random_weights: the weights are initial ones, so that it is a floor; False in a run that was imported.
    """

    key, family, label, colour = "poseidon", "Poseidon", "Poseidon (frozen)", "#7a5230"
    space_axes = (2,)

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        channels: Sequence[str] | None = None,
        slots: Mapping[str, int] | None = None,
        standardise: Literal["window", "published"] = "window",
        image_size: int = 128,
        lead: float = 0.05,
        frame_stride: int = 1,
        embed_dim: int = 48,
        depths: Sequence[int] = (4, 4, 4, 4),
        heads: Sequence[int] = (3, 6, 12, 24),
        patch: int = 4,
        window: int = 16,
        mlp_ratio: float = 4.0,
        random_weights: bool = True,
    ) -> None:
        super().__init__(in_channels, num_frames, channels, frame_stride, random_weights)
        if standardise not in ("window", "published"):
            raise PhysrepError(f"poseidon: standardise is {standardise!r}; give 'window' or 'published'.")
        known = {**(slots or {}), **{name: slot for name, slot in SLOTS.items() if name not in (slots or {})}}
        wrong = next((name for name, slot in known.items() if slot not in (-1, 0, 1, 2, 3)), None)
        if wrong is not None:
            raise PhysrepError(
                f"poseidon: slot {known[wrong]} of channel {wrong!r} does not exist; give 0 to 3, or -1."
            )
        self.known, self.standardise, self.image_size, self.lead = known, standardise, image_size, lead
        self.backbone = ScOTEncoder(len(MEAN), embed_dim, depths, heads, patch, window, mlp_ratio)
        if image_size % self.backbone.reduction:
            raise PhysrepError(
                f"poseidon: image_size {image_size} is no multiple of {self.backbone.reduction}, the points of a token."
            )
        self.embed_dim = self.backbone.embed_dim
        self.requires_grad_(False)
        if self.named:
            self.places(self.named)

    def places(self, channels: Sequence[str]) -> dict[int, str]:
        """Slot to the channel that fills it.

        Raises:
            PhysrepError: none of the channels has a slot.
        """
        found: dict[int, str] = {}
        for name, slot in self.known.items():
            if slot >= 0 and name in channels:
                found.setdefault(slot, name)
        if not found:
            raise PhysrepError(
                f"poseidon: none of the channels {', '.join(channels)} has a slot; say which by options.slots, e.g. "
                f"'{{{channels[0] if channels else 'NAME'}: 0}}'."
            )
        return found

    def left_out(self, channels: Sequence[str]) -> list[str]:
        """Channels that are not read."""
        read = self.places(channels).values()
        return [name for name in channels if name not in read]

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Tokens along time, H and W, whatever the size of the fields.

        Args:
            frames, height, width: of a window.
        """
        side = self.image_size // self.backbone.reduction
        return (self.frames_read(frames), side, side)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens ``(B, frames · s², D)``."""
        frames = self.images(clip)
        tokens = self.backbone(frames.flatten(0, 1), frames.new_full((frames.shape[0] * frames.shape[1],), self.lead))
        return tokens.flatten(1, 2).unflatten(0, frames.shape[:2]).flatten(1, 2)

    def images(self, clip: Clip) -> Tensor:
        """What the encoder sees: ``(B, frames, 4, image_size, image_size)``."""
        x, names = self.read(clip)
        places = self.places(names)
        slots = {slot: x[:, names.index(name)] for slot, name in places.items()}
        if self.standardise == "window":
            slots = self._in_own_units(slots)
        else:
            slots = {slot: (value - MEAN[slot]) / STD[slot] for slot, value in slots.items()}
        some = next(iter(slots.values()))
        planes = [slots.get(i, torch.full_like(some, (EMPTY[i] - MEAN[i]) / STD[i])) for i in range(len(MEAN))]
        images = resampled(torch.stack(planes, 2).flatten(0, 1), [self.image_size] * 2, clip.periodic)
        return images.unflatten(0, x.shape[:1] + x.shape[2:3])

    def _in_own_units(self, slots: dict[int, Tensor]) -> dict[int, Tensor]:
        """Each slot ``(B, T, H, W)`` from its mean over the window, in units of its spread."""
        every = (1, 2, 3)
        rest = {slot: value - value.mean(every, keepdim=True) for slot, value in slots.items()}
        power = {slot: value.square().mean(every, keepdim=True) for slot, value in rest.items()}
        speed = [power[slot] for slot in VELOCITY if slot in power]
        if speed:
            power |= dict.fromkeys([slot for slot in VELOCITY if slot in power], torch.stack(speed).mean(0))
        return {slot: value / power[slot].sqrt().clamp_min(1e-12) for slot, value in rest.items()}
