"""Answers to recordings as CSV and JSON, numbers in full."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .answer import LEVEL

if TYPE_CHECKING:
    from . import Answer, Readout, Recording

Answers = Sequence[tuple["Recording", "Answer"]]


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
                drawn = {key: float(v[k]) for key, v in zip(names, answer.posterior.interval(), strict=True)}
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
        "coverage_by_third": dict(zip(readout.scaler.names, readout.trajectories.thirds, strict=False)),
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


def _drawn(answer: Answer) -> dict[str, Any]:
    """Median and 90 % interval of every parameter, and the correlation of the draws."""
    draws = answer.posterior
    assert draws is not None
    low, middle, high = draws.interval()
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
