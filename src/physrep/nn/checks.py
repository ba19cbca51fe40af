"""What the encoders ask of their options and inputs, as one clear sentence where it is not met."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..errors import PhysrepError
from .padding import Edge


def triple(values: Sequence[int], what: str) -> tuple[int, int, int]:
    """Three positive numbers (t, h, w).

    Raises:
        PhysrepError: they are not; ``what`` names them.
    """
    if len(values) != 3 or min(values) < 1:
        raise PhysrepError(f"{what} is {list(values)}; give three positive numbers (t, h, w).")
    return int(values[0]), int(values[1]), int(values[2])


def spatial_edges(periodic: bool | Sequence[bool]) -> tuple[Edge, Edge]:
    """Padding of H and W: circular where periodic, else the edge value.

    Raises:
        PhysrepError: neither one truth value nor two.
    """
    axes = (periodic, periodic) if isinstance(periodic, bool) else tuple(periodic)
    if len(axes) != 2:
        raise PhysrepError(f"periodic is {periodic}; give true, false, or one of them for each of the 2 spatial axes.")
    return ("circular" if axes[0] else "replicate"), ("circular" if axes[1] else "replicate")


def check_clips(x: Tensor, in_channels: int, name: str) -> None:
    """Require ``(B, in_channels, T, H, W)``.

    Raises:
        PhysrepError: another shape.
    """
    if x.dim() != 5 or x.shape[1] != in_channels:
        shape = tuple(x.shape)
        raise PhysrepError(
            f"{name} wants clips (B, {in_channels}, T, H, W), got {shape}; set in_channels to that of the data."
        )
