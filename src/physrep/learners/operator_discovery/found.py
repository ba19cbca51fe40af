"""What a fit of operator discovery finds, as tensors and a record in a weight file, and what it says of windows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ..base import Learner
from .evidence import Scatter, evidence_of, joint_posterior
from .geometry import geometry_of
from .library import Term, library, relation_terms
from .posterior import WindowPosterior, posterior
from .row_cache import RowsOfGeometries
from .row_errors import RowErrors
from .row_weights import CLEAREST, WINDOWS, RowScale, row_scale
from .tokens import tokens
from .trained_basis import TrainedBasis
from .views import noise_of
from .weak_form import Rows, WeakRows


class FoundOperator(Learner):
    """An operator with its directions, the errors of its rows and the record of its choices; empty before the fit.

    Args:
        in_channels, num_frames: of a learner.
        halves: two half views against errors in variables, where the grid allows them.
        join_windows: one posterior per trajectory (`evidence`), where its windows are known together.
    """

    join_windows = False

    def __init__(self, in_channels: int, num_frames: int, halves: bool, join_windows: bool = False) -> None:
        super().__init__(in_channels, num_frames)
        self.halves = halves
        if join_windows:
            # Of its own only where it is on: what tells other runs apart stays as it was.
            self.join_windows = True
            self.register_buffer("scatter", torch.zeros(0, 0, dtype=torch.float64))
        self.basis: TrainedBasis | None = None
        # What the fit finds, as tensors: weight files hold nothing else. Text is UTF-8.
        self.register_buffer("found", torch.zeros(0, dtype=torch.uint8))
        for name in (
            *("w0", "v", "chosen", "low", "high", "theta", "diagonal"),
            *("spectrum", "change", "model_errors", "noise_errors", "signal"),
        ):
            self.register_buffer(name, torch.zeros(0, dtype=torch.float64))
        self._rows = RowsOfGeometries()

    w0: Tensor
    """Coefficients ``(K, C)`` of the normalised channels that are kept."""
    v: Tensor
    """Directions ``(P, K, C)``."""
    spectrum: Tensor
    change: Tensor
    model_errors: Tensor
    noise_errors: Tensor
    signal: Tensor
    chosen: Tensor
    low: Tensor
    high: Tensor
    scatter: Tensor
    """What windows of trajectories differ in beyond their errors (`Scatter.table`); only with ``join_windows``."""
    theta: Tensor
    """θ of the training trajectories, ``(n, P)``."""
    diagonal: Tensor
    found: Tensor

    @property
    def record(self) -> dict[str, Any]:
        """What was chosen: ``channels``, ``grade``, ``columns``, ``modes``, the ``curve`` of residuals and
        its ``best`` entry, the ``equation``.

        Raises:
            PhysrepError: nothing was fitted yet.
        """
        text = bytes(self.found.tolist()).decode()
        if not text:
            raise PhysrepError(
                "operator_discovery: was not fitted yet; run `physrep pretrain operator_discovery`, or load a run."
            )
        return json.loads(text)

    @property
    def embed_dim(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """P and the number of logarithms; 1 before the fit and where nothing varies."""
        return max(1, (self.v.shape[0] if self.v.ndim == 3 else 0) + self.chosen.numel())

    @property
    def terms(self) -> list[Term]:
        """The library's columns that are kept."""
        record = self.record
        # Runs of earlier versions hold no number of axes: there were two.
        whole = library(record["channels"], record["nonlocal"], record["grades"], record.get("axes", 2))
        whole += self.basis.terms() if self.basis is not None else []
        present = [term for one in record.get("relations", []) for term in relation_terms(**one)]
        return [whole[i] for i in record["columns"]] + present

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Share of the change of the windows that the fitted operator leaves unexplained, mean over the channels.

        It has no gradient: `fit` finds the optimum in closed form.

        Raises:
            PhysrepError: nothing was fitted yet.
        """
        found = self.read(clip)
        return {"loss": found.residual.mean().float()}

    def read(self, clip: Clip) -> WindowPosterior:
        """Posterior of θ of every window, and the residual of every channel that is kept.

        Raises:
            PhysrepError: nothing was fitted yet, or the clip does not fit.
        """
        record = self.record
        x = self._kept(clip, record["channels"])
        rows = self._rows_of(clip, record["channels"], self.terms, record["modes"])
        level, split = self._noise(x, rows)
        seen = rows.mixed(x, split)
        scale = RowScale(self.spectrum, self.change)
        size = scale.size(seen, scale.rows(rows.modes, rows.halves, rows.count))
        errors = RowErrors(self.model_errors, self.noise_errors, self.signal)
        bumps = rows.count // math.prod(rows.modes)
        return posterior(
            seen,
            self.w0,
            self.v,
            errors.covariance(size, level, rows.modes, rows.halves, bumps),
            errors.signal * size.sqrt().unsqueeze(2) * size.sqrt().unsqueeze(1),
        )

    def encode(self, clip: Clip) -> Tensor:
        """One token ``(B, 1, P + n)``: θ, then the logarithms of the chosen coefficients; a 0 if nothing varies.

        With ``join_windows`` it is that of a trajectory of which this window alone is known.
        """
        if self.join_windows:
            evidence = self.evidence(clip)
            return self.joined(evidence, torch.arange(len(evidence), device=evidence.device))
        found = self.read(clip)
        return self._tokens(found.mean, found.covariance)

    def evidence(self, clip: Clip) -> Tensor:
        """What each window says of θ, ``(B, P² + P)`` (`evidence`)."""
        return evidence_of(self.read(clip))

    def joined(self, evidence: Tensor, place: Tensor) -> Tensor:
        """Tokens of the joint posterior of the windows of each trajectory, ``(trajectories, 1, P + n)``.

        Args:
            evidence: of B windows.
            place: number of the trajectory that each is of, ``(B,)``.
        """
        return self._tokens(*joint_posterior(evidence, place, Scatter.of_table(self.scatter, self.v.shape[0])))

    def _tokens(self, mean: Tensor, covariance: Tensor) -> Tensor:
        if mean.shape[1] == 0:
            return torch.zeros(len(mean), 1, 1, device=mean.device)
        chosen = self.chosen.long()
        w0, v = self.w0.flatten()[chosen], self.v.flatten(1)[:, chosen]
        return tokens(mean, covariance, w0, v, self.low, self.high).float()

    def _rows_in(self, rows: WeakRows, x: Tensor) -> Rows:
        """Rows of windows, in two views where that is worth while."""
        level, split = self._noise(x, rows)
        return replace(rows.mixed(x, split), noise=level.square())

    def _scale(self, windows: Iterable[Tensor], rows: WeakRows) -> RowScale:
        """Sizes of the change of normalised fields, the least level of noise of their windows, and ρ₀ with it."""
        levels: list[Tensor] = []
        changes: list[Tensor] = []
        for x in windows:
            levels.append(self._noise(x, rows)[0])
            changes.append(rows.change(x))
            if sum(map(len, levels)) >= WINDOWS:
                break
        scale = row_scale(changes, rows.modes)
        noise = float(torch.cat(levels).min()) ** 2
        spectrum = scale.rows(rows.modes, rows.halves, rows.count)
        # ρ that noise alone has in each window, see `WeakRows.unresolved`.
        size = (torch.cat(changes).square().sum(2) / spectrum).sum(1).clamp_min(1e-300)
        white = noise * len(scale.change) * (rows.fast_gain / spectrum).sum() / size
        return replace(scale, noise=noise, resolved=max(scale.resolved, float(white.quantile(CLEAREST))))

    def _noise(self, x: Tensor, rows: WeakRows) -> tuple[Tensor, Tensor]:
        """Level of the noise of every window, and whether two half views of it are worth while, ``(B,)`` each."""
        if not rows.split:
            nothing = torch.zeros(len(x), dtype=torch.float64, device=x.device)
            return nothing, nothing.bool()
        level, worth = noise_of(x, rows.geometry.periodic)
        return level.square().mean(1).sqrt(), worth & self.halves

    def _kept(self, clip: Clip, channels: Sequence[str]) -> Tensor:
        """Normalised fields of these channels, float64."""
        x = self.fields(clip, self.num_frames)
        names = list(self.channels) or list(clip.channels)
        return x[:, [names.index(channel) for channel in channels]].double()

    def _rows_of(self, clip: Clip, channels: Sequence[str], terms: list[Term], modes: Sequence[int]) -> WeakRows:
        return self._rows(geometry_of(clip, modes), terms, channels, clip.fields.device, self.basis)

    def _read_some(self, clips: Iterable[Clip], trajectories: int) -> tuple[list[WindowPosterior], list[Tensor]]:
        """Batches of posteriors of windows, and the number of the trajectory of each; none if P is 0.

        Args:
            clips: whole trajectories per batch.
            trajectories: that are read, at least, if there are as many.
        """
        found, numbers, read = [], [], 0
        for clip in clips if self.v.shape[0] else ():
            names, place = clip.trajectory.unique(return_inverse=True)
            found.append(self.read(clip))
            numbers.append(place.to(found[-1].mean.device) + read)
            read += len(names)
            if read >= trajectories:
                break
        return found, numbers

    def keep(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what a fit found, on the device of this learner."""
        for name, value in tensors.items():
            setattr(self, name, value.to(self.found.device))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        scatter, v = state_dict.get(f"{prefix}scatter"), state_dict.get(f"{prefix}v")
        if scatter is not None and v is not None and scatter.shape[1] == v.shape[0] > 0:
            # Runs of earlier versions hold one T for all θ.
            state_dict[f"{prefix}scatter"] = Scatter(scatter.new_zeros(1, v.shape[0]), scatter.unsqueeze(0)).table()
        # What the fit found has sizes of its own: make room for what is stored.
        for name, buffer in list(self._buffers.items()):
            stored = state_dict.get(f"{prefix}{name}")
            if buffer is not None and stored is not None and stored.shape != buffer.shape:
                setattr(self, name, torch.zeros_like(stored, device=buffer.device))
        first = state_dict.get(f"{prefix}basis.convolutions.0.weight")
        if self.basis is not None and first is not None:
            options = self.basis.options
            self.basis = TrainedBasis(first.shape[1] // options.memory, options).to(self.found.device)
            self._rows = RowsOfGeometries()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
