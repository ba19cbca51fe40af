"""What a readout said of recordings, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..formats import interval_digits, quantity
from .answer import LEVEL
from .held_out import POOL, TRAIN, VALID_FOLDS
from .local_width import FEWEST
from .records import Answers

if TYPE_CHECKING:
    from . import Readout

SOURCES = {
    TRAIN: ("train", " (each predicted by a probe without it)"),
    VALID_FOLDS: ("valid", " (each predicted with settings chosen without it)"),
    POOL: ("pooled", " (each predicted by a probe without it)"),
}
"""Split and manner of the errors that intervals come from, in words."""

THIRDS_FROM = 30
"""Test trajectories from which on the coverage of thirds is told: ten in each."""


def first_sentence(answers: Answers) -> str:
    """How many recordings are outside, or at the edge, of what was learned."""
    outside, edge = (sum(answer.verdict == level for _, answer in answers) for level in (2, 1))
    if outside:
        return f"{outside} of {len(answers)} recordings are OUTSIDE of what was learned; do not trust them."
    more = f", {edge} at its edge" if edge else ""
    return f"{len(answers) - edge} of {len(answers)} recordings are inside of what was learned{more}."


def facts(readout: Readout) -> list[str]:
    """How good the probe, the intervals and the verdicts were on test."""
    whole = readout.trajectories
    thirds = whole.thirds if whole.n_test >= THIRDS_FROM and whole.thirds else [[]] * len(whole.coverage)
    covered = ", ".join(map(_covered, readout.scaler.names, whole.coverage, thirds))
    each = "; ".join(f"{name} {novelty.false_alarms[1]:.1%}" for name, novelty in readout.background.novelty.items())
    chosen = " on which it chose its settings" if readout.probe is not None else ""
    split, how = SOURCES.get(whole.source, ("valid", chosen))
    errors = f"{whole.n_valid} {split} trajectories{how}"
    quality = f"probe {readout.name}, test MSE {readout.quality:.3g} (z-scored, constant = 1)"
    if all(map(math.isfinite, whole.half_width)):
        widths = (
            f"; {whole.level:.0%} intervals per trajectory from {errors} cover on {whole.n_test} test trajectories: "
        )
        stated = [quality + widths + covered, *_one_width(readout)]
    else:
        stated = [f"{errors} are too few for {whole.level:.0%} intervals; these are endless", quality]
    edge, outside = readout.false_alarms
    return [
        *stated,
        f"false alarms on test: {edge:.1%} at the edge or outside, {outside:.1%} outside ({each})",
    ]


def _covered(name: str, share: float, thirds: list[float]) -> str:
    """Coverage of one parameter, of all test trajectories and of those with low, middle and high values."""
    each = f" ({' | '.join(f'{own:.0%}' for own in thirds)} of low | middle | high values)" if thirds else ""
    return f"{name} {share:.0%}{each}"


def _one_width(readout: Readout) -> list[str]:
    """Whose intervals are as wide at every value, which is said; those of others follow the estimate."""
    whole = readout.trajectories
    local = whole.local or [None] * len(whole.half_width)
    fixed = [name for name, own in zip(readout.scaler.names, local, strict=True) if own is None]
    if not fixed:
        return []
    why = (
        f"fewer than {FEWEST} errors"
        if whole.local
        else "stored by a former version; fit the readout again to change it"
    )
    return [f"intervals of {', '.join(fixed)} have one width for all values ({why}), and cover on average only"]


def posterior_facts(answers: Answers) -> list[str]:
    """What the posterior was given, and what it holds for."""
    drawn = next((answer.posterior for _, answer in answers if answer.posterior is not None), None)
    if drawn is None:
        return []
    return [
        f"posterior of {drawn.features}: median and {LEVEL:.0%} interval of {len(drawn.values)} draws, inside the "
        "range of the training set, which is its prior; outside of what was learned it says nothing"
    ]


def answers_as_text(readout: Readout, answers: Answers) -> str:
    """For a terminal, what is strange first."""
    lines = [first_sentence(answers)] if any(answer.verdict == 2 for _, answer in answers) else []
    for recording, answer in answers:
        lines.append(f"{recording.source}, trajectory {recording.trajectory}: {answer.word}")
        lines += [f"  ! {reason}" for reason in answer.reasons]
        for k, name in enumerate(answer.parameters):
            digits = interval_digits(answer.low[k], answer.high[k])
            interval = f"[{quantity(answer.low[k], digits)}, {quantity(answer.high[k], digits)}]"
            known = recording.parameters.get(name)
            stated = "" if known is None else f"   (the file says {quantity(known, digits)})"
            lines.append(f"  {name:<16} {quantity(answer.estimate[k], digits):>10}  {interval}{stated}")
            if answer.posterior is not None:
                low, middle, high = (quantity(v[k]) for v in answer.posterior.interval())
                lines.append(f"  {'posterior':>16} {middle:>10}  [{low}, {high}]")
    return "\n".join([*lines, "", *facts(readout), *posterior_facts(answers)])
