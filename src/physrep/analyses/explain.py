"""Where an estimate comes from: input sensitivity, a map of the tokens, and the depth at which parameters appear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..clip import Clip
from ..files import write_npz
from ..metrics import bootstrap
from ..metrics.spacing import evenly_spaced
from ..palette import as_plane
from ..probes import Ridge, RidgeProbe
from ..probes.moments import smooth_moments
from ..probes.standardise import Standardiser
from ..progress import each
from ..tokens import TokenStore
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows, valid_scores
from .principal import principal
from .stage_activations import stage_moments
from .token_moments import moments_by_split

SALIENCY, MAP = "explain_saliency.npz", "explain_map.npz"
BATCH = 16


class Explain(Analysis):
    """Three looks at frozen encoders; figures read ``analyses/explain_*.npz``.

    - ``saliency``, of the learner with the lowest valid MSE: gradient of the estimate ŷ of each parameter (ridge on
      pooled tokens, `physrep.probes.Ridge`) with respect to the input fields, times the standard deviation of
      each channel, so that it tells by how much ŷ moves if one point of the input moves by one standard deviation.
      Rows hold the shares of channels and frames in its sum of squares over ``windows`` test windows.
    - ``map``, of every run: the first two principal components of the standardised pooled tokens of test (axes from
      train), and the share of the variance that each holds.
    - ``layer``, of every run with an encoder: ridge regression of the parameters on the pooled output of every
      top-level block (`physrep.analyses.stage_activations`), MSE per window on test. ``input`` is the fields' own
      mean and standard deviation per channel.

    Gradients are local and linear, and say what the estimate depends on, not what the flow depends on.

    Args:
        windows: test windows of the shares of ``saliency``.
        shown: of them, windows whose maps are kept for the figure.
        most: windows per split for ``layer``, evenly spaced.
    """

    columns = (*IDENTITY, "question", "item", "depth", "parameter", "metric", "value", "ci_low", "ci_high")

    def __init__(self, windows: int = 64, shown: int = 3, most: int = 1000) -> None:
        self.windows, self.shown, self.most = windows, shown, most

    def rows(self, context: Context) -> Rows:
        """See `Analysis.rows`."""
        for name in (SALIENCY, MAP):
            (context.out / "analyses" / name).unlink(missing_ok=True)
        rows = self._map(context)
        best = best_learner(context)
        if best is not None:
            rows += self._saliency(context, best)
        for run in each(context.runs, "explain: layers", "runs"):
            rows += self._layers(context, run)
        return rows

    def _labels(self, context: Context, store: TokenStore) -> Tensor:
        return context.scaler.transform(store.labels, store.parameter_names).double()

    def _map(self, context: Context) -> Rows:
        rows: Rows = []
        arrays: dict[str, Any] = {}
        for run in context.runs:
            features = moments_by_split(context, run)
            points, shares = principal_map(features["train"], features["test"])
            arrays[f"points.{run.name}"] = points.float().numpy()
            rows += [
                _row(run, "map", f"component {k + 1}", "explained_variance", share) for k, share in enumerate(shares)
            ]
        if context.runs:
            store = context.stores(context.runs[0])["test"]
            arrays |= {"labels": store.labels, "start": store.start, "trajectory": store.trajectory,
                       "parameter_names": np.array(store.parameter_names)}  # fmt: skip
            write_npz(context.out / "analyses" / MAP, arrays, compressed=True)
        return rows

    def _saliency(self, context: Context, run: FrozenRun) -> Rows:
        stores, features = context.stores(run), moments_by_split(context, run)
        labels = {split: self._labels(context, stores[split]) for split in ("train", "valid")}
        head = Ridge().fit(features["train"], labels["train"], features["valid"], labels["valid"])
        dataset, learner = context.splits["test"], context.learner(run)
        chosen = evenly_spaced(len(stores["test"]), self.windows)
        fields, maps = [], []
        for clip in _clips(context, "test", stores["test"], chosen):
            sensitivity = input_sensitivity(learner, head, clip)
            if sensitivity is None:
                return []
            maps.append(sensitivity * dataset.std.view(-1, *[1] * (1 + len(dataset.axes))))
            fields.append(clip.fields)
        every, names = torch.cat(maps), context.scaler.names
        power = every.double().square().mean(0)
        rows: Rows = []
        for p, parameter in enumerate(names):
            total = float(power[p].sum()) or 1.0
            for c, channel in enumerate(dataset.channels):
                share = float(power[p, c].sum()) / total
                rows.append(_row(run, "saliency", channel, "share_of_channel", share, parameter))
            for t in range(power.shape[2]):
                share = float(power[p, :, t].sum()) / total
                rows.append(_row(run, "saliency", str(t), "share_of_frame", share, parameter))
        # Windows from all over the split, not the first ones.
        shown = evenly_spaced(len(every), self.shown)
        rows_of_store, axes = chosen[shown], len(dataset.axes)
        write_npz(
            context.out / "analyses" / SALIENCY,
            {"fields": as_plane(torch.cat(fields)[shown].numpy(), axes),
             "sensitivity": as_plane(every[shown].float().numpy(), axes),
             "channels": np.array(dataset.channels), "parameter_names": np.array(names), "run": np.array(run.name),
             "labels": context.scaler.inverse(self._labels(context, stores["test"])[rows_of_store]).numpy(),
             "dx": np.array(dataset.dx), "dt": np.array(dataset.dt * context.data.frame_step)},
            compressed=True,
        )  # fmt: skip
        return rows

    def _layers(self, context: Context, run: FrozenRun) -> Rows:
        learner = context.learner(run)
        if not isinstance(getattr(learner, "encoder", None), torch.nn.Module):
            return []
        moments, labels, cluster = {}, {}, None
        for split, store in context.stores(run).items():
            index = evenly_spaced(len(store), self.most)
            moments[split] = stage_moments(learner, _clips(context, split, store, index, batch=64))
            labels[split], cluster = self._labels(context, store)[index], store.trajectory[index]
        assert cluster is not None
        rows: Rows = []
        for depth, stage in enumerate(moments["train"]):
            probe = RidgeProbe()
            x = {split: stages[stage][:, None] for split, stages in moments.items()}
            prediction = probe.fit(x["train"], labels["train"], x["valid"], labels["valid"]).predict(x["test"])
            score = bootstrap(prediction.numpy(), labels["test"].numpy(), cluster, n_resamples=context.n_resamples)
            for name, *cells in zip((*context.scaler.names, "mean"), *score, strict=True):
                value, low, high = (float(cell) for cell in cells)
                rows.append({**_row(run, "layer", stage, "mse", value, name), "depth": depth, "ci_low": low,
                             "ci_high": high})  # fmt: skip
        return rows


def best_learner(context: Context) -> FrozenRun | None:
    """The label-free learner with the lowest mean MSE of any probe per trajectory on valid; None if there is none."""
    learners = [run for run in context.runs if run.kind == "learner"]
    return min(learners, key=lambda run: min(valid_scores(run).values(), default=float("inf")), default=None)


def principal_map(train: Tensor, test: Tensor) -> tuple[Tensor, list[float]]:
    """Test features ``(n, F)`` on the first two principal axes of the standardised train features, and their shares.

    The sign of an axis is such that its largest loading is positive.
    """
    scaled = Standardiser().fit(train.double())
    x = scaled(train.double()).numpy()
    found = principal(x, 2)
    axes = found.axes if found.axes.shape[1] > 1 else found.axes.repeat(2, 1)
    largest = np.abs(axes).argmax(0)
    axes = axes * np.where(axes[largest, np.arange(2)] < 0, -1.0, 1.0)
    total = float(x.var(0).sum()) or 1.0
    shares = [float(share) / total for share in (x @ axes).var(0)]
    return scaled(test.double()) @ torch.from_numpy(axes), shares


def input_sensitivity(learner: Any, head: Ridge, clip: Clip) -> Tensor | None:
    """``∂ŷ_p / ∂fields`` per window, ``(B, P, C, T, *S)``; None if the encoder lets no gradient through."""
    fields = clip.fields.clone().requires_grad_(True)
    with torch.enable_grad():
        estimate = head.predict(smooth_moments(learner.encode(replace(clip, fields=fields))))
        if not estimate.requires_grad:
            return None
        # Windows do not see one another in evaluation mode: the gradient of their sum is that of each.
        gradients = [
            torch.autograd.grad(estimate[:, p].sum(), fields, retain_graph=True)[0] for p in range(estimate.shape[1])
        ]
    return torch.stack(gradients, 1).detach()


def _clips(context: Context, split: str, store: TokenStore, index: np.ndarray, batch: int = BATCH) -> Iterator[Clip]:
    windows = np.stack([store.trajectory, store.start], 1)[index]
    for first in range(0, len(windows), batch):
        clip = context.splits[split].clip(windows[first : first + batch], context.num_frames, context.data.frame_step)
        yield clip.to("cpu" if context.device == "cpu" else "cuda")


def _row(run: FrozenRun, question: str, item: str, metric: str, value: float, parameter: str = "") -> dict[str, Any]:
    return {**run.identity(), "question": question, "item": item, "depth": "", "parameter": parameter,
            "metric": metric, "value": value, "ci_low": "", "ci_high": ""}  # fmt: skip
