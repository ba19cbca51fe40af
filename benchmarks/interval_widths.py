"""Should the width of an interval follow the estimate, and how? Folds of the errors that readouts keep, never test.

    python benchmarks/interval_widths.py RUN [RUN ...] [--document FILE]

Every readout of the runs keeps the estimates and absolute errors of held-out trajectories (`physrep.readout.held_out`).
Of each parameter a fourth is asked with the widths from the others, or from a seeded part of them; printed is the mean
interval score (width + 20 times what the error is beyond it; Winkler 1972) and the mean width, relative to those of one
width for all values, as geometric means over all parameters of all readouts, the worst score, what is covered, and what
is covered in the third of the estimates where that is least. With `--document` the table is written into a file between
`<!-- choice -->` and `<!-- end of choice -->`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from marked import write_between

from physrep.readout import read_readout, readout_names
from physrep.readout.conformal import conformal_quantile
from physrep.readout.local_width import LocalWidth

FOLDS, LEVEL = 4, 0.9
MARKS = ("<!-- choice -->", "<!-- end of choice -->")

Widths = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Estimates ``(n, Q)``, the parameter's own first, errors ``(n,)`` and estimates ``(m, Q)`` to widths ``(m,)``."""


def one(estimate: np.ndarray, error: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The same for all values."""
    return np.full(len(new), conformal_quantile(error[:, None], LEVEL)[0])


def following(bandwidth: float, prior: float = 1.0, alone: bool = False) -> Widths:
    """Of `LocalWidth`; ``alone`` compares the estimates of the parameter itself only."""

    def widths(estimate: np.ndarray, error: np.ndarray, new: np.ndarray) -> np.ndarray:
        columns = [0] if alone else list(range(estimate.shape[1]))
        found = LocalWidth(LEVEL, columns, bandwidth, prior).fit(estimate, error)
        return found(torch.from_numpy(new)).numpy()

    return widths


CANDIDATES: dict[str, Widths] = {
    "one width": one,
    "its own estimate, h 0.5, λ 1": following(0.5, alone=True),
    "all estimates, h 0.25, λ 1": following(0.25),
    "all estimates, h 0.5, λ 1": following(0.5),
    "all estimates, h 1, λ 1": following(1.0),
    "all estimates, h 0.5, λ 4": following(0.5, 4.0),
}


def held_out_errors(runs: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Estimates ``(n, Q)`` and errors ``(n,)`` of every parameter of every readout."""
    for run in runs:
        for name in readout_names(run):
            whole = read_readout(run, name).trajectories
            for k, local in enumerate(whole.local):
                if local is not None:
                    order = sorted(range(len(local.columns)), key=[column != k for column in local.columns].__getitem__)
                    yield local.estimate.numpy()[:, order], local.error.numpy()


def score(widths: Widths, estimate: np.ndarray, error: np.ndarray, most: int) -> tuple[float, float, float, float]:
    """Interval score, width, coverage, and coverage in the third where it is least."""
    order = np.random.default_rng(0).permutation(len(error))
    half = np.empty(len(error))
    for fold in range(FOLDS):
        own = order[fold::FOLDS]
        rest = np.setdiff1d(order, own)
        rest = np.random.default_rng(fold).permutation(rest)[:most]
        half[own] = widths(estimate[rest], error[rest], estimate[own])
    inside = error <= half
    thirds = [part.mean() for part in np.array_split(inside[np.argsort(estimate[:, 0])], 3)]
    interval = 2 * half + 2 / (1 - LEVEL) * np.maximum(error - half, 0)
    return float(interval.mean()), float(half.mean()), float(inside.mean()), float(min(thirds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--document")
    asked = parser.parse_args()
    data = [own for own in held_out_errors(asked.runs) if np.median(own[1]) > 0]
    lines = [f"| width of {len(data)} parameters of readouts | errors | score | worst | width | inside | least third |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for most, text in ((20, "20"), (40, "40"), (10**9, "all")):
        base = np.array([score(one, *own, most) for own in data])
        for name, widths in CANDIDATES.items():
            found = np.array([score(widths, *own, most) for own in data])
            ratio = np.log(found[:, :2] / base[:, :2])
            mean, worst = np.exp(ratio.mean(axis=0)), np.exp(ratio[:, 0].max())
            cells = f"{mean[0]:.3f}", f"{worst:.3f}", f"{mean[1]:.3f}", *(f"{v:.1%}" for v in found[:, 2:].mean(axis=0))
            lines.append(f"| {name} | {text} | {' | '.join(cells)} |")
    print("\n".join(lines))
    if asked.document:
        write_between(asked.document, MARKS, lines)


if __name__ == "__main__":
    main()
