"""Channels that others determine, left out before the library is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ...clip import Clip
from ...errors import PhysrepError
from .geometry import geometry_of
from .library import library
from .weak_form import WeakRows

DETERMINED = 1e-6
"""A channel is left out if a linear equation in the channels before it leaves less than this share of it."""
UNIFORM = 1e-10
"""A channel whose variance within every window is below this share of its variance is one number per window."""


def default_modes(clip: Clip) -> tuple[int, ...]:
    """Largest mode of the test functions per axis: an eighth of the points, 2 to 8, and 5 of an axis with ends."""
    sizes = zip(clip.fields.shape[3:], clip.periodic, strict=True)
    return tuple(max(2, min(8, n // 8)) if around else 5 for n, around in sizes)


def kept_channels(
    clip: Clip, fields: torch.Tensor, channels: Sequence[str], modes: Sequence[int], say: Callable[[str], None]
) -> list[str]:
    """Channels that are fields of their own; what is left out is said.

    Args:
        clip, fields, channels, modes: as of `independent`.
        say: takes sentences.

    Raises:
        PhysrepError: no channel varies in space or time.
    """
    labels = uniform(fields, channels)
    for name in labels:
        say(f"channel {name} is left out: it is one number per window, as a label would be")
    left = [name for name in channels if name not in labels]
    if not left:
        raise PhysrepError("operator_discovery: every channel is one number per window; give fields that vary.")
    kept = independent(clip, fields[:, [channels.index(name) for name in left]], left, modes)
    for name in [name for name in left if name not in kept]:
        say(f"channel {name} is left out: the others determine it")
    return kept


def uniform(fields: torch.Tensor, channels: Sequence[str]) -> list[str]:
    """Channels that are one number per window: a label, or a clock, that was stored as a field.

    As a column it would give the coefficients of every trajectory away, and nothing would be left to discover.

    Args:
        fields: normalised fields of some windows, ``(B, C, T, *S)``.
        channels: names.
    """
    within = fields.double().flatten(2).var(2, correction=0).amax(0)
    return [name for name, value in zip(channels, within.tolist(), strict=True) if value < UNIFORM]


def independent(clip: Clip, fields: torch.Tensor, channels: Sequence[str], modes: Sequence[int]) -> list[str]:
    """Channels that are no linear combination of the channels before them and their derivatives up to second order.

    So the second off-diagonal entry of a symmetric tensor, the last entry of a diagonal with a constant trace, or the
    strain beside the velocity bring no columns that exist already.

    Args:
        clip: some windows, for their geometry.
        fields: their normalised fields.
        channels: names.
        modes: of the test functions.
    """
    terms = library(channels, False, (1,), len(clip.periodic))
    x, _ = WeakRows(geometry_of(clip, modes), terms, channels, fields.device).view(fields.double())
    x = x.flatten(0, 1)
    x = x / x.square().mean(0).sqrt().clamp_min(1e-30)
    kept: list[str] = []
    for channel in channels:
        target = next(i for i, term in enumerate(terms) if term.name() == channel)
        basis = [i for i, term in enumerate(terms) if not term.factors or term.factors[0][0] in kept]
        found = torch.linalg.lstsq(x[:, basis], x[:, target], driver="gelsd").solution
        left = (x[:, target] - x[:, basis] @ found).square().mean() / x[:, target].square().mean().clamp_min(1e-30)
        if float(left) > DETERMINED:
            kept.append(channel)
    return kept
