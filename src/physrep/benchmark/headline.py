"""The first screen: which learner, by how much over the best floor, how sure that is, and what it took."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..formats import count, interval, number, percent, signed
from ..metrics import Difference
from ..metrics.score import Score
from ..progress import duration
from .directory import Bench
from .entries import Entry, Headline, headline
from .names import probe_name


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


def lead_of(bench: Bench, system: str) -> Lead:
    """Verdict and numbers of one system of a benchmark."""
    found = headline(bench.entries, system)
    difference = bench.difference(found.learner, found.floor) if found.learner and found.floor else None
    shown = lead(found, difference, [parameter["name"] for parameter in bench.parameters(system)])
    if found.learner is not None and (made := making(bench, found.learner)):
        shown.facts.insert(1, Fact("Made with", made))
    return shown


def lead(found: Headline, difference: Difference | None, parameters: list[str] | None = None) -> Lead:
    """Verdict and numbers.

    Args:
        found: the entries to compare.
        difference: MSE of the learner minus MSE of the floor, paired; the last entry is the mean over parameters.
        parameters: names, for a benchmark that has nothing but floors.
    """
    learner, floor, ceiling = found.learner, found.floor, found.ceiling
    if learner is None:
        return _without_learner(found, parameters or [])
    if not math.isfinite(learner.value):
        shown = [entry for entry in (floor, ceiling) if entry is not None]
        facts = [_score(entry, _role(entry)) for entry in shown]
        return Lead(f"{learner.label} has no finite score: it diverged or is absent.", "none", "#666666", facts)
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
        facts.append(Fact("Paired difference", signed(gap), f"95 % {interval(Score(gap, low, high), signed)}"))
        # Resamples of one seed say nothing of how another one would do.
        if len(learner.runs) > 1:
            facts.append(Fact("Better than the floor", percent(chance), "of resamples of trajectories and seeds"))
    if ceiling is not None and math.isfinite(ceiling.value):
        share_closed = closed_gap(learner, floor, ceiling)
        note = f"{share_closed} of the gap to it closed" if share_closed else ""
        if ceiling.kind == "unconverged":
            count_of = f" ({ceiling.unconverged} of {len(ceiling.runs)} seeds)" if len(ceiling.runs) > 1 else ""
            note = f"no ceiling: more steps would lower it{count_of}"
        facts.append(Fact(_role(ceiling), number(ceiling.value), note))
    return Lead(verdict, tone, learner.colour, facts)


def making(bench: Bench, entry: Entry) -> str:
    """Encoder, steps, clips and time of the first run of an entry, as far as they were recorded."""
    run = bench.runs.get(entry.runs[0])
    if run is None:
        return ""
    summary, parts = run.summary, []
    if (encoder := summary.get("encoder")) not in (None, "", "none"):
        parts.append(f"encoder {encoder}")
    for key, word in (("steps", "steps"), ("clips_seen", "clips")):
        if isinstance(value := summary.get(key), int | float) and value > 0:
            parts.append(f"{count(float(value))} {word}")
    if isinstance(seconds := summary.get("seconds"), int | float) and seconds > 0:
        parts.append(duration(float(seconds)))
    return ", ".join(parts) + (f"; {len(entry.runs)} seeds" if parts and len(entry.runs) > 1 else "")


def _without_learner(found: Headline, parameters: list[str]) -> Lead:
    """A benchmark of floors (and ceilings) says what the floors read."""
    floor, ceiling = found.floor, found.ceiling
    shown = [entry for entry in (floor, ceiling) if entry is not None and math.isfinite(entry.value)]
    facts = [_score(entry, _role(entry)) for entry in shown]
    if floor is None:
        said = f"{ceiling.label} reads" if ceiling in shown and ceiling else "There are no finite scores"
        what = f" {' and '.join(parameters) or 'the parameters'} with a mean MSE of {facts[0].value}" if facts else ""
        return Lead(f"{said}{what}.", "none", "#666666", facts)
    names = ", ".join(parameters[:-1]) + " and " + parameters[-1] if len(parameters) > 1 else "".join(parameters)
    verdict = f"{floor.label} {'tell' if floor.label.endswith('s') else 'tells'} {names or 'the parameters'} "
    verdict += f"with a mean MSE of {facts[0].value}, the best of the floors (no learner was run)."
    return Lead(verdict, "none", floor.colour, facts)


def closed_gap(learner: Entry, floor: Entry, ceiling: Entry) -> str:
    """``(floor - learner) / (floor - ceiling)`` in percent; nothing where the learner is not between the two."""
    if not ceiling.value < learner.value < floor.value:
        return ""
    share = 100 * (floor.value - learner.value) / (floor.value - ceiling.value)
    return "less than 1 %" if share < 1 else f"{min(round(share), 99)} %"


def _share(value: float, floor: float) -> str:
    """By how much: in per cent, or as a multiple where that is easier to read."""
    if floor <= 0:
        return ""
    if value > 2 * floor:
        return f"{value / floor:.0f} times as high" if value > 9.5 * floor else f"{value / floor:.1f} times as high"
    if value < 0.1 * floor:
        times = floor / value if value > 0 else math.inf
        return f"{times:.0f} times lower" if times < 1000 else "more than 1000 times lower"
    return f"{100 * abs(value - floor) / floor:.0f}\u00a0% {'lower' if value < floor else 'higher'}"


def _role(entry: Entry) -> str:
    return {"floor": "Best floor", "ceiling": "Supervised ceiling"}.get(entry.kind, "Supervised, not converged")


def _score(entry: Entry, name: str) -> Fact:
    score = entry.score()
    parts = [interval(score)] if interval(score) else []
    probe = probe_name(entry.probe)
    if not name.startswith(entry.label):
        parts.append(entry.label)
    if probe not in ("–", "none"):
        parts.append(f"{probe} probe" if probe != "own head" else probe)
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
