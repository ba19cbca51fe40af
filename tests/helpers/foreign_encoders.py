"""Encoders as others write them: each wants its input in its own way and gives something else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


class _Patches(nn.Module):
    """Patches of 2 x 8 x 8 points, one layer."""

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Conv3d(in_channels, dim, (2, 8, 8), stride=(2, 8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.project(x))


@dataclass
class Output:
    pooler_output: Tensor
    last_hidden_state: Tensor


class OutputObject(_Patches):
    """(B, T, C, H, W) with three colours, as the transformers library has it; gives a dataclass."""

    def __init__(self, dim: int = 12) -> None:
        super().__init__(3, dim)

    def forward(self, x: Tensor) -> Output:  # type: ignore[override]
        assert x.shape[2] == 3
        tokens = super().forward(x.transpose(1, 2)).flatten(2).transpose(1, 2)
        return Output(tokens.mean(1), tokens)


class FramesFirst(_Patches):
    """(B, T, C, H, W), as many channels as there are fields; gives (B, D, t, h, w)."""

    def __init__(self, in_channels: int, dim: int = 12) -> None:
        super().__init__(in_channels, dim)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2))


class OnlySquares(nn.Module):
    """Single colour images of 32 x 32 points; gives a dictionary."""

    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, dim, 8, stride=8)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        assert x.shape[1:] == (3, 32, 32), x.shape
        return {"x_norm_patchtokens": self.project(x).flatten(2).transpose(1, 2)}


class OneVector(_Patches):
    """Channels last; gives (B, D)."""

    def __init__(self, in_channels: int, dim: int = 12) -> None:
        super().__init__(in_channels, dim)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 4, 1, 2, 3)).mean((2, 3, 4))


class Dead(nn.Module):
    """Gives the same whatever it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.ones(len(x), 4, 6)


class Knowing(nn.Module):
    """Gives the one number that the floors of the test do not know: the mean product of two fields."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] * x[:, 1]).mean((1, 2, 3))[:, None].expand(-1, 2)
