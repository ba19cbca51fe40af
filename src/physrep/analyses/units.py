"""Scores in the units of physics and in the units of the paper, beside the z-scored ones of the table."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..errors import PhysrepError
from ..metrics import bootstrap, cluster_means
from ..probes import load_predictions
from ..tokens import LabelScaler, paper_label_statistics
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows


class Units(Analysis):
    """Test errors per trajectory of the probe chosen on valid, three times.

    - ``factor``, of parameters on a logarithmic scale: ``exp(sqrt(mean (ln prediction - ln truth)^2))``, the factor by
      which an estimate is typically off; 1 is exact.
    - ``rmse``, of parameters on a linear scale: the root of the mean squared error, in the parameter's own unit.
    - ``mse_paper``: the MSE of labels z-scored with the constants of the paper's code (`paper_label_statistics`), for
      its three systems; comparable with its table only on the same data, since a constant then scores the variance of
      the labels in these units, given as ``constant``.

    Predictions of the windows of a trajectory are averaged in z-scored form, as in the table.

    Args:
        level: probability content of the intervals.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "probe", "parameter", "scale", "measure", "value", "ci_low", "ci_high", "constant",
    )  # fmt: skip

    def __init__(self, level: float = 0.95) -> None:
        if not 0 < level < 1:
            raise PhysrepError(f"units: level is {level}; give a probability between 0 and 1.")
        self.level = level

    def rows(self, context: Context) -> Rows:
        rows: Rows = []
        for run in context.runs:
            probe = context.chosen_probe(run)
            part = load_predictions(run.folder / f"predictions_{probe}.npz")["test"]
            prediction, names = cluster_means(part.prediction, part.trajectory)
            target, _ = cluster_means(part.target, part.trajectory)
            common = {**run.identity(), "probe": probe}
            rows += [{**common, **row} for row in self._own(context, prediction, target, names)]
            rows += [{**common, **row} for row in self._paper(context, run, prediction, target, names)]
        return rows

    def _own(self, context: Context, prediction: np.ndarray, target: np.ndarray, names: np.ndarray) -> Rows:
        scaler = context.scaler
        interval = bootstrap(prediction, target, names, n_resamples=context.n_resamples, level=self.level)
        constant = np.square(target).mean(axis=0)
        rows = []
        for k, (name, scale, std) in enumerate(zip(scaler.names, scaler.scales, scaler.std, strict=True)):
            # Labels on a log scale are log10 of the parameter; both measures are increasing in the MSE.
            def measure(mse: Any, std: float = std, log: bool = scale == "log") -> float:
                rmse = float(std * np.sqrt(np.maximum(mse, 0)))
                return float(np.exp(np.log(10) * rmse)) if log else rmse

            rows.append(
                {
                    "parameter": name, "scale": scale, "measure": "factor" if scale == "log" else "rmse",
                    "value": measure(interval.value[k]), "ci_low": measure(interval.low[k]),
                    "ci_high": measure(interval.high[k]), "constant": measure(constant[k]),
                }
            )  # fmt: skip
        return rows

    def _paper(
        self, context: Context, run: FrozenRun, prediction: np.ndarray, target: np.ndarray, names: np.ndarray
    ) -> Rows:
        scaler = context.scaler
        try:
            paper = paper_label_statistics(context.system, scaler.names)
        except PhysrepError:
            return []
        ours, true = (
            paper.transform(_physical(scaler, values), scaler.names).numpy() for values in (prediction, target)
        )
        interval = bootstrap(ours, true, names, n_resamples=context.n_resamples, level=self.level)
        variance = true.var(axis=0)
        constants = [*variance.tolist(), float(variance.mean())]
        return [
            {"parameter": name, "scale": scale, "measure": "mse_paper", **interval.cells(k), "constant": constants[k]}
            for k, (name, scale) in enumerate(zip((*scaler.names, "mean"), (*paper.scales, ""), strict=True))
        ]


def _physical(scaler: LabelScaler, values: np.ndarray) -> np.ndarray:
    return scaler.inverse(values.astype(np.float64)).numpy()
