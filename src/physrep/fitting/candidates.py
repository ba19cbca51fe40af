"""What `physrep fit` tries, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ..benchmark.run import SCORES
from ..files import read_record, read_rows
from ..readout import readout_names

FLOORS = ("statistics", "spectra", "classical", "dynamic_modes", "operator_discovery")
"""Encodings without gradient steps, tried first and in this order."""


@dataclass
class Candidate:
    """An encoder with its best probe on valid.

    Attributes:
        run: name of its folder below ``runs``.
        learner: its name.
        kind: ``floor``, ``learner``, ...
        probe: the best on valid.
        valid, test: MSE per trajectory, mean over the parameters.
        r2, r2_test: per parameter, on valid and on test.
        seconds: that it took, training included.
        failure: why it is left out; then the numbers are missing.
    """

    run: str
    learner: str
    kind: str = ""
    probe: str = ""
    valid: float = float("nan")
    test: float = float("nan")
    r2: dict[str, float] = field(default_factory=dict)
    r2_test: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str = ""

    @classmethod
    def read(cls, folder: Path, learner: str, seconds: float) -> Self:
        """What ``scores.json`` says; probes without a stored readout are passed over, as they cannot be asked.

        Args:
            folder: run directory with ``scores.json`` and ``summary.json``.
            learner: name of its learner.
            seconds: that it took.
        """
        rows = [row for row in read_rows(folder / SCORES) if row["level"] == "trajectory"]
        stored = readout_names(folder)
        found = {
            (row["probe"], row["split"], row["metric"], row["parameter"]): row["value"]
            for row in rows
            if row["probe"] in stored
        }
        means = {probe: v for (probe, split, metric, p), v in found.items() if (split, metric, p) == _VALID}
        kind = str(read_record(folder / "summary.json", "kind")["kind"])
        if not means:
            return cls(folder.name, learner, kind, seconds=seconds, failure="no probe of it can be stored")
        probe = min(means, key=lambda name: means[name])
        own = {key[1:]: value for key, value in found.items() if key[0] == probe}
        r2, r2_test = (
            {p: v for (split, metric, p), v in own.items() if (split, metric) == (wanted, "r2") and p != "mean"}
            for wanted in ("valid", "test")
        )
        return cls(folder.name, learner, kind, probe, own[_VALID], own["test", "mse", "mean"], r2, r2_test, seconds)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; what is missing is None."""
        values = asdict(self)
        return {key: None if value != value else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `as_dict`."""
        known: dict[str, Any] = {key: float("nan") if value is None else value for key, value in values.items()}
        return cls(**known)


_VALID = ("valid", "mse", "mean")


def line(candidate: Candidate) -> str:
    """A candidate in one line."""
    name = candidate.run.rsplit("-s", 1)[0]
    if candidate.failure:
        return f"{name:<20} left out: {candidate.failure}"
    known = ", ".join(f"{parameter} {value:.2f}" for parameter, value in candidate.r2.items())
    return f"{name:<20} {candidate.probe:<13} R2 on valid: {known}   ({candidate.seconds:.0f} s)"


def knowledge(candidates: Sequence[Candidate]) -> str:
    """What floors and closed forms know already, one number per parameter.

    Args:
        candidates: the floors that were tried.
    """
    tried = [own for own in candidates if not own.failure]
    parts = []
    for parameter in tried[0].r2 if tried else ():
        best = max(tried, key=lambda own: own.r2[parameter])
        parts.append(f"{parameter} with R2 {best.r2[parameter]:.2f} ({best.learner})")
    return "What needs no training already knows " + ", ".join(parts) + " on valid."


def candidate_verdict(chosen: Candidate, count: int) -> str:
    """What the chosen candidate knows, in one sentence: its score on test, not that on valid, by which it was chosen.

    Args:
        chosen: the best on valid.
        count: trajectories of test.
    """
    known = ", ".join(f"{parameter} {value:.2f}" for parameter, value in chosen.r2_test.items())
    return (
        f"Chosen on valid: {chosen.run.rsplit('-s', 1)[0]} with {chosen.probe}. Its score is that on the {count} "
        f"trajectories of test, MSE {chosen.test:.4f}, R2 {known or 'unknown'}: that on valid is too good, as it was "
        "chosen by it."
    )


def table(candidates: Sequence[Candidate], chosen: str) -> list[str]:
    """All candidates, best on valid first."""
    head = f"{'':<22} {'probe':<13} {'valid MSE':>9} {'test MSE':>9} {'seconds':>8}"
    rows = sorted((own for own in candidates if not own.failure), key=lambda own: own.valid)
    return [head] + [
        f"{own.run.rsplit('-s', 1)[0] + (' *' if own.run == chosen else ''):<22} {own.probe:<13} {own.valid:>9.4f} "
        f"{own.test:>9.4f} {own.seconds:>8.0f}"
        for own in rows
    ]
