"""Where does the attentive probe look? Its attention over the token grid."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..files import write_npz
from ..metrics.spacing import evenly_spaced
from ..nn.attentive import AttentiveProbe, attention_weights
from ..probes import AttentiveProbeFit
from ..probes.fit import fit_splits
from ..progress import each
from ..tokens import TokenStore
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows
from .explain import best_learner

MAPS = "attention_maps.npz"


class Attention(Analysis):
    """Attention of the fitted attentive probe, the mean over heads, on test windows; ``analyses/attention_maps.npz``.

    Rows per run: ``tokens_used``, the effective share of the tokens ``exp(H) / N`` with the entropy H of a window's
    attention (1: all alike, 1/N: a single one), its mean over windows; and ``share_of_frame``, the attention on each
    latent frame where the encoder states its grid. The maps are of the label-free learner that is best on valid.

    Attention says what is averaged, not what is used of it: compare with the sensitivity of the analysis ``explain``.

    Args:
        shown: test windows whose maps are kept.
        seeds: seeds of the runs.
        probe: options of the probe where the benchmark has no attentive probe; default 10 epochs, one setting.
    """

    columns: ClassVar[tuple[str, ...]] = (*IDENTITY, "metric", "item", "value")

    def __init__(self, shown: int = 3, seeds: tuple[int, ...] = (0,), probe: dict[str, Any] | None = None) -> None:
        self.shown, self.seeds = shown, tuple(seeds)
        self.probe = {
            "epochs": 10,
            "batch_size": 128,
            "learning_rates": [1e-3],
            "weight_decays": [0.01],
            **(probe or {}),
        }

    def rows(self, context: Context) -> Rows:
        (context.out / "analyses" / MAPS).unlink(missing_ok=True)
        best = best_learner(context)
        runs = [run for run in context.runs if run.seed in self.seeds or (best and run.name == best.name)]
        rows: Rows = []
        for run in each(runs, "attention", "runs"):
            stores = context.stores(run)
            # One token has all the attention.
            if stores["test"].tokens.shape[1] > 1:
                rows += self._of_run(context, run, stores, best is not None and run.name == best.name)
        return rows

    def _of_run(self, context: Context, run: FrozenRun, stores: dict[str, TokenStore], maps: bool) -> Rows:
        options = {} if "attentive" in context.probes else self.probe
        probe = context.build_probe("attentive", seed=run.seed, **options)
        assert isinstance(probe, AttentiveProbeFit)
        fit_splits(probe, stores, context.scaler.of_stores(stores))
        weights = attention_of(probe.model, stores["test"])
        rows = [{**run.identity(), "metric": "tokens_used", "item": "all", "value": tokens_used(weights)}]
        grid = run_grid(context, run, weights.shape[1])
        if grid is None:
            return rows
        over_time = weights.reshape(len(weights), grid[0], -1).sum(2).mean(0)
        for t, share in enumerate(over_time.tolist()):
            rows.append({**run.identity(), "metric": "share_of_frame", "item": str(t), "value": share})
        if maps:
            self._save(context, run, stores["test"], weights.reshape(-1, *grid))
        return rows

    def _save(self, context: Context, run: FrozenRun, store: TokenStore, weights: Tensor) -> None:
        dataset = context.splits["test"]
        index = evenly_spaced(len(store), self.shown)
        windows = np.stack([store.trajectory, store.start], 1)[index]
        clip = dataset.clip(windows, context.num_frames, context.data.frame_step)
        write_npz(
            context.out / "analyses" / MAPS,
            {"fields": clip.fields.numpy(), "attention": weights[index].numpy(), "channels": np.array(dataset.channels),
             "labels": store.labels[index], "parameter_names": np.array(store.parameter_names),
             "run": np.array(run.name), "dt": np.array(dataset.dt * context.data.frame_step)},
        )  # fmt: skip


@torch.no_grad()
def attention_of(model: AttentiveProbe, store: TokenStore) -> Tensor:
    """Attention of every window, mean over heads, with shape ``(windows, N)``."""
    parts = []
    for first in range(0, len(store), 256):
        tokens = torch.from_numpy(np.array(store.tokens[first : first + 256])).float()
        parts.append(attention_weights(model.cpu(), tokens).mean(1))
    return torch.cat(parts)


def tokens_used(weights: Tensor) -> float:
    """Mean over windows of ``exp(entropy) / N`` of attention with shape ``(windows, N)``."""
    entropy = -(weights * weights.clamp_min(1e-30).log()).sum(1)
    return float((entropy.exp() / weights.shape[1]).mean())


def run_grid(context: Context, run: FrozenRun, count: int) -> tuple[int, int, int] | None:
    """Token grid (t, h, w) of a run's encoder; None if it states none, or another number of tokens."""
    dataset = context.splits["test"]
    grid = getattr(getattr(context.learner(run), "encoder", None), "grid", None)
    if grid is None or len(dataset.shape) != 2:
        return None
    t, h, w = grid(context.num_frames, *dataset.shape)
    return (t, h, w) if t * h * w == count else None
