"""Channels that others determine, left out before the library is made."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...clip import Clip
from .library import library
from .weak_form import WeakRows, geometry_of

DETERMINED = 1e-6
"""A channel is left out if a linear equation in the channels before it leaves less than this share of it."""
UNIFORM = 1e-10
"""A channel whose variance within every window is below this share of its variance is one number per window."""


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
