"""Do the intervals of a readout cover everywhere, or only on the average? Test trajectories by thirds of the truth.

    python benchmarks/coverage_by_value.py RUN [PROBE]

A conformal interval promises its level over all recordings together (marginal coverage). If 90 % are promised by the
k-th smallest of n errors, the number of m test trajectories inside is beta-binomial with k and n + 1 - k; printed is
the range that holds 95 of 100 draws, and how often as few are inside. One error per trajectory is counted, the mean
over its windows, so that windows of one trajectory, which are not independent, do not enter. Rows are those of one
width for all values, and of the widths that follow the estimate, where the readout has them; the mean width of an
interval is in standard deviations of the training labels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import betabinom

from physrep.metrics import cluster_means
from physrep.probes import load_predictions
from physrep.readout import read_readout
from physrep.readout.local_width import rank


def main(run: str, probe: str | None = None) -> None:
    """Print the rows of every parameter."""
    readout = read_readout(run, probe)
    test = load_predictions(Path(run) / f"predictions_{readout.name}.npz")["test"]
    mean, truth = (cluster_means(values, test.trajectory)[0] for values in (test.prediction, test.target))
    head = (
        "parameter",
        "width",
        "errors behind it",
        "inside",
        "95 of 100 draws",
        "as few",
        "low third",
        "middle",
        "high",
    )
    print(f"| {' | '.join([*head, 'mean width'])} |")
    print("|---|---|---:|---:|---|---:|---:|---:|---:|---:|")
    whole = readout.trajectories
    kinds = {"one": np.broadcast_to(whole.half_width, mean.shape), "follows the estimate": whole.widths_of(mean)}
    for k, name in enumerate(readout.scaler.names):
        known = ~np.isnan(truth[:, k])
        for kind, half in kinds.items() if whole.local and whole.local[k] is not None else [("one", kinds["one"])]:
            inside = np.abs(mean - truth)[known, k] <= half[known, k]
            order = rank(whole.n_valid, whole.level)
            drawn = betabinom(len(inside), order, whole.n_valid + 1 - order)
            low, high = (drawn.ppf(p) / len(inside) for p in (0.025, 0.975))
            thirds = [f"{part.mean():.1%}" for part in np.array_split(inside[np.argsort(truth[known, k])], 3)]
            found = f"{inside.sum()} of {len(inside)}, {inside.mean():.1%}", f"{low:.1%} to {high:.1%}"
            cells = f"{whole.n_valid} on {whole.source}", *found, f"{drawn.cdf(inside.sum()):.1%}", *thirds
            print(f"| {name} | {kind} | {' | '.join(cells)} | {2 * half[known, k].mean():.3g} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
