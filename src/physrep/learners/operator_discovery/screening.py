r"""Which columns of a library that is too large to be fitted whole are fitted, found from few trajectories.

For one channel, with coefficients of every trajectory's own, forward selection takes the column that lowers the sum of
the trajectories' squared errors most, again and again (simultaneous orthogonal least squares):

    k  =  argmax_k Σ_i (x̃_ikᵀ r_i)² / |x̃_ik|²

x̃ is what a column holds beyond those already taken, r the channel's change beyond them, both from the Gram matrices of
the trajectories i. So a column whose coefficient varies about zero is found as one whose coefficient is the same
everywhere. The columns are the union over the channels; how many are taken of each channel is decided like everything
else, by what one window of a validation trajectory predicts of the others (`selection`).

Only the columns of the partial Cholesky factor are made: time goes as n K s², memory as n K (K + s) numbers for n
trajectories, K columns and s that are taken.

Sources: Chen, Billings and Luo, Orthogonal least squares methods and their application to non-linear system
identification, Int. J. Control 50 (1989) 1873; Tropp, Gilbert and Strauss, Algorithms for simultaneous sparse
approximation, Signal Processing 86 (2006) 572.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .fitting import Collected
from .gram import Grams
from .library import LARGEST_LIBRARY, Term
from .row_weights import RowScale
from .selection import Choice, candidates, choose
from .weak_form import Rows, WeakRows

TRAJECTORIES, WINDOWS = 48, 4
"""Most trajectories of training, and windows of each, that columns are screened on, half of them at least; the same of
valid."""
BYTES = 256 * 2**20
"""Fields that are kept for it, unless that would be fewer than `FEWEST` trajectories."""
FEWEST = 32
TAKEN = (8, 16, 32)
"""Columns per channel that are tried."""
LARGEST = 2
"""Largest P with which they are: how many parameters vary is asked of all trajectories."""
DEPENDENT = 1e-6
"""A column of which less than this share is left beyond those taken is not taken."""
EQUAL = 1e-9
"""Gains that differ by less than this share of the greatest are one."""


@dataclass
class FieldSample:
    """Fields of trajectories that lie evenly among all that came by.

    Attributes:
        trajectories: how many are kept at most; fewer if their fields are large.
    """

    trajectories: int = TRAJECTORIES
    _kept: list[tuple[int, Tensor]] = field(default_factory=list)
    _step: int = 1
    _seen: int = 0

    def add(self, x: Tensor, trajectory: Tensor) -> None:
        """Take in a batch of normalised fields ``(B, C, T, *S)`` with the trajectory of each window."""
        for number in trajectory.unique().tolist():
            if self._seen % self._step == 0:
                own = (trajectory == number).nonzero()[:, 0]
                few = own[torch.linspace(0, len(own) - 1, min(WINDOWS, len(own))).round().long()]
                self._kept.append((number, x[few].float()))
                room = max(min(FEWEST, self.trajectories), BYTES // self._kept[0][1].nbytes)
                if len(self._kept) > min(self.trajectories, room):
                    self._kept, self._step = self._kept[::2], 2 * self._step
            self._seen += 1

    def batches(self) -> list[tuple[Tensor, Tensor]]:
        """Fields, float64, and the trajectory of every window, one trajectory each."""
        return [(x.double(), torch.full((len(x),), number, device=x.device)) for number, x in self._kept]


def forward_selection(grams: Grams, channel: int, count: int) -> list[int]:
    """The first ``count`` columns that forward selection takes for a channel, in order; fewer if nothing is gained.

    Args:
        grams: of the trajectories.
        channel: index of the target.
        count: at most.
    """
    unit = grams.g.diagonal(dim1=1, dim2=2).mean(0).clamp_min(1e-300).rsqrt()
    whole = grams.g.diagonal(dim1=1, dim2=2) * unit.square()
    rest, right = whole.clone(), grams.b[:, :, channel] * unit
    factor = whole.new_zeros(*whole.shape, count)
    taken: list[int] = []
    for step in range(min(count, whole.shape[1])):
        held = rest > DEPENDENT * whole.clamp_min(DEPENDENT)
        gain = torch.where(held, right.square() / rest.clamp_min(1e-300), 0.0).sum(0)
        gain[taken] = 0.0
        # Of columns that a constraint makes equal the first, whatever the order of sums.
        k = int((gain >= (1 - EQUAL) * gain.max()).nonzero()[0])
        if float(gain[k]) <= 0:
            break
        # A trajectory in which the column is dependent leaves it out.
        root = torch.where(held[:, k], rest[:, k].clamp_min(1e-300).rsqrt(), 0.0)
        column = grams.g[:, :, k] * unit * unit[k]
        column = (column - (factor[:, :, :step] @ factor[:, k, :step, None])[:, :, 0]) * root[:, None]
        right = right - column * (right[:, k] * root)[:, None]
        rest = rest - column.square()
        factor[:, :, step] = column
        taken.append(k)
    return taken


def unions(orders: Sequence[Sequence[int]], most: int = LARGEST_LIBRARY) -> list[list[int]]:
    """For every number of `TAKEN` the columns of all channels, ascending; without those of more than ``most``."""
    found: list[list[int]] = []
    for taken in TAKEN:
        columns = sorted({k for order in orders for k in order[:taken]})
        if len(columns) <= most and columns not in found:
            found.append(columns)
    return found


def sample_grams(
    sample: FieldSample, weak: WeakRows, rows: Callable[[WeakRows, Tensor], Rows], scale: RowScale, keep: bool
) -> Collected:
    """Gram matrices of a sample, per trajectory, or with ``keep`` of every window.

    Args:
        sample: fields.
        weak: geometry and library.
        rows: of windows.
        scale: what rows count.
        keep: keep windows apart.
    """
    collected = Collected(scale)
    for x, trajectory in sample.batches():
        collected.add(weak, rows(weak, x), x, trajectory, keep=keep)
    return collected


def screened(
    terms: Sequence[Term],
    grades: Sequence[int],
    samples: Sequence[FieldSample],
    rows_of: Callable[[list[Term]], WeakRows],
    rows: Callable[[WeakRows, Tensor], Rows],
    scale: RowScale,
    progress: Callable[[str], None],
) -> list[int]:
    """Indices of the columns of a large library to fit, ascending; none if they predict no better than small grades.

    Args:
        terms: the large library.
        grades: of it that are fitted whole.
        samples: of training and of valid.
        rows_of: rows of a library.
        rows: of windows.
        scale: what rows count.
        progress: told what is screened, and what is found, in a line.
    """
    whole, _ = sample_grams(samples[0], rows_of(list(terms)), rows, scale, keep=False).grams()
    size = (whole.g.nbytes + whole.b.nbytes) / 2**30
    orders = [forward_selection(whole, c, TAKEN[-1]) for c in range(whole.b.shape[2])]
    sets = unions(orders)
    small = [i for i, term in enumerate(terms) if term.grade in grades]
    kept = sorted({*small, *(k for columns in sets for k in columns)})
    place = {k: i for i, k in enumerate(kept)}
    held = whole.columns(torch.tensor(kept, device=whole.g.device))
    windows, trajectory = sample_grams(samples[1], rows_of([terms[k] for k in kept]), rows, scale, keep=True).grams()

    def tried(columns: Sequence[int], label: int) -> list[Choice]:
        index = torch.tensor([place[k] for k in columns], device=whole.g.device)
        return candidates(held, windows, trajectory, label, index, min(LARGEST, len(held) // 4 - 1))

    pool: list[Choice] = []
    for grade in grades:
        pool += tried([i for i in small if terms[i].grade <= grade], grade)
    above = 1 + max((term.grade for term in terms), default=0)
    for number, columns in enumerate(sets):
        pool += tried(columns, above + number)
    best = choose(pool)
    head = f"{len(terms)} columns were screened on {len(whole)} trajectories ({size:.2f} GB)"
    if best.grade < above:
        progress(f"{head}: no choice of them predicts better than grade {best.grade}, which is fitted alone")
        return []
    columns = sets[best.grade - above]
    progress(f"{head}: {len(columns)} of them are fitted beside grades {', '.join(map(str, grades))}")
    return columns
