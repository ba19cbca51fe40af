"""Is it the representation or the probe? Probes of different strength side by side, each with its control task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import PhysrepError
from ..probes import PROBES, Probe, code_length, control_task
from ..progress import Progress
from ..registry import resolve
from .base import IDENTITY, Analysis, Context, Rows

QUICK: dict[str, dict[str, Any]] = {"mlp": {"epochs": 30, "batch_size": 128}}
"""Options of probes that are fitted to every encoder twice, where neither benchmark nor analysis gives others."""


class Strength(Analysis):
    """Every probe on every encoder: its test MSE, the MSE after it was fitted on shuffled labels, and its code length.

    A strong probe may create what it is said to find. Three readings of each (`physrep.probes.control`): ``mse`` per
    trajectory on test; ``control``, the same for a probe that was fitted on labels shuffled among trajectories, which
    must be 1 or more; ``selectivity``, their difference; and ``bits_saved`` per label by a prequential code, in which a
    probe that needs many labels pays for them.

    Args:
        probes: names of probes; those of the benchmark have its options, unless ``options`` says otherwise, and are
            left out of runs from which the benchmark withheld them.
        options: ``{probe: options}``.
        code: probes whose code length is computed, which fits four further ones.
        seeds: seeds of the runs.
    """

    columns: ClassVar[tuple[str, ...]] = (*IDENTITY, "probe", "quantity", "parameter", "value", "ci_low", "ci_high")

    def __init__(
        self,
        probes: Sequence[str] = ("ridge", "knn", "mlp", "attentive"),
        options: Mapping[str, dict[str, Any]] | None = None,
        code: Sequence[str] = ("ridge", "knn"),
        seeds: Sequence[int] = (0,),
    ) -> None:
        for name in (*probes, *(options or {}), *code):
            resolve(name, PROBES, "probe")
        if not probes:
            raise PhysrepError(f"strength: probes are {list(probes)}; name at least one of {', '.join(PROBES)}.")
        self.probes, self.code, self.seeds = list(probes), list(code), list(seeds)
        self.options = {**QUICK, **(options or {})}

    def rows(self, context: Context) -> Rows:
        runs = [run for run in context.runs if run.seed in self.seeds]
        rows: Rows = []
        with Progress(len(runs) * len(self.probes), "probes and their controls", "probes") as progress:
            for run in runs:
                stores = context.loaded_stores(run)
                for name in self.probes:
                    if name in context.probes and not (run.folder / f"predictions_{name}.npz").is_file():
                        progress.advance()
                        continue
                    probe = context.build_probe(name, seed=run.seed, **self.options.get(name, {}))
                    readings = self._readings(probe, stores, context, name in self.code)
                    rows += [{**run.identity(), "probe": name, **row} for row in readings]
                    progress.advance()
        return rows

    def _readings(self, probe: Probe, stores: dict[str, Any], context: Context, code: bool) -> Rows:
        names = (*context.scaler.names, "mean")
        control = control_task(probe, stores, context.scaler, name="probe", n_resamples=context.n_resamples)
        rows: Rows = []
        for quantity, scored in (("mse", control.real), ("control", control.rows)):
            for row in scored.to_dict("records"):
                if (row["level"], row["split"], row["metric"]) == ("trajectory", "test", "mse"):
                    part = {key: row[key] for key in ("parameter", "value", "ci_low", "ci_high")}
                    rows.append({"quantity": quantity, **part})
        gain = control.selectivity.interval
        rows += [{"quantity": "selectivity", "parameter": name, **gain.cells(k)} for k, name in enumerate(names)]
        if code:
            saved = code_length(probe, stores, context.scaler).saved
            for name, value in zip(names, [*saved.tolist(), float(saved.mean())], strict=True):
                rows.append({"quantity": "bits_saved", "parameter": name, "value": value, "ci_low": "", "ci_high": ""})
        return rows
