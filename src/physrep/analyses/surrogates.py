r"""What is left of an encoder's knowledge in fields that have its windows' spectra and nothing else?

A phase-randomised twin of a window keeps the modulus of every mode in space and time and draws its phase anew:

    twin = T⁻¹[ |T x| e^{i(arg T x + φ)} ],    φ = arg T n,    n white noise

with T the Fourier transform along periodic axes and time, and the cosine transform along axes with ends (where phases
are signs). Of each channel ``alone`` (independent φ) the twin has the power in space and time of the window and
nothing of the relation between channels; ``jointly`` (one φ for all channels) it has their cross-spectra too. The mean
is kept. Both kinds are stationary: the window's beginning and end no longer differ, so a decay is lost with the phases.
In ``space`` one φ(k) turns the spatial modes of all channels and frames alike,

    twin = T⁻¹[ T x e^{iφ(k)} ],    T of space alone,

which keeps the spectrum of every frame, how every mode goes on from frame to frame, and what all channels have to do
with one another in it: all two-point statistics of a field that is homogeneous in space, also of one that decays.
Whatever a probe reads from tokens of twins, it reads from two-point statistics; what it loses in ``space``, it had from
beyond them (or its encoder, which has not seen such fields, is lost on them).

Source: Theiler, Eubank, Longtin, Galdrikian and Farmer, "Testing for nonlinearity in time series: the method of
surrogate data", Physica D 58 (1992); Prichard and Theiler, Phys. Rev. Lett. 73 (1994), for several channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..learners.joined import encode_trajectories, trajectory_batches
from ..learners.rings import fields_of_modes, spatial_modes
from ..metrics import bootstrap, cluster_means
from ..metrics.spacing import evenly_spaced
from ..probes.moments import token_moments
from ..progress import Progress
from .base import IDENTITY, Analysis, Context, FrozenRun, Rows

if TYPE_CHECKING:
    from ..learners.base import Learner
    from ..tokens import TokenStore

KINDS = ("alone", "jointly", "space")
BATCH = 64


def phase_randomised(clip: Clip, kind: str, seed: int) -> Clip:
    """The twin of every window of a clip; the same window gets the same phases in every batch.

    Args:
        clip: raw fields; rows that are not equally spaced count as rows.
        kind: ``alone``, ``jointly`` or ``space``, see above.
        seed: of the phases.
    """
    x = clip.fields
    noise = torch.empty_like(x)
    for row, (trajectory, start) in enumerate(zip(clip.trajectory.tolist(), clip.start.tolist(), strict=True)):
        state = np.random.SeedSequence([seed, trajectory, start]).generate_state(1)
        generator = torch.Generator().manual_seed(int(state[0]))
        shape = x.shape[1:] if kind == "alone" else (1, 1 if kind == "space" else x.shape[2], *x.shape[3:])
        noise[row] = torch.randn(shape, generator=generator)
    if kind == "space":
        mean = x.mean(tuple(range(3, x.dim())), keepdim=True)
        twins = fields_of_modes(spatial_modes(x - mean, clip.periodic) * _phase(spatial_modes(noise, clip.periodic)),
                                clip.periodic)  # fmt: skip
        return replace(clip, fields=(twins + mean).to(x.dtype).contiguous())
    mean = x.mean(tuple(range(2, x.dim())), keepdim=True)
    modes = _modes(x - mean, clip) * _phase(_modes(noise, clip))
    twins = fields_of_modes(torch.fft.ifft(modes, dim=2), clip.periodic)
    return replace(clip, fields=(twins + mean).to(x.dtype).contiguous())


def _phase(modes: Tensor) -> Tensor:
    """``e^{i arg}`` of every mode; 1 where there is none."""
    modulus = modes.abs()
    return torch.where(modulus > 0, modes / modulus.clamp_min(1e-30), torch.ones_like(modes))


def _modes(x: Tensor, clip: Clip) -> Tensor:
    return torch.fft.fft(spatial_modes(x, clip.periodic), dim=2)


class Surrogates(Analysis):
    """Test MSE per trajectory of probes fitted and scored on tokens of phase-randomised twins, beside the real ones.

    The frozen encoder reads the twins of all evaluation windows of every split; the probe is fitted on the twins of
    train, with its settings chosen on those of valid, so that the score says what tokens of twins hold and not how far
    they are from real ones. The score on twins minus that on real windows is what the encoder reads from more than two
    points; that of the floor ``spectra`` on twins says how much two points hold.

    Args:
        kinds: of twins, ``alone``, ``jointly`` and ``space``.
        probe: name of the probe; any but the attentive one.
        seeds: seeds of the runs; default the first of each.
        runs: titles of the runs; default all.
        seed: of the phases.
        trajectories: training trajectories that probes are fitted to, spread evenly, of real windows and of twins;
            default all.

    Raises:
        PhysrepError: an unknown kind, or the attentive probe.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *IDENTITY, "twins", "probe", "parameter", "value", "ci_low", "ci_high", "n_trajectories",
    )  # fmt: skip

    def __init__(
        self,
        kinds: Sequence[str] = KINDS,
        probe: str = "ridge",
        seeds: Sequence[int] | None = None,
        runs: Sequence[str] | None = None,
        seed: int = 0,
        trajectories: int | None = None,
    ) -> None:
        if not kinds or set(kinds) - set(KINDS) or probe == "attentive":
            raise PhysrepError(
                f"surrogates: kinds are {list(kinds)} and the probe {probe!r}; choose kinds from {', '.join(KINDS)} "
                "and a probe that reads moments."
            )
        self.kinds, self.probe, self.seed, self.trajectories = list(kinds), probe, seed, trajectories
        self.seeds = None if seeds is None else list(seeds)
        self.titles = None if runs is None else list(runs)

    def rows(self, context: Context) -> Rows:
        runs = [run for run in self._first(context.runs) if self.titles is None or run.title in self.titles]
        rows: Rows = []
        with Progress(len(runs) * len(self.kinds), "phase-randomised twins", "encodings") as progress:
            for run in runs:
                real = {
                    split: token_moments(store.tokens[self._read(split, store)])[:, None]
                    for split, store in context.stores(run).items()
                }
                common = {**run.identity(), "probe": self.probe}
                rows += [{**common, "twins": "real", **row} for row in self._scored(context, run, real)]
                learner = context.learner(run)
                for kind in self.kinds:
                    tokens = self._encoded(context, run, learner, kind)
                    rows += [{**common, "twins": kind, **row} for row in self._scored(context, run, tokens)]
                    progress.advance(note=f"{run.name}, {kind}")
        return rows

    def _first(self, runs: Sequence[FrozenRun]) -> list[FrozenRun]:
        if self.seeds is not None:
            return [run for run in runs if run.seed in self.seeds]
        first: dict[str, FrozenRun] = {}
        for run in runs:
            first.setdefault(run.title, run)
        return list(first.values())

    def _read(self, split: str, store: TokenStore) -> np.ndarray:
        """Rows of a store whose windows are read."""
        names = np.unique(store.trajectory)
        if split == "train" and self.trajectories is not None and self.trajectories < len(names):
            names = names[evenly_spaced(len(names), self.trajectories)]
        return np.flatnonzero(np.isin(store.trajectory, names))

    def _encoded(self, context: Context, run: FrozenRun, learner: Learner, kind: str) -> dict[str, Tensor]:
        tokens = {}
        for split, store in context.stores(run).items():
            windows, parts = np.stack([store.trajectory, store.start], 1)[self._read(split, store)], []
            for batch in trajectory_batches(learner, windows, BATCH):
                clip = context.splits[split].clip(batch, learner.num_frames, context.data.frame_step)
                twins = phase_randomised(clip, kind, self.seed)
                with torch.inference_mode():
                    found = encode_trajectories(learner, twins)
                parts.append(token_moments(found)[:, None])
            tokens[split] = torch.cat(parts)
        return tokens

    def _scored(self, context: Context, run: FrozenRun, tokens: dict[str, Tensor]) -> Rows:
        stores = context.stores(run)
        labels = {
            split: context.scaler.transform(store.labels[self._read(split, store)], store.parameter_names).float()
            for split, store in stores.items()
        }
        probe = context.build_probe(self.probe, seed=run.seed)
        probe.fit(tokens["train"], labels["train"], tokens["valid"], labels["valid"])
        trajectory = stores["test"].trajectory
        prediction, names = cluster_means(probe.predict(tokens["test"]).numpy(), trajectory)
        target, _ = cluster_means(labels["test"].numpy(), trajectory)
        score = bootstrap(prediction, target, names, "mse", n_resamples=context.n_resamples)
        return [
            {"parameter": parameter, **score.cells(k), "n_trajectories": len(names)}
            for k, parameter in enumerate((*context.scaler.names, "mean"))
        ]
