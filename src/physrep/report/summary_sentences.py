"""The result in one to three sentences, generated from the numbers."""

from __future__ import annotations

import math

from ..benchmark.entries import Entry, Headline, Score
from ..benchmark.names import probe_name
from ..metrics import Difference
from .formats import number, signed

_MAIN = ("trajectory", "test", "mse")


def answer(found: Headline, difference: Difference | None = None) -> list[str]:
    """Sentences on the learner, its comparison with the best floor, and with the ceiling.

    Args:
        found: the entries to compare.
        difference: MSE of the learner minus MSE of the floor with its interval; the last entry is the mean over
            parameters. Without it the two intervals are compared.
    """
    if found.learner is None:
        return [_without_learner(found)]
    learner = found.learner
    if not math.isfinite(learner.value):
        return [f"On the test split of {found.system}, {_name(learner)} has no finite score: it diverged or is absent."]
    sentences = [
        f"On the test split of {found.system}{_count(learner)}, {_name(learner)} reaches a mean MSE of "
        f"{_score(learner.score())} per trajectory (of z-scored parameters; 1 is a constant prediction)"
        + ("" if learner.value < 1 else ", so it is no better than that")
        + "."
    ]
    sentences.append(f"{_against_floor(learner, found.floor, difference)} {_against_ceiling(learner, found)}")
    if found.floor is not None:
        sentences += _per_parameter(learner, found.floor)
    if found.others:
        listed = ", ".join(f"{_name(entry)} {_score(entry.score())}" for entry in found.others)
        count = len(found.others) + 1
        sentences.append(f"It is the best of {count} learners on valid; the others reach on test: {listed}.")
    return sentences


def _per_parameter(learner: Entry, floor: Entry) -> list[str]:
    """A mean can hide that one parameter is learned and another is not."""
    names = dict.fromkeys(name for level, split, metric, name in learner.scores if (level, split, metric) == _MAIN)
    parts = [
        f"{name} {number(learner.score(name).value)} against {number(floor.score(name).value)}"
        for name in names
        if name != "mean" and math.isfinite(learner.score(name).value) and math.isfinite(floor.score(name).value)
    ]
    return [f"By parameter, {learner.label} against that floor: {', '.join(parts)}."] if len(parts) > 1 else []


def _name(entry: Entry) -> str:
    label = entry.label[0].lower() + entry.label[1:] if entry.kind == "floor" else entry.label
    return f"{label} ({probe_name(entry.probe)} probe)" if entry.probe not in ("", "head") else label


def _score(score: Score) -> str:
    if math.isfinite(score.low) and math.isfinite(score.high):
        return f"{number(score.value)} [{number(score.low)}, {number(score.high)}]"
    return number(score.value)


def _count(entry: Entry) -> str:
    return f" ({entry.trajectories} trajectories)" if entry.trajectories else ""


def _without_learner(found: Headline) -> str:
    parts = [
        f"the best floor, {_name(entry)}, reaches a mean MSE of {_score(entry.score())} per trajectory"
        if entry is found.floor
        else f"the ceiling, {_name(entry)}, {_score(entry.score())}"
        for entry in (found.floor, found.ceiling)
        if entry is not None
    ]
    text = " and ".join(parts) if parts else "there are no finite scores"
    return f"No self-supervised learner was run on {found.system}; {text}."


def _against_floor(learner: Entry, floor: Entry | None, difference: Difference | None) -> str:
    if floor is None:
        return "No floor was run, so it is unknown whether this is more than simple statistics give."
    gap = learner.value - floor.value
    reference = f"the best floor, {_name(floor)} with {_score(floor.score())}"
    paired = difference is not None and math.isfinite(difference.low[-1]) and math.isfinite(difference.high[-1])
    if paired:
        assert difference is not None
        low, high = float(difference.low[-1]), float(difference.high[-1])
        evidence = f"paired difference {signed(gap)} [{signed(low)}, {signed(high)}]"
        clear = high < 0 or low > 0
    else:
        ours, theirs = learner.score(), floor.score()
        clear = ours.high < theirs.low or ours.low > theirs.high
        known = all(math.isfinite(x) for x in (*ours, *theirs))
        evidence = f"the intervals {'do not overlap' if clear else 'overlap'}" if known else "without intervals"
    share = ""
    if floor.value > 0 and gap != 0:
        times = learner.value / floor.value
        share = f", {100 * abs(gap) / floor.value:.0f} % {'lower' if gap < 0 else 'higher'}"
        share = f", {times:.1f} times as high" if times > 2 else share
    if gap < 0 and clear:
        return f"This beats {reference}{share} ({evidence})."
    if gap < 0:
        return f"This is nominally below {reference}{share}, but the two are not clearly apart ({evidence})."
    if clear:
        return f"This does not beat {reference}: it is clearly worse{share} ({evidence})."
    return f"This does not beat {reference}{share}; the two are not clearly apart ({evidence})."


def _against_ceiling(learner: Entry, found: Headline) -> str:
    floor, ceiling = found.floor, found.ceiling
    if ceiling is None or not math.isfinite(ceiling.value):
        return "There is no supervised ceiling to say how much is possible."
    name = _name(ceiling).removeprefix("Supervised").strip()
    reference = f"the supervised ceiling{' ' + name if name else ''} reaches {_score(ceiling.score())}"
    subject = learner.label
    if floor is not None and ceiling.value >= floor.value:
        below = f" (and is above {subject})" if ceiling.value > learner.value else ""
        return (
            f"{_capital(reference)}{below}, which does not beat the best floor either, so there is no gap to close: "
            "either the ceiling is undertrained, or the floor already holds what it could learn."
        )
    if learner.value <= ceiling.value:
        return f"{_capital(reference)}; {subject} is at or below it, so this ceiling is no upper limit here."
    if floor is None:
        return f"{_capital(reference)}."
    if learner.value >= floor.value:
        return f"{_capital(reference)}; {subject} closes none of the gap between floor and ceiling."
    closed = closed_gap(learner, floor, ceiling)
    return f"{_capital(reference)}; {subject} closes {closed} of the gap between floor and ceiling."


def closed_gap(learner: Entry, floor: Entry, ceiling: Entry) -> str:
    """``(floor - learner) / (floor - ceiling)`` in percent; nothing where the learner is not between the two."""
    if not ceiling.value < learner.value < floor.value:
        return ""
    share = 100 * (floor.value - learner.value) / (floor.value - ceiling.value)
    return "less than 1 %" if share < 1 else f"{min(round(share), 99)} %"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
