"""Analyses of latent trajectories: one form of table for all, arrays beside it."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...files import read_csv, write_json, write_npz
from ...renamed import current_columns
from ...streams import say_line
from ..base import IDENTITY, Analysis, Context, Rows
from .context import LatentContext


class LatentAnalysis(Analysis):
    """A question to embeddings over time.

    Rows of its table have, beside the run: ``system``, ``target`` (parameter or question), ``level`` (what of a
    simulation is read), ``metric``, ``value`` with its interval (95 % over simulations, unless the analysis
    says otherwise), and ``per_seed`` (the value of every seed of the folds, where there are several). Arrays for
    figures are in ``analyses/NAME.npz``.

    Attributes:
        name: by which it is registered.
    """

    name: ClassVar[str]
    columns = (*IDENTITY, "system", "target", "level", "metric", "value", "ci_low", "ci_high", "per_seed")

    @abstractmethod
    def answer(self, context: LatentContext) -> Rows:
        """Rows as of `physrep.analyses.latent.context.result`; arrays go to ``context.arrays``."""

    def rows(self, context: Context | LatentContext) -> Rows:
        """See `Analysis.rows`."""
        latent = context if isinstance(context, LatentContext) else LatentContext.of(context)
        latent.arrays = {}
        found = self.answer(latent)
        folder = latent.out / "analyses"
        write_npz(folder / f"{self.name}.npz", {k.replace("/", "|"): v for k, v in latent.arrays.items()})
        if not found:
            say_line(f"{self.name}: {self.nothing}.")
            write_json(folder / f"{self.name}_note.json", {"sentences": [f"{self.nothing}."]})
        runs = {run.name: run.identity() for run in latent.runs}
        return [
            {**runs[row["modality"]], "system": row["set"],
             **{key: row[key] for key in ("target", "level", "metric", "value")},
             "ci_low": row["low"], "ci_high": row["high"], "per_seed": json.dumps(row["splits"])}
            for row in found
        ]  # fmt: skip

    nothing: ClassVar[str] = "no run of this benchmark can be asked this"
    """Why its table may be empty."""


def read_latent(folder: Path, name: str) -> tuple[Rows, Mapping[str, np.ndarray]]:
    """Rows, as an analysis answered, and arrays of one analysis from the folder above ``analyses/``."""
    rows: Rows = []
    for row in map(current_columns, read_csv(folder / "analyses" / f"{name}.csv")):
        numbers: dict[str, Any] = {
            key: float(row[column]) for key, column in (("value", "value"), ("low", "ci_low"), ("high", "ci_high"))
        }
        named = {"set": row["system"], **{key: row[key] for key in ("target", "level", "metric")}}
        rows.append(
            {"analysis": name, **named, "modality": row["run"], **numbers, "splits": json.loads(row["per_seed"])}
        )
    path = folder / "analyses" / f"{name}.npz"
    if not path.is_file():
        return rows, {}
    with np.load(path, allow_pickle=False) as found:
        return rows, {key.replace("|", "/"): found[key] for key in found.files}
