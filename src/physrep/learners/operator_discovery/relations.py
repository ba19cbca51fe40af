r"""Relations of one moment: a channel that the others give at once, by coefficients that differ between trajectories.

    u_c  =  Σ_k [W₀_kc + Σ_p θ_p V_pkc] M_k φ_k(u)

φ are products of other channels, M multipliers of order 0, -1 or -2 of the whole product, on periodic grids of two
axes: a flow without inertia and the stress that drives it, a potential and its charge. Such a channel has no equation
of change of its own, but what gives it holds parameters as well as a law of change does. In the weak form a relation is
one target more, with the same test functions and without the derivative of time; its rows stand beside those of the
equations of change, and all of them share θ.

A relation is taken if, by itself, it predicts the channel in other windows of validation trajectories to `SHARE`, and
only if its coefficients differ between trajectories: one that holds with the same numbers everywhere (a pressure in an
incompressible flow) tells nothing of them. Channels that a linear equation ties to c, as incompressibility ties the
components of a velocity, do not stand in the relation of c: they would give it without any law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .fitting import Collected
from .gram import grams, stacked
from .library import Term, library, relation_library, relation_terms
from .row_weights import RowScale, row_scale
from .screening import LARGEST, TAKEN, FieldSample, forward_selection, sample_grams, unions
from .selection import candidates, choose
from .weak_form import Rows, WeakRows

SHARE = 1e-2
"""A relation leaves at most this share of the channel."""
TIED = 1e-6
"""Share of its largest eigenvalue below which the Gram matrix of the linear columns counts as singular."""

RowsOf = Callable[[list[Term]], WeakRows]
RowsIn = Callable[[WeakRows, Tensor], Rows]


@dataclass(frozen=True)
class Relation:
    """What gives one channel.

    Attributes:
        target: the channel.
        of: channels that may stand in it.
        columns: indices in `relation_library`.
        scale: of the target's rows.
        size: of the target in the spectrum of the changes.
    """

    target: str
    of: tuple[str, ...]
    columns: tuple[int, ...]
    scale: RowScale
    size: Tensor

    @property
    def terms(self) -> list[Term]:
        return relation_terms(self.target, self.of, self.columns)


def present(rows: Rows, channels: int) -> Rows:
    """Rows of the relations' targets alone, without those of the changes of so many channels."""
    return replace(rows, y_a=rows.y_a[:, :, channels:], y_b=rows.y_b[:, :, channels:])


def ties(channels: Sequence[str], sample: FieldSample, rows_of: RowsOf) -> dict[str, set[str]]:
    """Channels that stand in one linear equation with each: constraints such as incompressibility.

    Args:
        channels: names.
        sample: fields.
        rows_of: rows of a library.
    """
    terms = library(channels, False, (1,))
    weak = rows_of(terms)
    mean = torch.stack([grams(weak(x, halves=False)).g.sum(0) for x, _ in sample.batches()]).mean(0)
    unit = mean.diagonal().clamp_min(1e-300).rsqrt()
    values, vectors = torch.linalg.eigh(mean * unit[:, None] * unit)
    null = vectors[:, values < TIED * values[-1]]
    own = {c: [i for i, term in enumerate(terms) if term.factors and term.factors[0][0] == c] for c in channels}
    joint = {c: null[own[c]] for c in channels}
    return {c: {d for d in channels if d != c and float((joint[c] @ joint[d].T).abs().max()) > 0.05} for c in channels}


def find_relations(
    channels: Sequence[str],
    samples: Sequence[FieldSample],
    rows_of: RowsOf,
    rows: RowsIn,
    change: RowScale,
    progress: Callable[[str], None],
) -> list[Relation]:
    """Relations whose coefficients vary between trajectories.

    Args:
        channels: names.
        samples: fields of training and of valid.
        rows_of: rows of a library.
        rows: of windows.
        change: sizes of the changes, and the noise.
        progress: told of each relation in a line.
    """
    tied, found = ties(channels, samples[0], rows_of), []

    def now(weak: WeakRows, x: Tensor) -> Rows:
        return present(rows(weak, x), len(channels))

    for target in channels:
        of = tuple(c for c in channels if c != target and c not in tied[target])
        if not of:
            continue
        terms = relation_library(of, target)
        weak = rows_of(terms)
        sizes = [weak.change(x)[:, :, len(channels) :] for x, _ in samples[0].batches()]
        scale = replace(row_scale(sizes, weak.modes), noise=change.noise, present=True)
        held, _ = sample_grams(samples[0], weak, now, scale, keep=False).grams()
        windows, trajectory = sample_grams(samples[1], weak, now, scale, keep=True).grams()
        most = min(LARGEST, len(held) // 4 - 1)
        sets = unions([forward_selection(held, 0, TAKEN[-1])])
        pool = [
            choice
            for number, columns in enumerate(sets)
            for choice in candidates(held, windows, trajectory, number, torch.tensor(columns).to(trajectory), most)
        ]
        best = choose(pool)
        if not best.directions or float(best.residual) > SHARE:
            continue
        columns = tuple(sets[best.grade])
        spectrum = change.rows(weak.modes, weak.halves, weak.count)
        size = torch.stack([(y.square() / spectrum[:, None]).mean((0, 1)) for y in sizes]).mean(0)
        found.append(Relation(target, of, columns, scale, size))
        progress(
            f"channel {target} follows from {', '.join(of)} of the same moment by {len(columns)} columns with "
            f"coefficients that vary ({float(best.residual):.1e} is left)"
        )
    return found


def collected_relations(
    relations: Sequence[Relation],
    batches: Iterable[tuple[Tensor, Tensor, RowsOf]],
    rows: RowsIn,
    channels: int,
    keep: bool,
    progress: Callable[[str], None],
) -> list[Collected]:
    """Gram matrices of every relation.

    Args:
        relations: C' of them.
        batches: normalised fields, the trajectory of each window, and what makes rows of their geometry.
        rows: of windows.
        channels: number of targets before those of relations.
        keep: keep windows apart; else they are summed per trajectory.
        progress: told of every batch.
    """
    found = [Collected(relation.scale) for relation in relations]
    for x, trajectory, rows_of in batches:
        for relation, own in zip(relations, found, strict=True):
            weak = rows_of(relation.terms)
            own.add(weak, present(rows(weak, x), channels), x, trajectory, keep=keep)
        progress("")
    return found


def with_relations(
    first: Collected, columns: Tensor, others: Sequence[Collected], relations: Sequence[Relation]
) -> Collected:
    """Equations of change and relations as one problem.

    Args:
        first: of the changes.
        columns: of them that are kept.
        others: of every relation, of the same trajectories or windows.
        relations: in that order.
    """
    whole = stacked([first.grams()[0].columns(columns), *(other.grams()[0] for other in others)])
    change = torch.cat([first.scale.change, *(relation.size for relation in relations)])
    scale = replace(first.scale, change=change)
    noise = [] if whole.noise is None else [whole.noise * len(whole)]
    return Collected(scale, first.shown, [whole], [torch.cat(first.trajectory)], first.windows, noise)
