r"""A frozen emulator as an encoder: PDE-Transformer, pretrained elsewhere to step seventeen equations on two axes.

Every frame goes through the encoder of the variant with separate channels (`physrep.nn.pde_transformer`); tokens are
those of level ``level`` (default the bottleneck), of all frames one after the other, with the features of the channels
one beside the other, so that their width is C · D. The rule from our fields to theirs:

- Channels by name: `TYPES` is the published table, ``types`` adds to it or changes it; a channel that is in neither has
  the row of a type that is not told, which the pretraining drew as well. `physrep import-checkpoint` says so.
- Units: ``standardise: window``: each channel of a window from its mean in units of its standard deviation, as our
  units are not those of the pretraining, which took both over a data set; ``none``: as the run normalises them.
- Grid: frames are resampled to ``image_size`` squared (256 in the pretraining), trigonometrically along periodic axes,
  linearly along others. Windows cross the edges where all axes are periodic.
- An input is ``steps - 1`` frames (one in the published models) and a frame of zeros, which would be predicted.
- Equation: ``pde_type``, default that which is not told; task 0, prediction.

Nothing is trained. Weights come from `physrep import-checkpoint`; without it is the same architecture without its
pretraining, a floor.

Source: Holzschuh et al., PDE-Transformer: Efficient and versatile transformers for physics simulations, 2025,
https://arxiv.org/abs/2505.24717.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.pde_transformer import PDETransformerEncoder
from .emulator import Emulator, resampled

PLANE = ("xx", "xy", "yx", "yy")
TYPES = {
    "velocity_x": 1, "velocity_y": 2, "velocity_z": 3, "vorticity": 4, "density": 5, "pressure": 6,
    "concentration": 7, "tracer": 7, "A": 8, "B": 9, "magnetic_field_x": 10, "magnetic_field_y": 11,
    "magnetic_field_z": 12, **{f"D_{ij}": 16 + k for k, ij in enumerate(PLANE)},
    **{f"E_{ij}": 20 + k for k, ij in enumerate(PLANE)}, **{f"C_{ij}": 24 + k for k, ij in enumerate(PLANE)},
    "c_zz": 28, "pressure_re": 29, "pressure_im": 30, "mask": 31, "buoyancy": 32, "energy": 33,
}  # fmt: skip
"""Row of each channel in the published table of types: D is its orientation, E its strain, a tracer a concentration."""


class PDETransformer(Emulator):
    """Tokens of the frozen encoder.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        channels: their names, as the run stores them; given by `import-checkpoint`.
        types: row of the table by channel name, before `TYPES`.
        standardise: ``window`` or ``none``.
        image_size: points along each axis that the encoder sees.
        pde_type: row of the equation; default the last, for one that is not told.
        level: levels that run, of which the last gives the tokens; default all.
        frame_stride: every n-th frame is read.
        steps, dim, depths, heads, patch, window, mlp_ratio, type_rows, pde_rows, task_rows: of the model, see
            `PDETransformerEncoder`.
        random_weights: the weights are initial ones, so that it is a floor; False in a run that was imported.

    Raises:
        PhysrepError: an unknown choice, a row that does not exist, or a size that windows do not fill.
    """

    key, family, label = "pde_transformer", "PDE-Transformer", "PDE-Transformer (frozen)"
    colour = "#8a3b6b"
    space_axes = (2,)

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        channels: Sequence[str] | None = None,
        types: Mapping[str, int] | None = None,
        standardise: Literal["window", "none"] = "window",
        image_size: int = 256,
        pde_type: int | None = None,
        level: int | None = None,
        frame_stride: int = 1,
        steps: int = 2,
        dim: int = 96,
        depths: Sequence[int] = (2, 5, 8),
        heads: int = 4,
        patch: int = 4,
        window: int = 8,
        mlp_ratio: float = 4.0,
        type_rows: int = 1001,
        pde_rows: int = 1001,
        task_rows: int = 1000,
        random_weights: bool = True,
    ) -> None:
        super().__init__(in_channels, num_frames, channels, frame_stride, random_weights)
        if standardise not in ("window", "none"):
            raise PhysrepError(f"pde_transformer: standardise is {standardise!r}; give 'window' or 'none'.")
        if level is not None and not 1 <= level <= len(depths):
            raise PhysrepError(f"pde_transformer: level is {level}; give 1 to {len(depths)}.")
        self.known = {**TYPES, **(types or {})}
        wrong = next((name for name, row in self.known.items() if not 0 <= row < type_rows), None)
        if wrong is not None:
            raise PhysrepError(
                f"pde_transformer: row {self.known[wrong]} of channel {wrong!r} does not exist; the table of types has "
                f"{type_rows}."
            )
        self.pde_type = pde_rows - 1 if pde_type is None else pde_type
        if not 0 <= self.pde_type < pde_rows:
            raise PhysrepError(f"pde_transformer: pde_type is {pde_type}; give 0 to {pde_rows - 1}.")
        if not 2 <= steps <= self.frames_read(num_frames) + 1:
            raise PhysrepError(f"pde_transformer: inputs have {steps} steps; give windows of {steps - 1} frames.")
        self.backbone = PDETransformerEncoder(
            steps, dim, depths, heads, patch, window, mlp_ratio, type_rows, pde_rows, task_rows, level
        )
        if image_size % (self.backbone.reduction * window):
            raise PhysrepError(
                f"pde_transformer: image_size {image_size} is no multiple of {self.backbone.reduction * window}, the "
                "points of a window."
            )
        self.standardise, self.image_size, self.steps = standardise, image_size, steps
        self.embed_dim = in_channels * self.backbone.embed_dim
        self.requires_grad_(False)

    def rows(self, channels: Sequence[str]) -> list[int]:
        """Row of the table of types of every channel; the last where it is not known."""
        return [self.known.get(name, self.backbone.types - 1) for name in channels]

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Tokens along time, H and W, whatever the size of the fields.

        Args:
            frames, height, width: of a window.
        """
        side = self.image_size // self.backbone.reduction
        return (self.frames_read(frames) - self.steps + 2, side, side)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens ``(B, frames · s², C · D)``."""
        inputs, names = self.inputs(clip)
        types = torch.tensor(self.rows(names), device=inputs.device)
        tokens = self.backbone(inputs.flatten(0, 1), types, self.pde_type, all(clip.periodic))
        return tokens.movedim(1, -2).flatten(-2).flatten(1, 2).unflatten(0, inputs.shape[:2]).flatten(1, 2)

    def inputs(self, clip: Clip) -> tuple[Tensor, list[str]]:
        """What the encoder sees, ``(B, inputs, C, steps, S, S)``, and the names of the C channels."""
        x, names = self.read(clip)
        images = resampled(x.flatten(1, 2), [self.image_size] * 2, clip.periodic).unflatten(1, x.shape[1:3])
        if self.standardise == "window":
            images = images - images.mean((2, 3, 4), keepdim=True)
            images = images / images.square().mean((2, 3, 4), keepdim=True).sqrt().clamp_min(1e-12)
        frames = images.unfold(2, self.steps - 1, 1).movedim(-1, 3)
        return torch.cat([frames, torch.zeros_like(frames[:, :, :, :1])], 3).transpose(1, 2), names
