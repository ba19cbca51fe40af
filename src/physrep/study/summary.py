"""The answers of a study in sentences, generated from its numbers, and the files that hold the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_json, write_text
from ..metrics import paired_difference
from ..report.style import number
from .config import FTCS, StudyConfig
from .data import StudyData
from .figures import label

FIT = ("parameters", "koopman", "spatial_head", "classification", "naming")
"""Analyses in fit_metrics.json; falsification_metrics.json holds the comparison with pixels."""


FLOORS = ("pixels", "statistics")
"""Kinds of encoders that any claim has to beat."""


@dataclass(frozen=True)
class Answer:
    """One question of the study.

    Attributes:
        question: what was asked.
        text: the answer, with numbers.
        verdict: ``yes``, ``no``, ``undecided`` or ``not asked``.
        sure: on what the verdict rests.
    """

    question: str
    text: str
    verdict: str
    sure: str


class Table:
    """Lookup in the long table."""

    def __init__(self, config: StudyConfig, rows: Sequence[dict[str, Any]]) -> None:
        self.config, self.rows = config, rows
        self._index = {
            tuple(row[k] for k in ("analysis", "set", "target", "level", "modality", "metric")): row for row in rows
        }

    def get(self, *key: str) -> dict[str, Any] | None:
        """The row of (analysis, set, target, level, modality, metric)."""
        return self._index.get(key)

    def modalities(self, analysis: str) -> list[str]:
        """Those that an analysis scored, in the order of the configuration."""
        found = {row["modality"] for row in self.rows if row["analysis"] == analysis}
        return [name for name in self.config.encoders if name in found]

    def floors(self, analysis: str) -> list[str]:
        """Pixels and field statistics."""
        return [name for name in self.modalities(analysis) if self.kind(name) in FLOORS]

    def kind(self, modality: str) -> str:
        """Kind of an encoder."""
        return self.config.encoders[modality].kind


def subject(table: Table, analysis: str) -> str | None:
    """The modality that the questions are about: V-JEPA 2, else an encoder of one's own, else the random one."""
    names = table.modalities(analysis)
    for kind in ("vjepa2", "run", "pretrain", "random_vjepa2"):
        found = next((name for name in names if table.kind(name) == kind), None)
        if found:
            return found
    return None


def answers(
    config: StudyConfig, data: StudyData, rows: Sequence[dict[str, Any]], predictions: Mapping[str, np.ndarray]
) -> list[Answer]:
    """All answers, the main question first."""
    table = Table(config, rows)
    found: list[Answer] = []
    if "parameters" in config.analyses:
        for name in config.sets:
            found += _parameters(table, name, predictions)
    if any(own.system == FTCS for own in config.sets.values()):
        found += _instability(table, data, predictions)
    if "classification" in config.analyses:
        found += _classification(table, len(config.sets))
    if "koopman" in config.analyses:
        found += _dynamics(table, list(config.sets))
    if "spatial_head" in config.analyses:
        found += _conditioning(table, list(config.sets))
    if "falsification" in config.analyses:
        found += _maps(table, list(config.sets))
    if "naming" in config.analyses:
        found += _naming(table)
    return found


def scored(row: Mapping[str, Any] | None) -> str:
    """A value with its interval."""
    if row is None:
        return "–"
    if row["low"] is None or not math.isfinite(row["low"]):
        return number(row["value"], 2)
    return f"{number(row['value'], 2)} [{number(row['low'], 2)}, {number(row['high'], 2)}]"


def _parameters(table: Table, name: str, predictions: Mapping[str, np.ndarray]) -> list[Answer]:
    config, who = table.config, subject(table, "parameters")
    found: list[Answer] = []
    targets = dict.fromkeys(r["target"] for r in table.rows if r["analysis"] == "parameters" and r["set"] == name)
    floors = table.floors("parameters")
    untrained = [m for m in table.modalities("parameters") if table.kind(m) == "random_vjepa2" and m != who]
    if who is None or not floors:
        return []
    for target in targets:
        best = {m: _best_level(table, name, target, m) for m in [*floors, *untrained, who]}
        pixels = [m for m in floors if table.kind(m) == "pixels"]
        rivals = [max(pixels, key=lambda m: best[m][1]["value"])] if pixels else []
        rivals += [m for m in [*floors, *untrained] if table.kind(m) != "pixels"]
        parts, verdicts, sure = [], {}, []
        for rival in rivals:
            a, b = (predictions[f"{name}/{target}/{best[m][0]}/{m}"] for m in (who, rival))
            result = paired_difference(a[2][:, None], b[2][:, None], a[1][:, None], a[0].astype(int), "r2")
            value, low, high = (float(part[0]) for part in (result.value, result.low, result.high))
            text = label(rival, config.encoders[rival]) + (" (best pixels)" if rival in pixels else "")
            verdicts[text] = "yes" if low > 0 else "no" if high < 0 else "undecided"
            parts.append(f"{text} {scored(best[rival][1])}")
            sure.append(f"{text} {number(value, 2)} [{number(low, 2)}, {number(high, 2)}]")
        kinds = set(verdicts.values())
        verdict = "yes" if kinds == {"yes"} else "no" if "no" in kinds else "undecided"
        found.append(
            Answer(
                f"Does it know {target} of {name} better than every floor and control?",
                f"R² of {label(who, config.encoders[who])} {scored(best[who][1])}; {', '.join(parts)}.",
                verdict,
                f"difference to {'; '.join(sure)}; paired over {len(np.unique(a[0]))} simulations",
            )
        )
    return found


def _best_level(table: Table, name: str, target: str, modality: str) -> tuple[str, dict[str, Any]]:
    """The better of the two readings of a whole simulation, for every modality alike."""
    pairs = []
    for level in ("simulation", "three"):
        row = table.get("parameters", name, target, level, modality, "r2")
        if row is not None:
            pairs.append((level, row))
    return max(pairs, key=lambda pair: pair[1]["value"])


def instability(data: StudyData, name: str, predictions: Mapping[str, np.ndarray], level: str) -> dict[str, Any]:
    """R² of α on the stable and the unstable test simulations of the explicit scheme, per modality."""
    from ..systems.linear.ftcs_heat import STABILITY_LIMIT

    found: dict[str, Any] = {}
    for key, values in predictions.items():
        prefix = f"{name}/diffusivity/{level}/"
        if key.startswith(prefix):
            stable = values[1] <= STABILITY_LIMIT
            found[key.removeprefix(prefix)] = {
                part: float(1 - np.mean((values[2, k] - values[1, k]) ** 2) / np.var(values[1, k]))
                for part, k in (("stable", stable), ("unstable", ~stable), ("all", np.ones_like(stable)))
            }
    return found


def _instability(table: Table, data: StudyData, predictions: Mapping[str, np.ndarray]) -> list[Answer]:
    """The same encoders on unstable and on exact data: what only the unstable ones give away is the artefact."""
    from ..systems.linear.ftcs_heat import STABILITY_LIMIT

    config, found = table.config, []
    exact = next((name for name, own in config.sets.items() if own.system == "heat"), None)
    for name, own in config.sets.items():
        if own.system != FTCS or "parameters" not in config.analyses:
            continue
        alpha = data.parameter("diffusivity", data.rows(name))
        parts, verdict = [], "undecided"
        for m in dict.fromkeys([config.reference, subject(table, "parameters") or config.reference]):
            row = table.get("parameters", name, "diffusivity", "simulation", m, "r2")
            other = exact and table.get("parameters", exact, "diffusivity", "simulation", m, "r2")
            stable = instability(data, name, predictions, "simulation")[m]["stable"]
            text = f"{label(m, config.encoders[m])} R² {scored(row)}"
            text += f" ({number(stable, 2)} within the stable runs)"
            if other and row:
                text += f", on exact data {scored(other)}"
                if m == config.reference and row["low"] > other["high"]:
                    verdict = "inflates it"
            parts.append(text)
        beyond = int((alpha > STABILITY_LIMIT).sum())
        found.append(
            Answer(
                "What does the instability of the published data do to the probe of α?",
                f"{beyond} of {len(alpha)} runs of {name} are beyond the limit α = 2.5. {'; '.join(parts)}.",
                verdict,
                "95 % intervals over simulations of the reference pixels, unstable against exact; mean over time",
            )
        )
    return found


def _classification(table: Table, count: int) -> list[Answer]:
    config, who = table.config, subject(table, "classification")
    rows = {m: _higher(table, "classification", m, "accuracy") for m in table.modalities("classification")}
    pixels = [m for m in rows if table.kind(m) in FLOORS]
    if who is None or not pixels:
        return []
    rival = max(pixels, key=lambda m: rows[m]["value"])
    wins = np.array(rows[who]["splits"]) - np.array(rows[rival]["splits"])
    # A tie, as where both are always right, decides nothing.
    verdict = "yes" if (wins > 0).all() else "no" if (wins < 0).all() else "undecided"
    return [
        Answer(
            "Is the kind of physics told apart better than by every floor?",
            f"Accuracy of a linear classifier (chance {1 / count:.2f}): {label(who, config.encoders[who])} "
            f"{scored(rows[who])}, {label(rival, config.encoders[rival])} (best of {len(pixels)}) "
            f"{scored(rows[rival])}.",
            verdict,
            f"ahead in {int((wins > 0).sum())} of {len(wins)} splits",
        )
    ]


def _higher(table: Table, analysis: str, modality: str, metric: str) -> dict[str, Any]:
    rows = [r for r in table.rows if (r["analysis"], r["modality"], r["metric"]) == (analysis, modality, metric)]
    return max(rows, key=lambda row: row["value"])


def _dynamics(table: Table, sets: Sequence[str]) -> list[Answer]:
    config, who = table.config, subject(table, "koopman")
    if who is None:
        return []
    parts, wins = [], []
    metric = "skill"
    pixels = [m for m in table.modalities("koopman") if table.kind(m) == "pixels"]
    for name in sets:
        own = table.get("koopman", name, "order 1", "frame", who, metric)
        rivals = {m: table.get("koopman", name, "order 1", "frame", m, metric) for m in pixels}
        if own is None or not rivals:
            continue
        rival = max(rivals, key=lambda m: rivals[m]["value"])  # pyright: ignore[reportOptionalSubscript]
        wins += [a - b for a, b in zip(own["splits"], rivals[rival]["splits"], strict=True)]  # pyright: ignore[reportOptionalSubscript]
        parts.append(f"{name} {scored(own)} against {scored(rivals[rival])} ({label(rival, config.encoders[rival])})")
    good = np.array(wins)
    found = [
        Answer(
            "Do linear dynamics predict it better than pixels?",
            f"Skill of rollouts (R² against the better of persistence and mean trajectory), "
            f"{label(who, config.encoders[who])}: {'; '.join(parts)}.",
            "yes" if (good > 0).all() else "no" if (good <= 0).all() else "undecided",
            f"ahead in {int((good > 0).sum())} of {len(good)} splits",
        )
    ]
    gains = {name: table.get("koopman", name, "order 2 - order 1", "frame", who, "gain") for name in sets}
    waves = [name for name, own in config.sets.items() if own.system == "damped_wave" and gains.get(name)]
    if waves and len(sets) > 1:
        wave = np.array(gains[waves[0]]["splits"])  # pyright: ignore[reportOptionalSubscript]
        others = np.max([gains[n]["splits"] for n in sets if n not in waves and gains[n]], axis=0)  # pyright: ignore[reportOptionalSubscript]
        listed = ", ".join(f"{name} {scored(row)}" for name, row in gains.items())
        found.append(
            Answer(
                "Does the order of the latent dynamics tell waves from the rest?",
                f"Gain of second over first order in skill: {listed}.",
                "yes" if (wave > others).all() else "no" if (wave <= others).all() else "undecided",
                f"largest for waves in {int((wave > others).sum())} of {len(wave)} splits",
            )
        )
    return found


def _conditioning(table: Table, sets: Sequence[str]) -> list[Answer]:
    config, who = table.config, subject(table, "spatial_head")
    found = []
    for name in sets:
        gain = table.get("spatial_head", name, "real - best control", "tokens", who, "gain") if who else None
        if gain is None:
            continue
        kinds = {k: table.get("spatial_head", name, k, "tokens", who or "", "r2_persistence")
                 for k in ("real", "shuffled", "none")}  # fmt: skip
        values = np.array(gain["splits"])
        found.append(
            Answer(
                "Does knowing α help to predict the next spatial tokens?",
                f"R² against persistence on {name}, {label(who or '', config.encoders[who or ''])}: real α "
                f"{scored(kinds['real'])}, shuffled {scored(kinds['shuffled'])}, none {scored(kinds['none'])}.",
                "yes" if (values > 0).all() else "no" if (values <= 0).all() else "undecided",
                f"real α ahead of both controls in {int((values > 0).sum())} of {len(values)} splits",
            )
        )
    return found


def _maps(table: Table, sets: Sequence[str]) -> list[Answer]:
    config, who = table.config, subject(table, "falsification")
    if who is None:
        return []
    parts, values = [], []
    for name in sets:
        there, back = (
            table.get("falsification", name, way, "frame", who, "r2")
            for way in ("pixels to embedding", "embedding to pixels")
        )
        if there is None or back is None:
            continue
        parts.append(f"{name}: pixels to embedding R² {scored(there)}, back {scored(back)}")
        values.append(there["value"])
    if not values:
        return []
    return [
        Answer(
            "Is the embedding a linear image of the pixels?",
            f"{label(who, config.encoders[who])}, {'; '.join(parts)}.",
            "yes" if min(values) > 0.9 else "no" if max(values) < 0.5 else "in part",
            f"share of the variance of its leading components; {config.splits} splits",
        )
    ]


def _naming(table: Table) -> list[Answer]:
    config, who = table.config, subject(table, "naming")
    rows = {m: _higher(table, "naming", m, "adjusted_rand") for m in table.modalities("naming")}
    pixels = [m for m in rows if table.kind(m) in FLOORS]
    if who is None or not pixels:
        return []
    rival = max(pixels, key=lambda m: rows[m]["value"])
    value = rows[who]["value"]
    return [
        Answer(
            "Do the trajectories fall into groups by equation, without any label?",
            f"Adjusted Rand index (0 chance, 1 perfect): {label(who, config.encoders[who])} {scored(rows[who])}, "
            f"{label(rival, config.encoders[rival])} (best of {len(pixels)} floors) {scored(rows[rival])}.",
            "yes" if value > 0.8 else "no" if value < 0.2 else "in part",
            f"k-means of five signatures of the motion, {len(rows[who]['splits'])} seeds",
        )
    ]


def write_summaries(
    config: StudyConfig,
    data: StudyData,
    rows: Sequence[dict[str, Any]],
    predictions: Mapping[str, np.ndarray],
    notes: Sequence[str],
    out: Path,
) -> list[Answer]:
    """Write fit_* and falsification_*, the names of the published study; returns the answers."""
    found = answers(config, data, rows, predictions)
    falsifying = [r for r in rows if r["analysis"] == "falsification" or r["metric"] == "r2_minus_reference"]
    fitting = [r for r in rows if r["analysis"] in FIT and r["metric"] != "r2_minus_reference"]
    for stem, own in (("fit", fitting), ("falsification", falsifying)):
        clean = [{k: _plain(v) for k, v in row.items()} for row in own]
        content = {"title": config.title, "simulations": len(data), "splits": config.splits, "scores": clean}
        if stem == "fit":
            content["answers"] = [asdict(answer) for answer in found]
        write_json(out / f"{stem}_metrics.json", content)
        write_text(out / f"{stem}_summary.txt", _text(config, own, found if stem == "fit" else [], notes))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _text(
    config: StudyConfig, rows: Sequence[dict[str, Any]], found: Sequence[Answer], notes: Sequence[str]
) -> str:  # fmt: skip
    lines = [config.title, "=" * len(config.title), config.question, ""]
    for answer in found:
        lines += [f"{answer.question} {answer.verdict.upper()}", f"    {answer.text} ({answer.sure})"]
    lines += ["", *(f"note: {note}" for note in notes), ""] if notes else [""]
    heading = ""
    for row in rows:
        own = f"{row['analysis']}: {row['set']}, {row['target']}, {row['level']}, {row['metric']}"
        if own != heading:
            lines.append(own)
            heading = own
        lines.append(f"    {row['modality']:<16} {scored(row)}")
    return "\n".join(lines) + "\n"
