"""What a learner is in tables and figures: its kind, its label and its colour, as its class states them.

A class states ``kind`` (inherited), and for itself alone ``label`` and ``colour``: a subclass that says nothing is not
taken for its parent. Whoever states no label goes by the name of its class, or the name that it is registered by;
whoever states no colour gets one that follows from its name and keeps its distance from those of `LEARNERS`. A
benchmark writes all three to the ``summary.json`` of a run, and everything that is drawn or compared reads them there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import PhysrepError
from ..palette import hex_of_oklch, oklab_of_hex

if TYPE_CHECKING:
    from .base import Learner

KINDS = {
    "floor": "Floors",
    "learner": "Learners",
    "finetuned": "With labels, pretrained",
    "oracle": "Oracle (equation given)",
    "unconverged": "With labels, training not converged",
    "ceiling": "Ceiling",
}
"""Kinds of learners in the order of tables, with the headings of their groups. No class states ``unconverged``: a
benchmark says so of the runs of a ceiling that would be lower with more steps."""

LABEL_FREE = ("floor", "learner")
"""Kinds that compete: those that see no labels before the probe."""


CEILINGS = ("ceiling", "unconverged")
"""Kinds of networks that were trained on the labels of the training split and nothing else."""


def row_kind(kinds: Iterable[str]) -> str:
    """Kind of a row of several seeds: that of the first, but ``unconverged`` where the training of any seed is."""
    known = list(kinds)
    return "unconverged" if "unconverged" in known else known[0]


class Identity(NamedTuple):
    """Kind (a key of `KINDS`), label for people, colour ``#rrggbb``."""

    kind: str
    label: str
    colour: str


CONSTANT = Identity("floor", "Constant", "#9a9a9a")
"""The mean of the training labels, the one row of a benchmark that is no learner."""


def identity(learner: Learner | type[Learner], name: str) -> Identity:
    """Kind, label and colour of a learner, stated or by default.

    Args:
        learner: the class or an object of it; an object may state more than its class (``self.kind = "floor"``).
        name: the name by which it is registered, or its import path.

    Raises:
        PhysrepError: a kind that is none of `KINDS`, or a colour that is not written ``#rrggbb``.
    """
    kind = learner.kind
    if kind not in KINDS:
        raise PhysrepError(f"learner {name!r} is of the kind {kind!r}; its class must state one of {', '.join(KINDS)}.")
    # Who reads labels is never compared as a label-free learner, whatever its class says.
    kind = "ceiling" if learner.needs_labels and kind == "learner" else kind
    tint = _stated(learner, "colour") or default_colour(name)
    if not re.fullmatch("#[0-9a-fA-F]{6}", tint):
        raise PhysrepError(f"learner {name!r} states the colour {tint!r}; write it as '#rrggbb'.")
    return Identity(kind, _stated(learner, "label") or default_label(name), tint)


def identity_of_summary(summary: Mapping[str, Any], name: str) -> Identity:
    """What the ``summary.json`` of a run says; keys that it does not hold are those of the learner ``name``.

    Raises:
        PhysrepError: the kind is none of `KINDS`.
    """
    known = identity_of_name(name)
    kind = str(summary.get("kind") or known.kind)
    if kind not in KINDS:
        raise PhysrepError(
            f"a run of {name!r} is of the kind {kind!r}; summary.json must say one of {', '.join(KINDS)}."
        )
    return Identity(kind, str(summary.get("label") or known.label), str(summary.get("colour") or known.colour))


def identity_of_name(name: str) -> Identity:
    """Identity of a name of `LEARNERS`, and the defaults for any other, which is not imported."""
    from . import LEARNERS

    if name == "constant":
        return CONSTANT
    if name in LEARNERS:
        return identity(LEARNERS[name], name)
    return Identity("learner", default_label(name), default_colour(name))


def default_label(name: str) -> str:
    """The registered name itself; of an import path the class."""
    return re.split("[:.]", name)[-1] or name


@cache
def default_colour(name: str) -> str:
    """A saturated colour that follows from the name alone and is none of the registered learners'."""
    taken = np.array([oklab_of_hex(tint) for tint in _registered()])
    best, distance = "#555555", -1.0
    for attempt in range(12):
        digest = hashlib.sha256(f"{name}/{attempt}".encode()).digest()
        tint = hex_of_oklch(0.45 + 0.2 * digest[0] / 255, 0.13, 360 * int.from_bytes(digest[1:3]) / 65536)
        away = float(np.linalg.norm(taken - oklab_of_hex(tint), axis=1).min())
        if away > distance:
            best, distance = tint, away
        if away > 0.05:
            break
    return best


def _registered() -> Iterable[str]:
    from . import LEARNERS

    stated = [_stated(LEARNERS[name], "colour") for name in LEARNERS.own]
    return [CONSTANT.colour, *(tint for tint in stated if tint)]


def _stated(learner: Learner | type[Learner], attribute: str) -> str:
    """What the object or its very class states; parents do not count."""
    kind = learner if isinstance(learner, type) else type(learner)
    own = {} if isinstance(learner, type) else vars(learner)
    return str(own.get(attribute) or vars(kind).get(attribute) or "")
