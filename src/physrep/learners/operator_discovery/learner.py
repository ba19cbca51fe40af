r"""A learner without gradient: one weak-form operator for all trajectories, with few numbers of each trajectory's own.

    ∂ₜu_c = Σ_k [W₀_kc + Σ_p θ_p V_pkc] φ_k(u),     p = 1 … P

(W₀, V) is fitted to all training windows, θ is solved for in every window: it holds what differs between trajectories
in their law of motion, which is what their parameters do. The library φ is generic (`library`), derivatives lie on
test functions (`weak_form`), noise is met by two half views (`views`) and by what rows count under it (`row_errors`),
P is found by prediction from one window to the others (`selection`). Given the full state, in periodic boxes or
between walls, no equation, label or name of a system is used.

Related: weak SINDy (Messenger and Bortz, J. Comput. Phys. 443, 2021), CAMEL (Blanke and Lelarge, 2024,
https://arxiv.org/abs/2312.00477), DISCO (Morel et al., 2025, https://arxiv.org/abs/2504.19496).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from .basis_training import first_choice, train_basis, training_windows
from .channels import default_modes, kept_channels
from .evidence import scatter_of
from .fitting import Collected, all_candidates, chosen_operator, measured_errors
from .found import FoundOperator
from .library import DEFAULT_GRADES, GRADES, Term, affordable, library, whole_library
from .low_rank import Operator
from .relations import Relation, collected_relations, find_relations, with_relations
from .repeatability import TRAJECTORIES, parameters, repeatability
from .row_cache import RowsOfGeometries
from .row_weights import RowScale
from .screening import FieldSample, screened
from .selection import EXPLAINED, Choice, choose, partly
from .tokens import resolved
from .trained_basis import GRADE, BasisOptions, TrainedBasis
from .weak_form import WeakRows

OTHERS = 1 << 40
"""Added to the numbers of trajectories of valid, which are others than those of train."""
SCATTER_TRAJECTORIES = 128
"""Training trajectories from which the scatter between windows is read, at least, where windows are joined."""


class OperatorDiscovery(FoundOperator):
    """Closed-form discovery of an operator and of its parameters; see the module's docstring.

    Args:
        in_channels: number of field components.
        num_frames: frames per window, at least 4; a bump in time spans 8 of them, or all if there are fewer.
        grades: grades of the library that may be chosen (`physrep.learners.operator_discovery.library`); of those that
            are too large to be fitted whole some columns are (`physrep.learners.operator_discovery.screening`).
        directions: P; default chosen on valid among 0 … ``largest``.
        largest: largest P that is tried.
        modes: largest mode of the test functions per axis; default an eighth of the points of a periodic axis, at
            least 2 and at most 8, and 5 of an axis with ends.
        halves: two half views against errors in variables, where the grid allows them.
        fit_trajectories: training trajectories that are fitted to, a seeded draw: memory does not grow beyond them.
        fit_stride: distance between the starts of windows of the fit; default `num_frames`.
        basis: options of columns that are trained beyond the library (`BasisOptions`), ``{}`` for all defaults; default
            none. Their filters count points and frames, so that with them θ holds for the grid and time step of the
            training data alone.
        join_windows: one posterior, and so one token, for all windows of a trajectory, which count by their precision
            (`physrep.learners.operator_discovery.evidence`); default each its own, whose predictions are averaged.
    """

    label = "Operator discovery"
    space_axes = (1, 2, 3)
    colour = "#e8760c"
    reads_units = True

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 8,
        grades: Sequence[int] = DEFAULT_GRADES,
        directions: int | None = None,
        largest: int = 4,
        modes: Sequence[int] | None = None,
        halves: bool = True,
        fit_trajectories: int = 512,
        fit_stride: int | None = None,
        basis: Mapping[str, Any] | None = None,
        join_windows: bool = False,
    ) -> None:
        super().__init__(in_channels, num_frames, halves, join_windows)
        if num_frames < 4:
            raise PhysrepError(f"operator_discovery: num_frames is {num_frames}; the weak form needs at least 4.")
        if not grades or not set(grades) <= set(GRADES):
            raise PhysrepError(f"operator_discovery: grades are {list(grades)}; give some of {list(GRADES)}.")
        self.grades, self.directions, self.largest = tuple(sorted(grades)), directions, largest
        self.modes = tuple(modes) if modes is not None else None
        self.fit_trajectories = fit_trajectories
        self.fit_stride = num_frames if fit_stride is None else fit_stride
        options = None if basis is None else BasisOptions.of(basis, num_frames)
        self.fit_passes = 1 if basis is None else 2
        if options is not None:
            # Which channels are kept is found by the fit: the network reads all of them.
            self.basis = TrainedBasis(in_channels, options)
            self.reads_units = False

    def fit(
        self, train: Iterable[Clip], valid: Iterable[Clip], seed: int, progress: Callable[[str], None]
    ) -> list[dict[str, float]]:
        """Find channels, library, P, (W₀, V) and the tokens' coefficients.

        Args:
            train: batches of windows, all windows of a trajectory in one batch.
            valid: the same of other trajectories, for the choices; labels are not read.
            seed: of the noise that measures the errors of rows.
            progress: told of every batch, with a note.

        Returns:
            One row per candidate (grade and P) for metrics.csv.

        Raises:
            PhysrepError: no windows, or a trained basis for fields on three axes.
        """
        first = next(iter(train), None)
        if first is None:
            raise PhysrepError("operator_discovery: there is no window to fit to; give longer or more trajectories.")
        if self.basis is not None and first.fields.ndim != 5:
            raise PhysrepError(
                "operator_discovery: a trained basis reads fields on 2 axes; leave basis out, or slice the data first."
            )
        modes = self.modes or default_modes(first)
        names = list(self.channels) or list(first.channels)
        channels = kept_channels(first, self._kept(first, names), names, modes, progress)
        axes = len(first.periodic)
        nonlocal_columns = axes == 2 and all(first.periodic)
        grades = affordable(channels, nonlocal_columns, self.grades, progress, axes)
        terms = library(channels, nonlocal_columns, grades, axes)
        generator = torch.Generator().manual_seed(seed)
        plain = self._rows_of(first, channels, [Term((), (0,) * axes, 1)], modes)
        modes = list(plain.geometry.modes)
        scale = self._scale((self._kept(clip, channels) for clip in train), plain)
        wide = () if self.basis is not None else whole_library(channels, nonlocal_columns, self.grades, grades, axes)
        related = nonlocal_columns and self.basis is None and len(channels) > 1
        samples = (FieldSample(), FieldSample()) if wide or related else ()
        rows_of = partial(self._rows_of, first, channels, modes=modes)
        shown = self._collected(train, valid, channels, terms, modes, scale, progress, samples)
        mean, std = self.field_mean.tolist(), self.field_std.tolist()
        statistics = {name: (mean[names.index(name)], std[names.index(name)]) for name in channels}
        pool = all_candidates(*shown, terms, grades, self.largest)
        place = list(range(len(terms)))  # of the terms in the library of their grades
        if wide and partly(pool):
            every = library(channels, nonlocal_columns, wide, axes)
            columns = screened(every, grades, samples, rows_of, self._rows_in, scale, progress)
            if columns:
                some = [every[i] for i in columns]
                larger = self._collected(train, valid, channels, some, modes, scale, progress)
                pool += all_candidates(*larger, some, wide[-1:], self.largest)
                if self._best(pool).grade == wide[-1]:
                    shown, terms, grades, place = larger, some, wide, columns
        relations: list[Relation] = []
        if related:
            relations = find_relations(channels, samples, rows_of, self._rows_in, scale, progress)
        if relations:
            best = self._best(pool)
            taken = best.columns.tolist()
            place = [place[i] for i in taken]
            parts = [
                collected_relations(
                    relations, self._batches(clips, channels, modes), self._rows_in, len(channels), keep, progress
                )
                for clips, keep in ((train, False), (valid, True))
            ]
            shown = (
                with_relations(shown[0], best.columns, parts[0], relations),
                with_relations(shown[1], best.columns, parts[1], relations),
            )
            terms = [terms[i] for i in taken] + [t for relation in relations for t in relation.terms]
            pool = all_candidates(*shown, terms, (best.grade,), self.largest)
            scale = shown[0].scale
        if self.basis is not None:
            start = first_choice(pool, self.directions, self.basis.options.directions, progress)
            grades = tuple(grade for grade in grades if grade <= start.grade)
            held = [terms[i] for i in start.columns.tolist()]
            self._train_basis(train, channels, held, modes, scale, start, generator, progress)
            terms = library(channels, nonlocal_columns, grades) + self.basis.terms()
            place = list(range(len(terms)))
            shown = self._collected(train, valid, channels, terms, modes, scale, progress)
            pool = all_candidates(*shown, terms, (start.grade, GRADE), self.largest)
        others = () if self.basis is None else self.basis.names
        result = chosen_operator(shown[0], pool, terms, self.directions, statistics, others, seed)
        self.keep(result.tensors | {"spectrum": scale.spectrum, "change": scale.change})
        kept = [terms[i] for i in result.columns.tolist()]
        rows = self._rows_of(first, channels, kept, modes)
        errors = measured_errors(
            shown[0], rows, lambda x: self._noise(x, rows), Operator(self.w0, self.v, self.w0), self.theta, generator
        )
        self.keep({"model_errors": errors.model, "noise_errors": errors.noise, "signal": errors.signal})
        if min(result.curve[result.best]["residual"].values(), default=1.0) > EXPLAINED:
            progress(
                "the library does not hold this dynamics: every channel leaves more than half of its change unexplained"
            )
        record = {
            "channels": channels,
            "nonlocal": nonlocal_columns,
            "axes": axes,
            "grades": list(grades),
            "grade": result.grade,
            "columns": place if relations else [place[i] for i in result.columns.tolist()],
            "relations": [{"target": r.target, "of": r.of, "columns": r.columns} for r in relations],
            "modes": list(modes),
            "curve": result.curve,
            "best": result.best,
            "equation": result.equation,
        }
        self._write(record)
        # Windows are read as they will be read by others, which needs all of the above.
        found, trajectory = self._read_some(train, TRAJECTORIES)
        others, numbers = self._read_some(valid, TRAJECTORIES)
        apart = [number + OTHERS for number in numbers]
        record["repeatability"] = repeatability(found + others, trajectory + apart).tolist()
        record["parameters"] = parameters(record["repeatability"], self.v.shape[0])
        self._write(record)
        if found and self.chosen.numel():
            v = self.v.flatten(1)[:, self.chosen.long()]
            told = resolved(found + others, trajectory + apart, v, self.low)
            self.keep({"chosen": self.chosen[told], "low": self.low[told], "high": self.high[told]})
        if self.join_windows:
            seen = self._read_some(train, SCATTER_TRAJECTORIES)
            self.keep({"scatter": scatter_of(*seen, self.v.shape[0]).table()})
        return [{"directions": row["directions"], "grade": row["grade"], "loss": row["score"]} for row in result.curve]

    def _write(self, record: Mapping[str, Any]) -> None:
        self.found = torch.tensor(list(json.dumps(record).encode()), dtype=torch.uint8, device=self.found.device)

    def _collected(
        self,
        train: Iterable[Clip],
        valid: Iterable[Clip],
        channels: Sequence[str],
        terms: list[Term],
        modes: Sequence[int],
        scale: RowScale,
        progress: Callable[[str], None],
        samples: Sequence[FieldSample] = (),
    ) -> tuple[Collected, Collected]:
        """Gram matrices of the training trajectories and of the validation windows; fields of some for ``samples``."""
        shown = Collected(scale), Collected(scale)
        for number, (collected, clips) in enumerate(zip(shown, (train, valid), strict=True)):
            for clip in clips:
                x = self._kept(clip, channels)
                rows = self._rows_of(clip, channels, terms, modes)
                keep = collected is shown[1]
                collected.add(rows, self._rows_in(rows, x), x, clip.trajectory, keep=keep)
                if samples:
                    samples[number].add(x, clip.trajectory)
                progress("")
        return shown

    def _batches(
        self, clips: Iterable[Clip], channels: Sequence[str], modes: Sequence[int]
    ) -> Iterator[tuple[Tensor, Tensor, Callable[[list[Term]], WeakRows]]]:
        """Normalised fields, trajectories, and what makes rows of each batch."""
        for clip in clips:
            yield self._kept(clip, channels), clip.trajectory, partial(self._rows_of, clip, channels, modes=modes)

    def _best(self, pool: list[Choice]) -> Choice:
        return choose([c for c in pool if self.directions in (None, c.directions)])

    def _train_basis(
        self,
        train: Iterable[Clip],
        channels: Sequence[str],
        terms: list[Term],
        modes: Sequence[int],
        scale: RowScale,
        start: Choice,
        generator: torch.Generator,
        progress: Callable[[str], None],
    ) -> None:
        assert self.basis is not None
        first = next(iter(train))
        # What may vary is known now; the network is made anew from the seed, so that a repeated fit ends the same.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            self.basis = TrainedBasis(len(channels), self.basis.options).to(self.found.device)
        self._rows = RowsOfGeometries()
        library_rows = self._rows_of(first, channels, terms, modes)
        new = self._rows_of(first, channels, self.basis.terms(), modes)
        batches = ((self._kept(clip, channels), clip.trajectory) for clip in train)
        windows = training_windows(batches, library_rows, scale, start.basis)
        train_basis(self.basis, new.columns, windows, start, generator, progress)
