"""Which representation gives the sharper calibrated posterior? Neural posterior estimation on all tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from ..errors import PhysrepError
from ..metrics import cluster_means
from ..posterior import NeuralPosterior, Summary, calibrate
from ..progress import Progress
from .base import Analysis, Context, FrozenRun, Rows


class Posterior(Analysis):
    """The posterior of the parameters of a trajectory given its frozen tokens, with the training set as prior.

    Per encoder a conditional flow is fitted to pairs (parameters, summary of the tokens) of train and valid; test says
    by simulation-based calibration and TARP whether it is calibrated (see `physrep.posterior.calibration`), and
    how sharp it is: mean log density of the truth (higher is better) and mean standard deviation.

    Rows of the kind ``score`` have one line per parameter, ``rank`` one per parameter and tenth of the ranks, ``tarp``
    one per level, ``draw`` the first draws of the first test trajectory, for the corner plot.

    Args:
        features: what the summary is of: ``tokens``, or ``both``, the tokens and those of the run ``spectra``.
        density: ``maf``, ``nsf`` or ``mdn``.
        epochs: of the training, at most.
        draws: per test trajectory.
        seeds: seeds of the runs.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "run", "title", "learner", "encoder", "kind", "seed", "features", "row", "parameter", "place", "value",
        "p_value", "width", "truth", "n_trajectories",
    )  # fmt: skip

    def __init__(
        self,
        features: Sequence[str] = ("tokens",),
        density: str = "maf",
        epochs: int = 200,
        draws: int = 200,
        seeds: Sequence[int] = (0,),
    ) -> None:
        if not features or any(name not in ("tokens", "both") for name in features):
            raise PhysrepError(f"posterior: features are {list(features)}; name some of tokens, both.")
        if draws < 20:
            raise PhysrepError(f"posterior: draws is {draws}; give at least 20.")
        NeuralPosterior(density)
        self.features, self.density, self.epochs = list(features), density, epochs
        self.draws, self.seeds = draws, list(seeds)

    def rows(self, context: Context) -> Rows:
        runs = [run for run in context.runs if run.seed in self.seeds or run.kind == "floor"]
        floor = next((run for run in runs if run.learner == "spectra"), None)
        if "both" in self.features and floor is None:
            raise PhysrepError("posterior: features 'both' need a run of the learner spectra; add one.")
        rows: Rows = []
        with Progress(len(runs) * len(self.features), "posteriors", "encoders") as progress:
            for run in runs:
                for name in self.features:
                    if not (name == "both" and run is floor):
                        rows += self._of_run(
                            context, run, name, [run] if name == "tokens" or floor is None else [run, floor]
                        )
                    progress.advance()
        return rows

    def _of_run(self, context: Context, run: FrozenRun, features: str, sources: list[FrozenRun]) -> Rows:
        parts = [_summaries(context, own) for own in sources]
        summary = {split: torch.cat([part[split] for part in parts], 1) for split in ("train", "valid", "test")}
        stores, scaler = context.stores(run), context.scaler
        theta = {
            split: torch.from_numpy(
                cluster_means(scaler.transform(store.labels, store.parameter_names).numpy(), store.trajectory)[0]
            )
            for split, store in stores.items()
        }
        known = torch.cat([theta["train"], theta["valid"]]), torch.cat([summary["train"], summary["valid"]])
        posterior = NeuralPosterior(self.density, hidden=16, epochs=self.epochs, seed=run.seed).fit(*known)
        draws = posterior.sample(summary["test"], self.draws).double().numpy()
        truth = theta["test"].numpy()
        found = calibrate(draws, truth, run.seed)
        density = float(posterior.log_prob(theta["test"], summary["test"]).mean())
        common: dict[str, Any] = {**run.identity(), "features": features, "n_trajectories": len(truth),
                                  "p_value": "", "width": "", "truth": "", "place": ""}  # fmt: skip
        rows: Rows = [{**common, "row": "score", "parameter": "all", "value": density, "p_value": found.tarp_p}]
        for k, name in enumerate(scaler.names):
            rows.append({**common, "row": "score", "parameter": name, "value": float(found.p_values[k]),
                         "p_value": float(found.p_values[k]), "width": float(found.width[k])})  # fmt: skip
            counts = np.histogram(found.ranks[:, k], bins=10, range=(0, 1))[0]
            rows += [
                {**common, "row": "rank", "parameter": name, "place": i, "value": int(n)} for i, n in enumerate(counts)
            ]
            for i, value in enumerate(scaler.inverse(draws[:, 0])[:, k].tolist()[:200]):
                true = float(scaler.inverse(truth[:1])[0, k])
                rows.append({**common, "row": "draw", "parameter": name, "place": i, "value": value, "truth": true})
        for level, value in zip(found.levels, found.coverage, strict=True):
            rows.append({**common, "row": "tarp", "parameter": "all", "place": float(level), "value": float(value)})
        return rows


def _summaries(context: Context, run: FrozenRun) -> dict[str, torch.Tensor]:
    stores = context.loaded_stores(run)
    train = stores["train"]
    summary = Summary().fit(train.tokens, train.trajectory)
    return {split: summary(store.tokens, store.trajectory) for split, store in stores.items()}
