"""The part of an equation that is given: terms by the names that `physrep equation` prints, with their coefficients."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.derivatives import derivative

AXES = "xyz"
Known = Mapping[str, Mapping[str, float]]
"""Channel to its terms, each with a coefficient: ``{tracer: {"d_x(tracer velocity_x)": -1}}``."""


@dataclass(frozen=True)
class KnownTerm:
    """``coefficient ∂^order (product of factors)`` in the rate of change of a channel, in physical units."""

    channel: str
    coefficient: float
    factors: tuple[str, ...]
    order: tuple[int, ...]


def known_terms(known: Known, channels: Sequence[str], axes: int, where: str) -> list[KnownTerm]:
    """Terms from plain data, checked against the channels.

    Args:
        known: what is given.
        channels: of the fields.
        axes: axes of space.
        where: for messages.

    Raises:
        PhysrepError: a channel that the fields do not have, or a text that is no term.
    """
    found = []
    for channel, terms in known.items():
        for text, coefficient in terms.items():
            match = re.fullmatch(r"(?:d_([xyz]+)\((.*)\)|(.*))", text.strip(), re.S)
            assert match is not None
            letters, factors = match[1] or "", (match[2] or match[3] or "").split()
            unknown = next((name for name in (channel, *factors) if name not in channels), None)
            if unknown is not None or not factors:
                raise PhysrepError(
                    f"{where}: {text!r} in the rate of {channel!r} names {unknown or 'no channel'!r}; write products "
                    f"of channels ({', '.join(channels)}), with a derivative as in 'd_x(tracer velocity_x)'."
                )
            if any(AXES.index(letter) >= axes for letter in letters) or not math.isfinite(float(coefficient)):
                raise PhysrepError(
                    f"{where}: {coefficient} {text!r} is no term on {axes} axes ({', '.join(AXES[:axes])}); give "
                    "derivatives along these and a finite coefficient."
                )
            order = tuple(letters.count(axis) for axis in AXES[:axes])
            found.append(KnownTerm(channel, float(coefficient), tuple(factors), order))
    return found


def known_rate(terms: Sequence[KnownTerm], state: Tensor, channels: Sequence[str], clip: Clip) -> Tensor:
    """What the terms give, ``(B, C, *S)``, per unit of time.

    Args:
        terms: of `known_terms`.
        state: fields in physical units, ``(B, C, *S)``.
        channels: theirs, in order.
        clip: whose grid it is.
    """
    at = {name: i for i, name in enumerate(channels)}
    products: dict[tuple[int, ...], Tensor] = {}
    for term in terms:
        value = term.coefficient * state[:, [at[name] for name in term.factors]].prod(1)
        sums = products.setdefault(term.order, torch.zeros_like(state))
        sums[:, at[term.channel]] = sums[:, at[term.channel]] + value
    rate = torch.zeros_like(state)
    for order, sums in products.items():
        rate = rate + derivative(sums, order, clip.dx, clip.periodic, clip.coordinates)
    return rate
