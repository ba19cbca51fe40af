"""Reading a benchmark directory; whatever is optional and absent becomes a sentence, not an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PhysrepError
from ..files import read_csv, read_json, read_yaml
from ..files import read_record as read_object
from ..learners.identity import Identity, identity_of_name, identity_of_summary
from ..metrics import Difference, cluster_means, paired_difference_over_seeds
from ..probes.predictions import Predictions, load_predictions
from .calibration import ceiling_ends
from .entries import Entry, make_entries, parameter_names, to_float

if TYPE_CHECKING:
    from pandas import DataFrame

RECORD = "compare.json"
"""What `physrep compare` leaves beside the merged table."""


def read_comparison(folder: Path) -> dict[str, Any]:
    """``compare.json`` of a comparison, studies and duplicates; empty for a benchmark."""
    return read_object(folder / RECORD) if (folder / RECORD).is_file() else {}


def read_over_seeds(folder: Path) -> list[dict[str, str]]:
    """Rows of ``over_seeds.csv``; none if no run has several seeds."""
    path = folder / "over_seeds.csv"
    return read_csv(path) if path.is_file() else []


def read_results(folder: str | Path) -> DataFrame:
    """The long table of a benchmark, one row per score.

    Args:
        folder: what `physrep bench` or `physrep compare` wrote.

    Returns:
        The columns of ``results.csv``, and ``label`` and ``kind`` of every row's learner.

    Raises:
        PhysrepError: there is no table, or it cannot be read.
    """
    import pandas as pd

    bench, path = Bench.read(folder), Path(folder) / "results.csv"
    # Numbers as Python reads them, to the last digit; a run whose name is a number stays a name.
    names: Any = dict.fromkeys(("system", "learner", "encoder", "probe", "run"), str)
    table = pd.read_csv(
        path,
        dtype=names,
        keep_default_na=False,
        na_values={name: ["", "nan"] for name in ("n_trajectories", "n_train_trajectories")},
        converters=dict.fromkeys(("value", "ci_low", "ci_high"), to_float),
    )
    who = bench.identities
    known = [
        who[run] if run in who else identity_of_name(learner)
        for run, learner in zip(table["run"], table["learner"], strict=True)
    ]
    return table.assign(label=[own.label for own in known], kind=[own.kind for own in known])


@dataclass
class Run:
    """One run: what it was, its curves, column name to (steps, finite values), its learner as the table has it, and,
    of a ceiling, whether its training has converged (None: unknown)."""

    name: str
    folder: Path
    summary: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    learner: str = ""
    converged: bool | None = None

    @property
    def identity(self) -> Identity:
        """Kind, label and colour of its learner; a ceiling whose training has not converged is none."""
        own = identity_of_summary(self.summary, self.learner)
        return own._replace(kind="unconverged") if own.kind == "ceiling" and self.converged is False else own


@dataclass
class Samples:
    """A few trajectories: fields with shape ``(n, C, T, H, W)`` and parameters with shape ``(n, P)``."""

    fields: np.ndarray
    channels: tuple[str, ...]
    parameters: np.ndarray
    parameter_names: tuple[str, ...]


@dataclass
class Bench:
    """Everything that the page shows, as read from one directory.

    Attributes:
        folder: the directory.
        rows: of ``results.csv``, as text.
        entries: see `physrep.benchmark.entries.make_entries`.
        runs: by name.
        config, data, environment: plain data; empty if the file is absent.
        calibration: rows of ``calibration.csv``; None if there is none.
        samples: None if there are none.
        notes: sentences that say what is missing or wrong.
    """

    folder: Path
    rows: list[dict[str, str]]
    entries: list[Entry]
    runs: dict[str, Run]
    config: Any
    data: dict[str, Any]
    environment: dict[str, Any]
    calibration: list[dict[str, str]] | None
    samples: Samples | None
    notes: list[str]

    @classmethod
    def read(cls, folder: str | Path) -> Bench:
        """Read a benchmark directory.

        Raises:
            PhysrepError: ``results.csv`` is missing or holds no results.
        """
        folder = Path(folder)
        rows = read_csv(folder / "results.csv")
        notes: list[str] = []
        names = {row.get("run") or "": row.get("learner") or "" for row in rows}
        runs = {
            name: _read_run(folder / "runs" / name, name, learner, notes) for name, learner in names.items() if name
        }
        # Trainings on the same data are held against one another.
        data = {row.get("run") or "": (row.get("system"), row.get("study")) for row in rows}
        ceilings = {name: run.folder for name, run in runs.items() if run.identity.kind == "ceiling"}
        for same in {data[name] for name in ceilings}:
            own = {name: folder for name, folder in ceilings.items() if data[name] == same}
            for name, end in ceiling_ends(own).items():
                runs[name].converged = end.converged
        calibration = folder / "calibration.csv"
        bench = cls(
            folder,
            rows,
            make_entries(rows, {name: run.identity for name, run in runs.items()}, read_over_seeds(folder)),
            runs,
            _optional(read_yaml, folder / "config.yaml", {}, notes),
            _optional(read_object, folder / "data_summary.json", {}, notes),
            _optional(read_json, folder / "environment.json", {}, notes),
            read_csv(calibration) if calibration.is_file() else None,
            _optional(_read_samples, folder / "samples.npz", None, [] if read_comparison(folder) else notes),
            notes,
        )
        bench._check_scores()
        return bench

    @property
    def identities(self) -> dict[str, Identity]:
        """Run name to kind, label and colour of its learner."""
        return {name: run.identity for name, run in self.runs.items()}

    @property
    def systems(self) -> list[str]:
        """Systems in the order of the table."""
        return list(dict.fromkeys(entry.system for entry in self.entries))

    def parameters(self, system: str) -> list[dict[str, Any]]:
        """Parameters of a system in the order of the table, each with name, symbol, scale, unit and what is known."""
        known = {entry["name"]: entry for entry in self.data_of(system).get("parameters", [])}
        names = parameter_names(entry for entry in self.entries if entry.system == system)
        return [{"symbol": name, "scale": "linear", "unit": "1", **known.get(name, {}), "name": name} for name in names]

    def data_of(self, system: str) -> dict[str, Any]:
        """What is known of the data of a system; empty if nothing is. A comparison holds several summaries."""
        if "systems" in self.data:
            return self.data["systems"].get(system, {})
        return self.data if self.data.get("system", system) == system else {}

    def predictions(self, entry: Entry) -> list[Predictions]:
        """Test predictions of every run of an entry; empty if one is missing."""
        found = []
        for run in entry.runs:
            path = self.folder / "runs" / run / f"predictions_{entry.probe}.npz"
            if not path.is_file():
                return []
            found.append(load_predictions(path)["test"])
        return found

    def difference(self, entry: Entry, other: Entry) -> Difference | None:
        """Mean MSE per trajectory of ``entry`` minus that of ``other`` on the same trajectories, over all seeds.

        Returns:
            None if predictions are missing, or do not hold the same trajectories and parameters.
        """
        first, second = ([per_trajectory(one) for one in self.predictions(each)] for each in (entry, other))
        if not first or not second:
            return None
        _, target, names = first[0]
        for _, other_target, other_names in (*first, *second):
            if not np.array_equal(names, other_names) or not np.allclose(target, other_target, atol=1e-4):
                self.notes.append(f"{entry.title} and {other.title} were not scored on the same trajectories.")
                return None
        ours, theirs = ([prediction for prediction, _, _ in part] for part in (first, second))
        return paired_difference_over_seeds(ours, theirs, target, names)

    def _check_scores(self) -> None:
        for entry in self.entries:
            if not math.isfinite(entry.value):
                self.notes.append(f"{entry.title} ({entry.system}) has no finite test score.")
            elif entry.chosen and not math.isfinite(entry.score(split="valid").value):
                self.notes.append(f"{entry.title} ({entry.system}) has no valid score: its probe was not chosen there.")


def per_trajectory(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean z-scored prediction and target of every trajectory, parameters in the order of their names.

    Returns:
        Prediction and target with shape ``(G, P)``, and the sorted trajectories with shape ``(G,)``.
    """
    order = np.argsort(predictions.parameter_names)
    prediction, names = cluster_means(predictions.prediction[:, order], predictions.trajectory)
    return prediction, cluster_means(predictions.target[:, order], predictions.trajectory)[0], names


def _optional(read: Callable[[Path], Any], path: Path, default: Any, notes: list[str]) -> Any:
    if not path.is_file():
        notes.append(f"{path.name} is absent.")
        return default
    return read(path) or default


def _read_run(folder: Path, name: str, learner: str, notes: list[str]) -> Run:
    run = Run(name, folder, learner=learner)
    if (folder / "summary.json").is_file():
        run.summary = read_object(folder / "summary.json")
    else:
        notes.append(f"Run {name} has no summary.json: its cost is unknown.")
    if (folder / "metrics.csv").is_file():
        run.curves, diverged = _read_curves(folder / "metrics.csv")
        notes += [f"Run {name}: {column} is not finite from step {step:.0f} on." for column, step in diverged.items()]
    return run


def _read_curves(path: Path) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, float]]:
    rows = read_csv(path)
    curves, diverged = {}, {}
    for column in rows[0] if rows else []:
        filled = [(i, row) for i, row in enumerate(rows) if column and row[column] not in ("", None)]
        steps = np.array([to_float(row.get("step", i)) for i, row in filled])
        values = np.array([to_float(row[column]) for _, row in filled])
        finite = np.isfinite(values) & np.isfinite(steps)
        if finite.any():
            curves[column] = (steps[finite], values[finite])
        if len(values) and not np.isfinite(values[-1]) and column != "step":
            last = np.flatnonzero(finite)
            diverged[column] = steps[last[-1] + 1 if len(last) else 0]
    return curves, diverged


def _read_samples(path: Path) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = (tuple(str(name) for name in file[key]) for key in ("channels", "parameter_names"))
            channels, parameter_names = names
            samples = Samples(file["fields"], channels, file["parameters"], parameter_names)
    except PhysrepError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise PhysrepError(f"{path}: holds no samples ({error}); run `physrep bench` again.") from error
    if samples.fields.ndim != 5 or samples.fields.shape[1] != len(samples.channels):
        raise PhysrepError(f"{path}: fields {samples.fields.shape} are not (n, C, T, H, W) with C channel names.")
    return samples
