"""What the encoders ask of their options and inputs, as one clear sentence where it is not met."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..errors import PhysrepError
from .padding import Edge

AXES = {1: ("X",), 2: ("H", "W"), 3: ("X", "Y", "Z")}
"""Names of the axes of clips by their number."""
ENCODERS_OF_AXES = {1: "conv2d", 2: "conv3d, vit3d or another encoder of two axes", 3: "conv4d"}


def extents(values: Sequence[int], axes: int, what: str) -> tuple[int, ...]:
    """Positive numbers along time and every axis of space, ``axes`` in all.

    Raises:
        PhysrepError: they are not; ``what`` names them.
    """
    if len(values) != axes or min(values) < 1:
        count, names = {2: "two", 3: "three", 4: "four"}[axes], ", ".join(("t", *AXES[axes - 1])).lower()
        raise PhysrepError(f"{what} is {list(values)}; give {count} positive numbers ({names}).")
    return tuple(int(value) for value in values)


def triple(values: Sequence[int], what: str) -> tuple[int, int, int]:
    """`extents` of (t, h, w)."""
    t, h, w = extents(values, 3, what)
    return t, h, w


def edges(periodic: bool | Sequence[bool], axes: int) -> tuple[Edge, ...]:
    """Padding of the axes of space: circular where periodic, else the edge value.

    Raises:
        PhysrepError: neither one truth value nor one per axis.
    """
    each = (periodic,) * axes if isinstance(periodic, bool) else tuple(periodic)
    if len(each) != axes:
        raise PhysrepError(
            f"periodic is {periodic}; give true, false, or one of them for each of the {axes} spatial axes."
        )
    return tuple("circular" if around else "replicate" for around in each)


def spatial_edges(periodic: bool | Sequence[bool]) -> tuple[Edge, Edge]:
    """`edges` of H and W."""
    first, second = edges(periodic, 2)
    return first, second


def encoders_of_axes(axes: int) -> str:
    """Half a sentence: which encoders read fields on so many axes of space."""
    return f"fields on {axes} {'axes' if axes > 1 else 'axis'} of space need {ENCODERS_OF_AXES[axes]}"


def check_clips(x: Tensor, in_channels: int, name: str, axes: int = 2) -> None:
    """Require ``(B, in_channels, T, H, W)``, or ``(B, in_channels, T, X)`` and ``(B, in_channels, T, X, Y, Z)``.

    Raises:
        PhysrepError: another shape.
    """
    if x.dim() == 3 + axes and x.shape[1] == in_channels:
        return
    shape, wanted = tuple(x.shape), f"(B, {in_channels}, T, {', '.join(AXES[axes])})"
    if x.dim() - 3 in AXES and x.dim() != 3 + axes:
        raise PhysrepError(f"{name} wants clips {wanted}, got {shape}: {encoders_of_axes(x.dim() - 3)}.")
    raise PhysrepError(f"{name} wants clips {wanted}, got {shape}; set in_channels to that of the data.")
