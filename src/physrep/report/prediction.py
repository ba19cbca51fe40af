"""What a readout said of recordings, as text, CSV and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..readout.answer import LEVEL
from ..readout.held_out import POOL, TRAIN, VALID_FOLDS
from .formats import quantity

if TYPE_CHECKING:
    from ..readout import Answer, Readout, Recording
    from ..readout.answer import Draws

SOURCES = {
    TRAIN: ("train", " (each predicted by a probe without it)"),
    VALID_FOLDS: ("valid", " (each predicted with settings chosen without it)"),
    POOL: ("pooled", " (each predicted by a probe without it)"),
}
"""Split and manner of the errors that intervals come from, in words."""

Answers = Sequence[tuple["Recording", "Answer"]]


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
    covered = ", ".join(f"{name} {share:.0%}" for name, share in zip(readout.scaler.names, whole.coverage, strict=True))
    each = "; ".join(f"{name} {novelty.false_alarms[1]:.1%}" for name, novelty in readout.background.novelty.items())
    chosen = " on which it chose its settings" if readout.probe is not None else ""
    split, how = SOURCES.get(whole.source, ("valid", chosen))
    errors = f"{whole.n_valid} {split} trajectories{how}"
    endless = (
        []
        if all(map(math.isfinite, whole.half_width))
        else [f"{errors} are too few for {whole.level:.0%} intervals; these are endless"]
    )
    edge, outside = readout.false_alarms
    return [
        *endless,
        f"probe {readout.name}, test MSE {readout.quality:.3g} (z-scored, constant = 1); {whole.level:.0%} intervals "
        f"per trajectory from {errors} cover on {whole.n_test} test trajectories: {covered}",
        f"false alarms on test: {edge:.1%} at the edge or outside, {outside:.1%} outside ({each})",
    ]


def posterior_facts(answers: Answers) -> list[str]:
    """What the posterior was given, and what it holds for."""
    drawn = next((answer.posterior for _, answer in answers if answer.posterior is not None), None)
    if drawn is None:
        return []
    return [
        f"posterior of {drawn.features}: median and {LEVEL:.0%} interval of {len(drawn.values)} draws, inside the "
        "range of the training set, which is its prior; outside of what was learned it says nothing"
    ]


def as_text(readout: Readout, answers: Answers) -> str:
    """For a terminal, what is strange first."""
    lines = [first_sentence(answers)] if any(answer.verdict == 2 for _, answer in answers) else []
    for recording, answer in answers:
        lines.append(f"{recording.source}, trajectory {recording.trajectory}: {answer.word}")
        lines += [f"  ! {reason}" for reason in answer.reasons]
        for k, name in enumerate(answer.parameters):
            interval = f"[{quantity(answer.low[k])}, {quantity(answer.high[k])}]"
            known = recording.parameters.get(name)
            stated = "" if known is None else f"   (the file says {quantity(known)})"
            lines.append(f"  {name:<16} {quantity(answer.estimate[k]):>10}  {interval}{stated}")
            if answer.posterior is not None:
                low, middle, high = (quantity(v[k]) for v in _posterior(answer.posterior))
                lines.append(f"  {'posterior':>16} {middle:>10}  [{low}, {high}]")
    return "\n".join([*lines, "", *facts(readout), *posterior_facts(answers)])


def as_csv(readout: Readout, answers: Answers) -> str:
    """One row per trajectory and parameter, and one per window and parameter; numbers in full."""
    rows: list[dict[str, Any]] = []
    for recording, answer in answers:
        place = {"source": recording.source, "trajectory": recording.trajectory, "verdict": answer.word}
        for k, name in enumerate(answer.parameters):
            whole = _interval(answer.estimate[k], answer.low[k], answer.high[k])
            drawn = {}
            if answer.posterior is not None:
                names = ("posterior_low", "posterior_median", "posterior_high")
                drawn = {key: float(v[k]) for key, v in zip(names, _posterior(answer.posterior), strict=True)}
            own = {"level": "trajectory", "start": "", "time": "", "parameter": name}
            rows.append({**place, **own, **whole, **drawn})
            for w, start in enumerate(answer.starts.tolist()):
                part = _interval(answer.windows[w, k], answer.window_low[w, k], answer.window_high[w, k])
                time = recording.times[w]
                rows.append({**place, "level": "window", "start": start, "time": time, "parameter": name, **part})
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").rstrip("\n")


def as_json(readout: Readout, answers: Answers) -> str:
    """Everything per trajectory; null stands for what is not finite, the ends of an endless interval."""
    content = {
        "probe": readout.name,
        "level": readout.trajectories.level,
        "coverage": dict(zip(readout.scaler.names, readout.trajectories.coverage, strict=True)),
        "false_alarms": list(readout.false_alarms),
        "false_alarms_by_feature": {n: list(found.false_alarms) for n, found in readout.background.novelty.items()},
        "training_range": readout.ranges,
        "recordings": [
            {
                "source": recording.source,
                "trajectory": recording.trajectory,
                "verdict": answer.word,
                "reasons": answer.reasons,
                "novelty": answer.scores,
                "parameters": {
                    name: _interval(answer.estimate[k], answer.low[k], answer.high[k])
                    for k, name in enumerate(answer.parameters)
                },
                **({} if answer.posterior is None else {"posterior": _drawn(answer)}),
                "neighbours": [
                    {"trajectory": own.trajectory, "distance": own.distance, "parameters": own.parameters}
                    for own in answer.neighbours
                ],
            }
            for recording, answer in answers
        ],
    }
    return json.dumps(_finite(content), indent=2, allow_nan=False)


def _posterior(draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return draws.low, draws.quantile(0.5), draws.high


def _drawn(answer: Answer) -> dict[str, Any]:
    """Median and 90 % interval of every parameter, and the correlation of the draws."""
    draws = answer.posterior
    assert draws is not None
    low, middle, high = _posterior(draws)
    found: dict[str, Any] = {
        name: {"median": float(middle[k]), "low": float(low[k]), "high": float(high[k])}
        for k, name in enumerate(answer.parameters)
    }
    if len(answer.parameters) > 1:
        found["correlation"] = np.corrcoef(draws.values.T).tolist()
    return {"features": draws.features, "level": LEVEL, "draws": len(draws.values), **found}


def _interval(estimate: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": float(estimate), "low": float(low), "high": float(high)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
