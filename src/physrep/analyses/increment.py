"""What does a representation add to what an expert already has? A floor with the tokens beside it, against it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch

from ..errors import PhysrepError
from ..metrics import bootstrap, cluster_means, paired_difference
from ..probes.fit import fit_splits
from ..probes.moments import token_moments
from ..progress import Progress
from ..tokens import TokenStore
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows, valid_scores


class Increment(Analysis):
    """Test MSE per trajectory of a floor's numbers alone, and of them joined with the tokens of each other run.

    Both are read by the same probe, which sees the mean and standard deviation of the tokens of a window beside the
    numbers of the floor. The difference is paired: the same test trajectories, resampled together. Below 0, its
    interval too, the representation holds something that the floor does not.

    Args:
        floor: title of the run that is the floor; default the run of the kind ``floor`` with the lowest MSE on valid.
        probes: names of probes that read both; any but the attentive one.
        seeds: seeds of the runs; default all.

    Raises:
        PhysrepError: no probe, or the attentive one.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "floor", "probe", "parameter", "quantity", "value", "ci_low", "ci_high", "n_trajectories",
    )  # fmt: skip

    def __init__(
        self,
        floor: str | None = None,
        probes: Sequence[str] = ("ridge", "kernel_ridge"),
        seeds: Sequence[int] | None = None,
    ) -> None:
        if not probes or "attentive" in probes:
            raise PhysrepError(
                f"increment: probes are {list(probes)}; name at least one that reads moments, e.g. ridge, kernel_ridge."
            )
        self.floor, self.probes = floor, list(probes)
        self.seeds = None if seeds is None else list(seeds)

    def rows(self, context: Context) -> Rows:
        base = self._base(context)
        others = [
            run for run in context.runs
            if run.title != base.title and (self.seeds is None or run.seed in self.seeds)
        ]  # fmt: skip
        own = reduced(context.stores(base))
        rows: Rows = []
        with Progress(len(self.probes) * (1 + len(others)), "increment over a floor", "fits") as progress:
            for name in self.probes:
                alone = self._predict(context, base, name, own)
                progress.advance(note=base.name)
                for run in others:
                    both = self._predict(context, run, name, side_by_side(own, reduced(context.stores(run))))
                    common = {**run.identity(), "floor": base.title, "probe": name}
                    rows += [{**common, **row} for row in _scored(alone, both, own["test"], context)]
                    progress.advance(note=run.name)
        return rows

    def _base(self, context: Context) -> FrozenRun:
        if self.floor is not None:
            found = next((run for run in context.runs if run.title == self.floor), None)
            if found is None:
                titles = ", ".join(dict.fromkeys(run.title for run in context.runs))
                raise PhysrepError(f"increment: there is no run {self.floor!r}; name one of {titles}.")
            return found
        floors = {run: min(valid_scores(run).values()) for run in context.runs if run.kind == "floor"}
        if not floors:
            raise PhysrepError("increment: the benchmark has no floor; add a run, e.g. - learner: classical.")
        return min(floors, key=lambda run: floors[run])

    def _predict(self, context: Context, run: FrozenRun, name: str, stores: dict[str, TokenStore]) -> np.ndarray:
        probe = context.build_probe(name, seed=run.seed)
        fit_splits(probe, stores, context.scaler.of_stores(stores))
        return probe.predict(stores["test"].tokens).double().numpy()


def reduced(stores: Mapping[str, TokenStore]) -> dict[str, TokenStore]:
    """Stores whose one token per window holds the mean and standard deviation of the window's tokens."""
    return {
        split: replace(store, tokens=token_moments(store.tokens)[:, None].float().numpy())
        for split, store in stores.items()
    }


def side_by_side(first: Mapping[str, TokenStore], second: Mapping[str, TokenStore]) -> dict[str, TokenStore]:
    """Stores of the same windows with the numbers of both side by side.

    Raises:
        PhysrepError: the windows differ.
    """
    result = {}
    for split, store in first.items():
        other = second[split]
        if not (np.array_equal(store.trajectory, other.trajectory) and np.array_equal(store.start, other.start)):
            raise PhysrepError(f"two runs have tokens of other {split} windows; choose another --out.")
        result[split] = replace(store, tokens=np.concatenate([store.tokens, other.tokens], axis=2))
    return result


def _scored(alone: np.ndarray, both: np.ndarray, test: TokenStore, context: Context) -> Rows:
    """Both scores and their paired difference, joined minus alone, per parameter and mean."""
    target = context.scaler.transform(test.labels, test.parameter_names).double()
    truth, names = cluster_means(torch.as_tensor(target).numpy(), test.trajectory)
    first, second = (cluster_means(part, test.trajectory)[0] for part in (alone, both))
    difference = paired_difference(second, first, truth, names, "mse", n_resamples=context.n_resamples)
    parts = {
        "floor": bootstrap(first, truth, names, "mse", n_resamples=context.n_resamples),
        "joined": bootstrap(second, truth, names, "mse", n_resamples=context.n_resamples),
        "difference": difference.interval,
    }
    return [
        {"quantity": quantity, "parameter": parameter, **part.cells(k), "n_trajectories": len(names)}
        for quantity, part in parts.items()
        for k, parameter in enumerate((*context.scaler.names, "mean"))
    ]
