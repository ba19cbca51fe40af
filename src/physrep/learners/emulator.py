"""What encoders that were pretrained elsewhere to step flows share: fields by name, frames, another grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..clip import Clip
from ..data.resample import bilinear
from ..errors import PhysrepError
from ..systems.grids.fourier_grid import resample_axis
from .baselines import Untrained


class Emulator(Untrained):
    """A frozen emulator as an encoder.

    With initial weights it is a floor; `physrep import-checkpoint` gives it released ones.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        channels: their names, as the run stores them; given by `import-checkpoint`.
        frame_stride: every n-th frame is read.
        random_weights: the weights are initial ones; False in a run that was imported.

    Attributes:
        key: name in `physrep.learners.LEARNERS`, for messages.
        family: name of the model in tables.
        imported: weights come from a run that `import-checkpoint` made: ``init_from`` of a benchmark's run.
    """

    key: str
    family: str
    imported = True

    def __init__(
        self,
        in_channels: int,
        num_frames: int,
        channels: Sequence[str] | None,
        frame_stride: int,
        random_weights: bool,
    ) -> None:
        super().__init__(in_channels, num_frames)
        if not 1 <= frame_stride <= num_frames:
            raise PhysrepError(f"{self.key}: frame_stride is {frame_stride}; give 1 to {num_frames}.")
        self.named, self.frame_stride = tuple(channels or ()), frame_stride
        self.kind = "floor" if random_weights else "learner"
        self.label = f"{self.family} ({'random weights' if random_weights else 'frozen'})"

    def read(self, clip: Clip) -> tuple[Tensor, list[str]]:
        """Fields ``(B, C, frames, *S)`` of every `frame_stride`-th frame, and the names of the C channels.

        Args:
            clip: windows of `num_frames` frames.
        """
        x = self.fields(clip, self.num_frames)[:, :, :: self.frame_stride]
        return x, list(self.channels) or list(self.named) or list(clip.channels)

    def frames_read(self, frames: int) -> int:
        """How many of so many frames are read."""
        return len(range(0, frames, self.frame_stride))

    def choose(self, channels: Sequence[str], known: Sequence[str], option: str) -> list[str]:
        """The channels that the emulator knows, in the order of the data.

        Raises:
            PhysrepError: it knows none of them.
        """
        found = [name for name in channels if name in known]
        if not found:
            first = channels[0] if channels else "NAME"
            raise PhysrepError(
                f"{self.key}: none of the channels {', '.join(channels)} has a place; say which by options.{option}, "
                f"e.g. '{{{first}: 0}}'."
            )
        return found


def resampled(images: Tensor, sizes: Sequence[int], periodic: Sequence[bool]) -> Tensor:
    """``(N, C, *S)`` on another grid: trigonometrically along periodic axes, linearly along others.

    Args:
        images: fields.
        sizes: wanted points per axis.
        periodic: per axis, whether it is periodic.
    """
    for axis, (around, points) in enumerate(zip(periodic, sizes, strict=True)):
        size = list(images.shape[2:])
        size[axis] = points
        images = resample_axis(images, axis + 2, points) if around else bilinear(images, size)
    return images


def block_averaged(tokens: Tensor, side: int | None) -> Tensor:
    """Tokens ``(N, *S, D)`` averaged to ``side`` cells along every axis of space; None keeps them.

    A cell is the mean of the tokens that it touches (adaptive average).
    """
    if side is None:
        return tokens
    axes = tokens.dim() - 2
    pool = torch.nn.functional.adaptive_avg_pool2d if axes == 2 else torch.nn.functional.adaptive_avg_pool3d
    return pool(tokens.movedim(-1, 1), side).movedim(1, -1)
