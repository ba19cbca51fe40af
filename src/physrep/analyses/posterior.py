"""Which representation gives the sharper calibrated posterior? Neural posterior estimation on all tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from ..errors import PhysrepError
from ..leftovers import temporary_folder
from ..posterior import NeuralPosterior, TokenPosterior, calibrate, parameters_of, refine, require_enough, require_sbi
from ..progress import Progress
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows
from .simulator import Simulator


class Posterior(Analysis):
    """The posterior of the parameters of a trajectory given its frozen tokens, with the training set as prior.

    Per encoder an ensemble of conditional flows is fitted to pairs (parameters, summary of the tokens) of train and
    calibrated on valid; test says by simulation-based calibration and TARP whether it is calibrated (see
    `physrep.posterior.calibration`), and how sharp it is: mean log density of the truth (higher is better) and mean
    standard deviation.

    Rows of the kind ``score`` have one line per parameter, and one for all with the density, a mean over the truths
    inside of the prior's box (beyond it is 0), ``outside`` the number of the others, ``rank`` one line per parameter
    and tenth of the ranks, ``tarp`` one per level, ``draw`` the first draws of the first test trajectory, for the
    corner plot; with ``rounds``, ``round`` has the mean, spread and box of the same trajectory after every round of
    further simulations, and the draws are those of the last.

    Args:
        features: what the summary is of: ``tokens``, or ``both``, the tokens and those of the run ``spectra``.
        density: ``maf``, ``nsf`` or ``mdn``.
        epochs: of the training, at most.
        draws: per test trajectory.
        seeds: seeds of the runs.
        runs: names of the runs; default all.
        rounds: of simulation for the first test trajectory, for data that physrep simulated.
        simulations: trajectories per round.
        amortised: trajectories that are simulated and added to train before anything is fitted.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "features", "row", "parameter", "place", "value", "p_value", "width", "truth", "box_low",
        "box_high", "pairs", "n_trajectories",
    )  # fmt: skip
    version = 2

    def __init__(
        self,
        features: Sequence[str] = ("tokens",),
        density: str = "maf",
        epochs: int = 200,
        draws: int = 200,
        seeds: Sequence[int] = (0,),
        runs: Sequence[str] | None = None,
        rounds: int = 0,
        simulations: int = 200,
        amortised: int = 0,
    ) -> None:
        if not features or any(name not in ("tokens", "both") for name in features):
            raise PhysrepError(f"posterior: features are {list(features)}; name some of tokens, both.")
        if draws < 20:
            raise PhysrepError(f"posterior: draws is {draws}; give at least 20.")
        NeuralPosterior(density)
        self.features, self.density, self.epochs = list(features), density, epochs
        self.draws, self.seeds, self.names = draws, list(seeds), None if runs is None else list(runs)
        if min(rounds, amortised) < 0 or simulations < 100:
            raise PhysrepError(
                f"posterior: rounds {rounds}, simulations {simulations}, amortised {amortised}; give no negative "
                "number and at least 100 simulations per round."
            )
        self.rounds, self.simulations, self.amortised = rounds, simulations, amortised

    def require(self) -> None:
        require_sbi()

    def rows(self, context: Context) -> Rows:
        runs = [run for run in context.runs if run.seed in self.seeds or run.kind == "floor"]
        if self.names is not None:
            absent = [name for name in self.names if name not in {run.name for run in context.runs}]
            if absent:
                raise PhysrepError(f"posterior: there is no run {absent[0]!r}; name some of the benchmark's.")
            runs = [run for run in context.runs if run.name in self.names]
        floor = next((run for run in context.runs if run.learner == "spectra"), None)
        if "both" in self.features and floor is None:
            raise PhysrepError("posterior: features 'both' need a run of the learner spectra; add one.")
        require_sbi()
        for run in runs[:1]:
            stores = context.stores(run)
            require_enough(stores["train"].n_trajectories + self.amortised, stores["valid"].n_trajectories)
        rows: Rows = []
        with (
            temporary_folder("physrep-amortised") as folder,
            Progress(len(runs) * len(self.features), "posteriors", "encoders") as progress,
        ):
            simulator = Simulator(context, folder) if self.rounds or self.amortised else None
            for run in runs:
                for name in self.features:
                    if not (name == "both" and run is floor):
                        sources = [run] if name == "tokens" or floor is None else [run, floor]
                        rows += self._of_run(context, run, name, sources, simulator)
                    progress.advance()
        return rows

    def _of_run(
        self, context: Context, run: FrozenRun, features: str, sources: list[FrozenRun], simulator: Simulator | None
    ) -> Rows:
        parts = {own.name: context.loaded_stores(own) for own in sources}
        scaler = context.scaler
        new = lambda seed: NeuralPosterior(self.density, epochs=self.epochs, seed=seed)  # noqa: E731
        if simulator is not None and self.amortised:
            parts = simulator.enlarged(sources, parts, self.amortised)
        posterior = TokenPosterior(new(run.seed), run.seed).fit(parts, scaler, keep_pairs=True)
        theta = parameters_of(parts[run.name]["test"], scaler)
        tested = {name: (stores["test"].tokens, stores["test"].trajectory) for name, stores in parts.items()}
        summary = posterior.summary(tested)
        draws = posterior.sample(summary, self.draws).double().numpy()
        truth = theta.double().numpy()
        found = calibrate(draws, truth, run.seed)
        each = posterior.posterior.log_prob(theta, summary)
        known = torch.isfinite(each)
        density = float(each[known].mean())
        common: dict[str, Any] = {**run.identity(), "features": features, "n_trajectories": len(truth),
                                  "p_value": "", "width": "", "truth": "", "place": "", "box_low": "", "box_high": "",
                                  "pairs": ""}  # fmt: skip
        refined, shown = [], draws[:, 0]
        if simulator is not None and self.rounds and posterior.pairs is not None:
            refined = refine(
                lambda proposed, number: posterior.summary(simulator.tokens(sources, proposed, number)),
                summary[:1], *posterior.pairs, posterior.posterior, self.rounds, self.simulations,
                lambda number: new(run.seed + number), self.draws, run.seed,
            )  # fmt: skip
            shown = refined[-1].draws.double().numpy()
        rows: Rows = [{**common, "row": "score", "parameter": "all", "value": density, "p_value": found.tarp_p},
                      {**common, "row": "outside", "parameter": "all", "value": int((~known).sum())}]  # fmt: skip
        physical, first = scaler.inverse(shown[:200]), scaler.inverse(truth[:1])[0]
        for k, name in enumerate(scaler.names):
            rows.append({**common, "row": "score", "parameter": name, "value": float(found.p_values[k]),
                         "p_value": float(found.p_values[k]), "width": float(found.width[k])})  # fmt: skip
            counts = np.histogram(found.ranks[:, k], bins=10, range=(0, 1))[0]
            rows += [
                {**common, "row": "rank", "parameter": name, "place": i, "value": int(n)} for i, n in enumerate(counts)
            ]
            true = float(first[k])
            for i, value in enumerate(physical[:, k].tolist()):
                rows.append({**common, "row": "draw", "parameter": name, "place": i, "value": value, "truth": true})
            for number, own in enumerate(refined):
                mean, width = float(own.draws[:, k].mean()), float(own.draws[:, k].std())
                box = {"box_low": float(own.low[k]), "box_high": float(own.high[k]), "pairs": own.pairs}
                rows.append({**common, "row": "round", "parameter": name, "place": number, "value": mean,
                             "width": width, "truth": float(truth[0, k]), **box})  # fmt: skip
        for level, value in zip(found.levels, found.coverage, strict=True):
            rows.append({**common, "row": "tarp", "parameter": "all", "place": float(level), "value": float(value)})
        return rows
