"""What linear latent dynamics say: against pixels, against a cosine, of their order, and of one operator for all."""

from __future__ import annotations

from ...benchmark.latent_table import row_text
from ...formats import number
from ...metrics.skill import skill_difference
from .table import StudyAnswer, StudyTable, decided, together


def dynamics(table: StudyTable) -> list[StudyAnswer]:
    """Up to four answers."""
    who = table.subject("koopman")
    if who is None:
        return []
    return [*_skill(table, who), *_cosine(table, who), *_order(table, who), *_shared(table, who)]


def _skill(table: StudyTable, who: str) -> list[StudyAnswer]:
    pixels = table.pixels("koopman")
    parts, found, sure = [], [], []
    for name in table.config.systems:
        rivals = {m: table.value("koopman", name, "order 1", "frame", m, "skill") for m in pixels}
        if not rivals:
            return []
        rival = max(rivals, key=lambda m: rivals[m])
        a, b = (table.arrays[f"rollouts/{name}/{m}"] for m in (who, rival))
        difference = skill_difference(a[0], b[0], a[2], b[2])
        found.append(decided(difference))
        sure.append(f"{name} {row_text(difference)}")
        own, other = (table.get("koopman", name, "order 1", "frame", m, "skill") for m in (who, rival))
        parts.append(f"{name} {row_text(own)} against {row_text(other)} ({table.label(rival)})")
    return [
        StudyAnswer(
            "Do linear dynamics predict it better than pixels?",
            f"Skill of rollouts (R² against the better of persistence and mean trajectory), {table.label(who)}: "
            f"{'; '.join(parts)}.",
            together(found),
            f"difference {'; '.join(sure)}; paired by simulation",
        )
    ]


def _cosine(table: StudyTable, who: str) -> list[StudyAnswer]:
    parts, verdicts = [], []
    for name in table.config.systems:
        own, still, centred = (
            table.value("koopman", name, target, "frame", who, metric)
            for target, metric in (
                ("order 1", "rollout_cosine"), ("persistence", "rollout_cosine"), ("order 1", "rollout_centred_cosine"),
            )
        )  # fmt: skip
        parts.append(f"{name} {number(own, 3)}, standing still {number(still, 3)}, centred {number(centred, 2)}")
        verdicts.append("yes" if own - still > 0.05 else "no")
    return [
        StudyAnswer(
            "Does a high rollout cosine, as published, mean that the dynamics are right?",
            f"{table.label(who)}: {'; '.join(parts)}.",
            together(verdicts),
            "yes only if it is 0.05 above that of a model in which nothing moves, in every set",
        )
    ]


def _order(table: StudyTable, who: str) -> list[StudyAnswer]:
    sets = table.config.systems
    gains = {name: table.get("koopman", name, "order 2 - order 1", "frame", who, "gain") for name in sets}
    waves = [name for name, own in sets.items() if own.system == "damped_wave" and gains.get(name)]
    if not waves or len(sets) < 2:
        return []
    wave, others = gains[waves[0]], [own for name, own in gains.items() if name not in waves and own]
    if wave is None or not others:
        return []
    above = all(wave["low"] > own["high"] for own in others)
    below = any(wave["high"] < own["low"] for own in others)
    listed = ", ".join(f"{name} {row_text(row)}" for name, row in gains.items())
    return [
        StudyAnswer(
            "Does the order of the latent dynamics tell waves from the rest?",
            f"Gain of second over first order in skill, {table.label(who)}: {listed}.",
            "yes" if above else "no" if below else "undecided",
            "yes if the interval of waves lies above all others, no if it lies below one of them",
        )
    ]


def _shared(table: StudyTable, who: str) -> list[StudyAnswer]:
    parts, found = [], []
    for name in table.config.systems:
        cost = table.get("koopman", name, "own - shared", "frame", who, "gain")
        shared = table.get("koopman", name, "shared operator", "frame", who, "skill")
        if cost is None:
            return []
        parts.append(f"{name} {row_text(shared)}, its own operator {row_text(cost)} more")
        found.append("no" if cost["low"] > 0.02 else "yes" if cost["high"] < 0.02 else "undecided")
    return [
        StudyAnswer(
            "Is one linear operator enough for all equations?",
            f"Skill of the shared operator, {table.label(who)}: {'; '.join(parts)}.",
            together(found),
            "no if an operator of its own gains more than 0.02 on some set",
        )
    ]
