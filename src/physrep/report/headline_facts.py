"""The first screen: which learner, by how much over the best floor, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..benchmark.entries import Entry, Headline, Score
from ..benchmark.names import probe_name
from ..metrics import Difference
from .formats import number, percent, signed
from .summary_sentences import closed_gap


@dataclass
class Fact:
    """One number of the first screen: what it is, the number, and what belongs to it in small print."""

    name: str
    value: str
    note: str = ""


@dataclass
class Lead:
    """The first screen for one system.

    Attributes:
        verdict: one line.
        tone: ``better``, ``unclear`` or ``worse`` than the best floor, or ``none`` where there is nothing to compare.
        tint: colour of the learner.
        facts: numbers in the order of reading.
    """

    verdict: str
    tone: str
    tint: str
    facts: list[Fact]


def lead(found: Headline, difference: Difference | None) -> Lead:
    """Verdict and numbers.

    Args:
        found: the entries to compare.
        difference: MSE of the learner minus MSE of the floor, paired; the last entry is the mean over parameters.
    """
    learner, floor, ceiling = found.learner, found.floor, found.ceiling
    if learner is None or not math.isfinite(learner.value):
        subject = "No self-supervised learner was run" if learner is None else f"{learner.label} has no finite score"
        shown = [entry for entry in (floor, ceiling) if entry is not None]
        return Lead(f"{subject}.", "none", "#666666", [_score(entry, _role(entry)) for entry in shown])
    facts = [_score(learner, f"{learner.label}, test MSE")]
    if found.others:
        facts[0].note += f"; best of {len(found.others) + 1} learners on valid"
    if floor is None:
        return Lead(f"{learner.label}: no floor to compare with.", "none", learner.colour, facts)
    gap = learner.value - floor.value
    tone = _tone(learner, floor, difference)
    share = _share(learner.value, floor.value)
    verdict = {
        "better": f"{learner.label} beats the best floor: error {share}.",
        "worse": f"{learner.label} does not beat the best floor: error {share}.",
        "unclear": f"{learner.label} and the best floor are not clearly apart.",
    }[tone]
    facts.append(_score(floor, "Best floor"))
    if difference is not None and math.isfinite(float(difference.low[-1] + difference.high[-1])):
        low, high, chance = (float(part[-1]) for part in (difference.low, difference.high, difference.probability))
        facts.append(Fact("Paired difference", signed(gap), f"95 % [{signed(low)}, {signed(high)}]"))
        facts.append(Fact("Better than the floor", percent(chance), "of paired resamples of test trajectories"))
    if ceiling is not None and math.isfinite(ceiling.value):
        share_closed = closed_gap(learner, floor, ceiling)
        note = f"{share_closed} of the gap to it closed" if share_closed else ""
        facts.append(Fact("Supervised ceiling", number(ceiling.value), note))
    return Lead(verdict, tone, learner.colour, facts)


def _share(value: float, floor: float) -> str:
    """By how much: in per cent, or as a multiple where that is easier to read."""
    if floor <= 0:
        return ""
    if value > 2 * floor:
        return f"{value / floor:.0f} times as high" if value > 9.5 * floor else f"{value / floor:.1f} times as high"
    return f"{100 * abs(value - floor) / floor:.0f}\u00a0% {'lower' if value < floor else 'higher'}"


def _role(entry: Entry) -> str:
    return "Best floor" if entry.kind == "floor" else "Supervised ceiling"


def _score(entry: Entry, name: str) -> Fact:
    score = entry.score()
    parts = [f"[{number(score.low)}, {number(score.high)}]"] if math.isfinite(score.low + score.high) else []
    probe = probe_name(entry.probe)
    if not name.startswith(entry.label):
        parts.append(entry.label)
    if probe not in ("–", "none"):
        parts.append(probe)
    return Fact(name, number(score.value), ", ".join(parts))


def _tone(learner: Entry, floor: Entry, difference: Difference | None) -> str:
    if difference is not None and math.isfinite(float(difference.low[-1] + difference.high[-1])):
        low, high = float(difference.low[-1]), float(difference.high[-1])
    else:
        ours, theirs = learner.score(), floor.score()
        low, high = _apart(ours, theirs)
    return "better" if high < 0 else "worse" if low > 0 else "unclear"


def _apart(ours: Score, theirs: Score) -> tuple[float, float]:
    """Limits of the difference as far as two intervals tell: they do not overlap, or it may be 0."""
    low, high = ours.low - theirs.high, ours.high - theirs.low
    return (low, high) if math.isfinite(low + high) else (-math.inf, math.inf)
