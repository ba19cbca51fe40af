"""Instruments by name: usual combinations of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Steps = list[dict[str, Any]]


def camera(
    fields: Sequence[str] | None = None,
    noise: float | Sequence[float] = (0.01, 0.1),
    blur: float | Sequence[float] = (0.0, 0.5),
    gain: Sequence[float] | None = (0.5, 2.0),
    offset: float = 0.5,
    bits: int = 8,
) -> Steps:
    """A scalar through a camera: blur, read-out noise of unknown strength, unknown exposure and black level, 8 bit.

    Args:
        fields: what is seen; default all.
        noise, blur, gain, offset, bits: of the steps `Noise`, `Blur`, `Gain`, `Offset`, `Quantise`; a gain of None is
            a calibrated camera, without unknown gain and offset.
    """
    steps: Steps = [{"fields": {"names": list(fields)}}] if fields else []
    steps += [{"blur": {"sigma": blur}}, {"noise": {"level": noise}}]
    if gain is not None:
        steps += [{"gain": {"factor": gain}}, {"offset": {"size": offset}}]
    return [*steps, {"quantise": {"bits": bits}}]


def piv(
    fields: Sequence[str] = ("velocity",),
    window: int = 2,
    noise: float | Sequence[float] = (0.02, 0.1),
    length: float = 1.0,
    lost: float = 0.02,
) -> Steps:
    """Particle image velocimetry: velocity alone, averaged over interrogation windows, noise that neighbours share
    since windows overlap, and vectors that are missing.

    Args:
        fields: what is measured.
        window: points of the simulation per interrogation window.
        noise, length: of the step `Noise`.
        lost: share of vectors that are missing, replaced by the mean.
    """
    return [
        {"fields": {"names": list(fields)}},
        {"coarsen": {"factor": window}},
        {"noise": {"level": noise, "length": length}},
        {"mask": {"pixels": lost}},
    ]


def shadowgraph(
    fields: Sequence[str] = ("buoyancy",),
    noise: float | Sequence[float] = (0.01, 0.1),
    blur: float | Sequence[float] = (0.5, 1.0),
    bits: int = 8,
) -> Steps:
    """The second derivative of a scalar as brightness, blurred, with noise, unknown exposure and 8 bit.

    Args:
        fields: the scalar that bends light.
        noise, blur, bits: of the steps `Noise`, `Blur`, `Quantise`.
    """
    return [
        {"fields": {"names": list(fields)}},
        {"laplacian": {}},
        {"blur": {"sigma": blur}},
        {"noise": {"level": noise}},
        {"gain": {"factor": [0.5, 2.0]}},
        {"quantise": {"bits": bits}},
    ]


COMBINATIONS: dict[str, Callable[..., Steps]] = {"camera": camera, "piv": piv, "shadowgraph": shadowgraph}
"""Instruments by name; each is a function from options to a list of steps."""
