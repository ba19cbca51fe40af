"""From the long table to comparable entries: one learner with one probe, and which of them count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..learners.identity import KINDS, Identity, identity_of_name, row_kind
from ..metrics.score import UNKNOWN, Score
from .names import probe_name

LEVELS = ("trajectory", "window")
NEEDED = ("system", "learner", "probe", "level", "parameter", "split", "metric", "value")


@dataclass
class Entry:
    """A learner read out by one probe, over all its seeds.

    Attributes:
        system, learner, encoder, probe, kind: what it is; kind is a key of `KINDS`.
        runs: names of the runs, one per seed.
        run: their name without the seed.
        study: the study that it comes from, where several are compared; else empty.
        name, colour: of the learner, for people.
        label: the name, with the encoder (and the run) where it alone is ambiguous.
        chosen: whether this probe has the lowest mean MSE on valid among the learner's probes.
        scores: `Score` by (level, split, metric, parameter). Over several seeds the value is their mean with the
            interval of over_seeds.csv; without that file it reaches from the lowest to the highest limit.
        trajectories: number of test trajectories by level.
        training: number of training trajectories of the probe, 0 if unknown.
        unconverged: of how many seeds the training has not converged; one is enough for the kind.
        participation: participation ratio of the tokens, the mean over seeds; NaN if unknown.
        collapse: what is wrong with their spread, in words; empty if nothing.
        untrained: values of the same architecture untrained, as in `scores` and read by the same probe.
        untrained_note: why there are none, or whose they are.
    """

    system: str
    learner: str
    encoder: str
    probe: str
    kind: str
    runs: tuple[str, ...]
    run: str = ""
    label: str = ""
    chosen: bool = False
    scores: dict[tuple[str, str, str, str], Score] = field(default_factory=dict)
    trajectories: int = 0
    training: int = 0
    study: str = ""
    name: str = ""
    colour: str = "#555555"
    unconverged: int = 0
    participation: float = math.nan
    collapse: str = ""
    untrained: dict[tuple[str, str, str, str], float] = field(default_factory=dict)
    untrained_note: str = ""

    def score(
        self, parameter: str = "mean", metric: str = "mse", level: str = "trajectory", split: str = "test"
    ) -> Score:
        """One score, NaN if the table does not hold it."""
        return self.scores.get((level, split, metric, parameter), UNKNOWN)

    def twin(self, parameter: str = "mean", metric: str = "mse", level: str = "trajectory") -> float:
        """The same score of the untrained twin on test, NaN if there is none."""
        return self.untrained.get((level, "test", metric, parameter), math.nan)

    @property
    def value(self) -> float:
        """Mean MSE on test per trajectory, the number by which learners are compared."""
        return self.score().value

    @property
    def title(self) -> str:
        """Label and probe, for headings of figures."""
        return f"{self.label}, {probe_name(self.probe)}" if self.probe and self.kind != "floor" else self.label


def to_float(text: Any) -> float:
    """A cell of a CSV file as a number; NaN if it is empty or no number."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def stored_score(row: Mapping[str, Any]) -> Score:
    """The score of a row of a CSV file, columns ``value``, ``ci_low`` and ``ci_high``; NaN where one is absent."""
    return Score(*(to_float(row.get(name)) for name in ("value", "ci_low", "ci_high")))


def mean_score(scores: Iterable[Score]) -> Score:
    """Mean of the scores of several seeds, its interval from the lowest to the highest limit."""
    values, lows, highs = zip(*scores, strict=True)
    return Score(float(np.mean(values)), float(np.min(lows)), float(np.max(highs)))


def make_entries(
    rows: Iterable[Mapping[str, Any]],
    identities: Mapping[str, Identity] | None = None,
    over_seeds: Iterable[Mapping[str, Any]] = (),
) -> list[Entry]:
    """Group the rows of the long table.

    Args:
        rows: rows of ``results.csv``, as text or numbers.
        identities: run name to what its summary says; other runs go by the name of their learner.
        over_seeds: rows of ``over_seeds.csv``.

    Returns:
        Entries, floors first, then learners, then ceilings, each in the order of the table.

    Raises:
        PhysrepError: there are no rows, or a column is missing.
    """
    rows = list(rows)
    missing = [name for name in NEEDED if not rows or name not in rows[0]]
    if missing:
        raise PhysrepError(f"results.csv has no rows, or no column {missing[0]!r}; run `physrep bench` again.")
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((*_identity(row), str(row["probe"] or "")), []).append(row)
    entries = [_entry(key, group, identities or {}) for key, group in groups.items()]
    _join_seeds(entries, over_seeds)
    _label(entries)
    _choose(entries)
    order = list(KINDS)
    return sorted(entries, key=lambda entry: order.index(entry.kind))


def _identity(row: Mapping[str, Any]) -> tuple[str, ...]:
    """System, learner, encoder, study (where several are compared) and title of the run: rows that differ in seed and
    probe alone are of one learner."""
    return (
        str(row["system"]),
        str(row["learner"]),
        str(row.get("encoder") or ""),
        str(row.get("study") or ""),
        title_of(str(row.get("run") or ""), row.get("seed")),
    )


def title_of(run: str, seed: Any) -> str:
    """Name of a run without its seed."""
    return run.removesuffix(f"-s{seed}").removesuffix(f"-{seed}")


def _entry(key: tuple[str, ...], rows: list[Mapping[str, Any]], known: Mapping[str, Identity]) -> Entry:
    system, learner, encoder, study, title, probe = key
    runs = tuple(dict.fromkeys(str(row.get("run") or "") for row in rows))
    who = [known[run] for run in runs if run in known] or [identity_of_name(learner)]
    kinds, (_, name, colour) = [own.kind for own in who], who[0]
    entry = Entry(
        system, learner, encoder, probe, row_kind(kinds), runs, run=title, study=study, name=name, colour=colour,
        unconverged=kinds.count("unconverged"),
    )  # fmt: skip
    cells: dict[tuple[str, str, str, str], list[Score]] = {}
    untrained: dict[tuple[str, str, str, str], list[float]] = {}
    for row in rows:
        name = (str(row["level"]), str(row["split"]), str(row["metric"]), str(row["parameter"]))
        cells.setdefault(name, []).append(stored_score(row))
        untrained.setdefault(name, []).append(to_float(row.get("untrained")))
        if row["split"] == "test" and math.isfinite(count := to_float(row.get("n_trajectories"))):
            entry.trajectories = int(count)
        if math.isfinite(count := to_float(row.get("n_train_trajectories"))):
            entry.training = int(count)
    for name, scores in cells.items():
        entry.scores[name] = mean_score(scores)
        if math.isfinite(mean := float(np.mean(untrained[name]))):
            entry.untrained[name] = mean
    # One value per seed: all rows of a run have the same.
    each = {str(row.get("run") or ""): row for row in rows}.values()
    entry.participation = float(np.mean([to_float(row.get("participation_ratio")) for row in each]))
    entry.collapse = "; ".join(dict.fromkeys(text for row in each if (text := str(row.get("collapse") or ""))))
    entry.untrained_note = "; ".join(
        dict.fromkeys(text for row in each if (text := str(row.get("untrained_note") or "")))
    )
    return entry


def _join_seeds(entries: list[Entry], over_seeds: Iterable[Mapping[str, Any]]) -> None:
    """Put the intervals over seeds and trajectories in the place of the intervals of single seeds."""
    joint: dict[tuple[str, str, str], dict[tuple[str, str, str, str], Score]] = {}
    for row in over_seeds:
        name = (str(row["level"]), str(row["split"]), str(row["metric"]), str(row["parameter"]))
        joint.setdefault((str(row["system"]), str(row["title"]), str(row["probe"])), {})[name] = stored_score(row)
    for entry in entries:
        title = entry.runs[0].rpartition("-s")[0]
        if len(entry.runs) > 1 and (found := joint.get((entry.system, title, entry.probe))):
            entry.scores.update(found)


def _label(entries: list[Entry]) -> None:
    """Give every learner of a system a label of its own: its name, then as much as sets it apart from its namesakes."""
    for entry in entries:
        same = [other for other in entries if other.system == entry.system and other.name == entry.name]
        apart = []
        if len({other.encoder for other in same}) > 1 and entry.encoder:
            apart.append(entry.encoder)
        same = [other for other in same if other.encoder == entry.encoder]
        several = len({(other.study, other.run) for other in same}) > len({other.study for other in same})
        if several:
            # The name of a run of a comparison already begins with its study.
            apart = [entry.run]
        elif len({other.study for other in same}) > 1:
            apart.append(entry.study)
        entry.label = _with(entry.name, ", ".join(apart))


def _with(name: str, apart: str) -> str:
    """``name (apart)``, in one pair of brackets if the name ends in some."""
    if not apart:
        return name
    return f"{name[:-1]}; {apart})" if name.endswith(")") else f"{name} ({apart})"


def _choose(entries: list[Entry]) -> None:
    """Mark the probe with the lowest mean MSE on valid, per trajectory, of every learner."""
    learners: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        learners.setdefault((entry.system, entry.label, *entry.runs), []).append(entry)
    for probes in learners.values():
        min(probes, key=_valid).chosen = True


def _valid(entry: Entry) -> float:
    value = entry.score(split="valid").value
    return value if math.isfinite(value) else math.inf


def metric_names(entries: Iterable[Entry]) -> list[str]:
    """Metrics in the order of the table; mse and r2, which every table has, come first."""
    return list(dict.fromkeys(["mse", "r2", *(key[2] for entry in entries for key in entry.scores)]))


def parameter_names(entries: Iterable[Entry]) -> list[str]:
    """Parameters in the order of the table, without the mean, and without labels of classes, which have no MSE."""
    names = dict.fromkeys(key[3] for entry in entries for key in entry.scores if key[2] == "mse")
    return [name for name in names if name != "mean"]


@dataclass
class Headline:
    """What the page's first sentences compare, all per trajectory on test; None if the benchmark has no such entry.

    Of several floors, learners and ceilings it is the one with the lowest mean MSE on valid, as in
    `physrep.benchmark.calibration`. Where no ceiling has converged, it is the best of those that have not.

    Attributes:
        learner, floor, ceiling: the entries chosen.
        others: further learners.
    """

    system: str
    learner: Entry | None
    floor: Entry | None
    ceiling: Entry | None
    others: list[Entry]


def headline(entries: Iterable[Entry], system: str) -> Headline:
    """The entries to compare for one system."""
    chosen = [entry for entry in entries if entry.chosen and entry.system == system]
    kinds = {kind: [entry for entry in chosen if entry.kind == kind] for kind in KINDS}
    floors = [entry for entry in kinds["floor"] if math.isfinite(entry.value)]
    learner = min(kinds["learner"], key=_valid, default=None)
    return Headline(
        system,
        learner,
        min(floors, key=_valid, default=None),
        min(kinds["ceiling"] or kinds["unconverged"], key=_valid, default=None),
        [entry for entry in kinds["learner"] if entry is not learner],
    )
