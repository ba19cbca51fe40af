"""Finished studies side by side: their names, what they share, and whether their scores may be compared at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..files import content_hash
from ..metrics import cluster_means
from .directory import Bench, per_trajectory

DESCRIBED = ("channels", "resolution", "frames", "dt", "initial_condition")
"""Entries of data_summary.json that must agree where scores are compared."""


@dataclass
class Study:
    """A finished benchmark under the name by which it goes in a comparison."""

    name: str
    bench: Bench


@dataclass(frozen=True)
class _TestSet:
    """Labels of the test trajectories of one study, parameters in the order of their names."""

    parameters: tuple[str, ...]
    physical: np.ndarray
    scaled: np.ndarray


def read_studies(folders: Sequence[str | Path]) -> list[Study]:
    """Read finished benchmarks; each is named after its folder, with the folder above where that is ambiguous.

    Raises:
        PhysrepError: there are none, one is given twice or has no results, or two hold different test sets of a system.
    """
    if not folders:
        raise PhysrepError("no study is given; name at least one folder that `physrep bench` wrote.")
    paths = [Path(folder).resolve() for folder in folders]
    for path, shown in zip(paths, folders, strict=True):
        if paths.count(path) > 1:
            raise PhysrepError(f"{shown}: is given twice; name every study once.")
    names = [path.name for path in paths]
    names = [f"{p.parent.name}-{p.name}" if names.count(p.name) > 1 else p.name for p in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise PhysrepError(f"two studies go by the name {twice}; rename one of their folders.")
    studies = [Study(name, Bench.read(folder)) for name, folder in zip(names, folders, strict=True)]
    check_same_data(studies)
    return studies


def check_same_data(studies: Sequence[Study]) -> None:
    """Make sure that studies of one system were scored on the same test trajectories, with the same z-scores.

    Grid, channels, frames and time step are compared by ``data_summary.json``, the trajectories by the labels that are
    stored with predictions, in their order.

    Raises:
        PhysrepError: two test sets differ, or it cannot be told; the sentence names both studies and what differs.
    """
    first: dict[str, Study] = {}
    for study in studies:
        for system in study.bench.systems:
            other = first.setdefault(system, study)
            if other is not study and (reason := _difference(other, study, system)):
                raise PhysrepError(
                    f"{other.bench.folder} and {study.bench.folder}: {reason}, so their scores on {system} must not be "
                    "compared; give only studies with one test set per system."
                )


def _difference(a: Study, b: Study, system: str) -> str:
    """What differs between the test sets of two studies; empty if they are the same."""
    descriptions = a.bench.data_of(system), b.bench.data_of(system)
    if all(descriptions):
        for key in DESCRIBED:
            ours, theirs = (description.get(key) for description in descriptions)
            if key in descriptions[0] and key in descriptions[1] and ours != theirs:
                return f"their data differ in {key} ({_short(ours)} and {_short(theirs)})"
    sets = _test_set(a, system), _test_set(b, system)
    for study, found in zip((a, b), sets, strict=True):
        if found is None:
            return f"{study.name} keeps no predictions of {system}, so it cannot be told whether the test sets agree"
    ours, theirs = sets
    assert ours is not None and theirs is not None
    if ours.parameters != theirs.parameters:
        return f"they estimate {', '.join(ours.parameters)} and {', '.join(theirs.parameters)}"
    if len(ours.physical) != len(theirs.physical):
        return f"they hold {len(ours.physical)} and {len(theirs.physical)} test trajectories"
    if not np.allclose(ours.physical, theirs.physical, rtol=1e-4):
        return "they hold different test trajectories"
    if not np.allclose(ours.scaled, theirs.scaled, atol=1e-3):
        return "their labels are z-scored differently (another training split, or other scales)"
    return ""


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def _test_set(study: Study, system: str) -> _TestSet | None:
    for entry in study.bench.entries:
        if entry.system == system and (found := study.bench.predictions(entry)):
            part = found[0]
            order = np.argsort(part.parameter_names)
            physical, _ = cluster_means(part.target_physical[:, order], part.trajectory)
            return _TestSet(tuple(sorted(part.parameter_names)), physical, per_trajectory(part)[1])
    return None


def rows_by_run(study: Study) -> dict[str, list[dict[str, str]]]:
    """Rows of every run of a study, in the order of the table."""
    runs: dict[str, list[dict[str, str]]] = {}
    for row in study.bench.rows:
        runs.setdefault(row.get("run") or "", []).append(row)
    return runs


def title_in_comparison(run: str, seed: str, study: str = "") -> str:
    """Name of a run without its seed, and in a comparison without its study: ``jepa-s0`` is ``jepa``."""
    return run.removeprefix(f"{study}.").removesuffix(f"-s{seed}")


def repeated_runs(studies: Sequence[Study]) -> dict[tuple[str, str], str]:
    """Runs that another study holds as well, whatever they are called there.

    All seeds of a title are taken together: they are a repetition if another study has each of them, with the same
    scores and seed. So a study with three seeds stays whole beside one that has only the first of them.

    Returns:
        (study, run) to the name of the study that keeps them.
    """
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for study in studies:
        for run, rows in rows_by_run(study).items():
            title = title_in_comparison(run, str(rows[0].get("seed") or ""), str(rows[0].get("study") or ""))
            group = groups.setdefault((study.name, rows[0]["system"], str(rows[0].get("study") or ""), title), {})
            group[_run_key(rows)] = run
    kept: list[tuple[str, set[str]]] = []
    repeated: dict[tuple[str, str], str] = {}
    # The larger ones first; of equal ones the first study keeps them.
    for (name, *_), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        owner = next((other for other, keys in kept if keys >= set(group)), None)
        if owner is None:
            kept.append((name, set(group)))
        else:
            repeated |= {(name, run): owner for run in group.values()}
    return repeated


def _run_key(rows: Sequence[dict[str, str]]) -> str:
    """Identity of a run by its content: who it is and every score, whatever the run or the study is called."""
    kept = ("system", "learner", "encoder", "probe", "level", "parameter", "split", "metric", "value", "seed")
    return content_hash(sorted([[str(row.get(column) or "") for column in kept] for row in rows]))
