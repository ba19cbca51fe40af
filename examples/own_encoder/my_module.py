"""An encoder of your own; nothing in it knows physrep."""

import torch
from torch import nn


class MyEncoder(nn.Module):
    """Patches in space, differences in time: tokens ``(B, T - 1 times patches, dim)``.

    Args:
        in_channels: channels of the fields; given by the caller because of its name.
        dim: width of a token.
        patch: points per side of a patch.
    """

    def __init__(self, in_channels: int, dim: int = 32, patch: int = 8) -> None:
        super().__init__()
        self.patch = patch
        self.embed_dim = dim
        self.project = nn.Conv3d(2 * in_channels, dim, kernel_size=(1, patch, patch), stride=(1, patch, patch))
        self.mix = nn.Sequential(nn.GELU(), nn.Conv3d(dim, dim, kernel_size=1))

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        pairs = torch.cat([fields[:, :, 1:], fields.diff(dim=2)], dim=1)
        return self.mix(self.project(pairs)).flatten(2).transpose(1, 2)

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        return frames - 1, height // self.patch, width // self.patch
