"""Two linear maps on the channels with a GELU between them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseMLP(nn.Module):
    """``fc2(GELU(fc1(x)))`` on the last axis.

    Args:
        dim: channels.
        hidden: channels between the maps.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))
