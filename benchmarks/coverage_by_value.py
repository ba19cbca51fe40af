"""Do the intervals of a readout cover everywhere, or only on the average? Test trajectories by thirds of the truth.

    python benchmarks/coverage_by_value.py RUN [PROBE]

A conformal interval promises its level over all recordings together (marginal coverage). If 90 % are promised by the
k-th smallest of n errors, the number of m test trajectories inside is beta-binomial with k and n + 1 - k; printed is
the range that holds 95 of 100 draws, and how often as few are inside. One error per trajectory is counted, the mean
over its windows, so that windows of one trajectory, which are not independent, do not enter.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from scipy.stats import betabinom

from physrep.metrics import cluster_means
from physrep.probes import load_predictions
from physrep.readout import read_readout


def main(run: str, probe: str | None = None) -> None:
    """Print a row per parameter."""
    readout = read_readout(run, probe)
    test = load_predictions(Path(run) / f"predictions_{readout.name}.npz")["test"]
    mean, truth = (cluster_means(values, test.trajectory)[0] for values in (test.prediction, test.target))
    print("| parameter | errors behind the width | inside | 95 of 100 draws | as few | low third | middle | high |")
    print("|---|---:|---:|---|---:|---:|---:|---:|")
    whole = readout.trajectories
    for k, name in enumerate(readout.scaler.names):
        known = ~np.isnan(truth[:, k])
        inside = np.abs(mean - truth)[known, k] <= whole.half_width[k]
        rank = math.ceil((whole.n_valid + 1) * whole.level - 1e-9)
        drawn = betabinom(len(inside), rank, whole.n_valid + 1 - rank)
        low, high = (drawn.ppf(p) / len(inside) for p in (0.025, 0.975))
        thirds = [f"{part.mean():.1%}" for part in np.array_split(inside[np.argsort(truth[known, k])], 3)]
        print(
            f"| {name} | {whole.n_valid} on {whole.source} | {inside.sum()} of {len(inside)}, {inside.mean():.1%} | "
            f"{low:.1%} to {high:.1%} | {drawn.cdf(inside.sum()):.1%} | {' | '.join(thirds)} |"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
