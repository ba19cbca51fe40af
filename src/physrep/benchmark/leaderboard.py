"""One line per encoder over all systems: its mean rank, how sure that is, and its error on each system."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

from ..learners.identity import LABEL_FREE
from .directory import Bench, per_trajectory
from .entries import Entry
from .studies import Study, repeated_runs, rows_by_run, title_in_comparison


@dataclass
class BoardRow:
    """An encoder on the leaderboard.

    Attributes:
        title: name of its runs without the seed, with the study where two studies mean different runs by it.
        encoder, kind: as in ``results.csv`` and ``summary.json``.
        mse: mean test MSE per trajectory by system, the mean over seeds, with the probe chosen on valid.
        seeds: largest number of seeds on a system.
        rank: mean over its systems of its rank there (1 is best, ties share); NaN for kinds that do not compete.
        low, high: 95% interval of the rank.
    """

    title: str
    encoder: str
    kind: str
    mse: dict[str, float] = field(default_factory=dict)
    seeds: int = 0
    rank: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass
class _Competitor:
    """One encoder on one system.

    Attributes:
        values: mean test MSE of every run.
        errors: squared error per run and test trajectory, the mean over parameters, each ``(G,)``; None without
            predictions.
    """

    values: list[float] = field(default_factory=list)
    errors: list[np.ndarray] | None = field(default_factory=list)

    @property
    def value(self) -> float:
        return float(np.mean(self.values))


_Key = tuple[str, str, str]
"""Title, encoder and kind."""


def leaderboard(
    studies: Sequence[Study], *, common: bool = False, n_resamples: int = 2000, seed: int = 0
) -> tuple[list[BoardRow], list[str]]:
    """Rank encoders over the systems of several studies.

    On every system the encoders of the kinds `LABEL_FREE` are ranked by their mean test MSE, and a line's rank is
    the mean over the systems that it was run on. The interval is a percentile bootstrap: trajectories are drawn
    with replacement per system, the same for all encoders, and of an encoder with several seeds also these (a
    hierarchical bootstrap, so that the interval holds the spread over seeds); everything is ranked again in each
    resample.

    Args:
        studies: from `physrep.benchmark.studies.read_studies`, which has made sure that test sets agree.
        common: rank only encoders that were run on all systems.
        n_resamples, seed: of the bootstrap.

    Returns:
        Lines: those on all systems by rank, then those on fewer, then those that do not compete; and the systems.
    """
    systems = list(dict.fromkeys(system for study in studies for system in study.bench.systems))
    fields = _fields(studies, systems)
    lines: dict[_Key, BoardRow] = {}
    for system in systems:
        for key, competitor in fields[system].items():
            line = lines.setdefault(key, BoardRow(*key))
            line.mse[system] = competitor.value
            line.seeds = max(line.seeds, len(competitor.values))
    competing = [
        key for key, line in lines.items() if line.kind in LABEL_FREE and (not common or len(line.mse) == len(systems))
    ]
    _rank(lines, competing, fields, n_resamples, seed)
    order = {key: k for k, key in enumerate(lines)}

    def place(key: _Key) -> tuple[bool, int, float, int]:
        line = lines[key]
        ranked = math.isfinite(line.rank)
        return (not ranked, -len(line.mse), line.rank if ranked else 0.0, order[key])

    return [lines[key] for key in sorted(lines, key=place)], systems


def _fields(studies: Sequence[Study], systems: Sequence[str]) -> dict[str, dict[_Key, _Competitor]]:
    """Who is there on every system; titles that mean different runs in two studies get the study's name."""
    repeated = repeated_runs(studies)
    found: dict[tuple[str, str, str, str], dict[str, _Competitor]] = {}
    for study in studies:
        seeds = {run: str(rows[0].get("seed") or "") for run, rows in rows_by_run(study).items()}
        for entry in study.bench.entries:
            if not entry.chosen or not math.isfinite(entry.value) or (study.name, entry.runs[0]) in repeated:
                continue
            title = title_in_comparison(entry.runs[0], seeds[entry.runs[0]], entry.study)
            encoder = "" if entry.encoder == "none" else entry.encoder
            owners = found.setdefault((entry.system, title, encoder, entry.kind), {})
            _add(owners.setdefault(entry.study or study.name, _Competitor()), study.bench, entry)
    fields: dict[str, dict[_Key, _Competitor]] = {system: {} for system in systems}
    for (system, *key), owners in found.items():
        for owner, competitor in owners.items():
            title, encoder, kind = key
            title = f"{title} [{owner}]" if len(owners) > 1 else title
            fields[system][title, encoder, kind] = competitor
    return fields


def _add(competitor: _Competitor, bench: Bench, entry: Entry) -> None:
    predictions = bench.predictions(entry)
    values = [float(np.mean((p - t) ** 2)) for p, t, _ in map(per_trajectory, predictions)]
    competitor.values += values or [entry.value] * len(entry.runs)
    if not predictions:
        competitor.errors = None
    elif competitor.errors is not None:
        competitor.errors += [((p - t) ** 2).mean(axis=1) for p, t, _ in map(per_trajectory, predictions)]


def _rank(
    lines: dict[_Key, BoardRow], competing: Sequence[_Key], fields: dict[str, dict[_Key, _Competitor]],
    n_resamples: int, seed: int,
) -> None:  # fmt: skip
    """Set rank and interval of the competing lines; no interval where predictions of anyone are missing."""
    draw = np.random.default_rng(seed)
    ranks: dict[_Key, list[float]] = {key: [] for key in competing}
    drawn: dict[_Key, list[np.ndarray | None]] = {key: [] for key in competing}
    for field_ in fields.values():
        own = [key for key in competing if key in field_]
        if not own:
            continue
        here = rankdata([field_[key].value for key in own])
        again = _resampled_ranks([field_[key] for key in own], n_resamples, draw)
        for k, key in enumerate(own):
            ranks[key].append(float(here[k]))
            drawn[key].append(None if again is None else again[:, k])
    for key in competing:
        lines[key].rank = float(np.mean(ranks[key]))
        parts = [part for part in drawn[key] if part is not None]
        if len(parts) == len(drawn[key]):
            lines[key].low, lines[key].high = (float(x) for x in np.quantile(np.mean(parts, axis=0), (0.025, 0.975)))


def _resampled_ranks(own: Sequence[_Competitor], n_resamples: int, draw: np.random.Generator) -> np.ndarray | None:
    """Ranks in every resample, ``(R, competitors)``; None if somebody's errors are unknown or nothing can be drawn."""
    counts = {len(part) for competitor in own for part in competitor.errors or []}
    if any(competitor.errors is None for competitor in own) or len(counts) != 1 or (count := counts.pop()) < 2:
        return None
    weights = draw.multinomial(count, np.full(count, 1 / count), size=n_resamples) / count
    scores = np.empty((n_resamples, len(own)))
    for k, competitor in enumerate(own):
        per_seed = weights @ np.stack(competitor.errors or []).T
        seeds = per_seed.shape[1]
        share = draw.multinomial(seeds, np.full(seeds, 1 / seeds), size=n_resamples) / seeds
        scores[:, k] = (per_seed * share).sum(axis=1)
    return rankdata(scores, axis=1)
