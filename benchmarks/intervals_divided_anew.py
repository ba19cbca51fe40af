"""Bias or luck? Coverage of a fit's intervals when its trajectories are divided anew.

    python benchmarks/intervals_divided_anew.py RUN [REPETITIONS]

RUN is a run of a floor with tokens of train, valid and test. All its trajectories are shuffled; kernel ridge is fitted
to one half of them, chooses on a tenth, and its intervals, from the half that is left out one by one, are asked about
the rest. One division covers more or less than it promises by luck; the mean tells whether the rule is biased.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from physrep.metrics import cluster_means
from physrep.probes import KernelRidgeProbe
from physrep.readout import Conformal, read_readout
from physrep.tokens import TokenStore


def main(run: str, repetitions: str = "5") -> None:
    """Print a row per division: covered with widths that follow the estimate, and with one width."""
    scaler = read_readout(run).scaler
    stores = [TokenStore.open(Path(run) / "tokens" / split) for split in ("train", "valid", "test")]
    tokens = torch.cat([torch.from_numpy(np.array(store.tokens)).float() for store in stores])
    labels = torch.cat([scaler.transform(store.labels, store.parameter_names).float() for store in stores])
    # The numbers of trajectories begin anew in every split.
    place = np.concatenate([[f"{k} {n}" for n in store.trajectory] for k, store in enumerate(stores)])
    names, trajectory = np.unique(place, return_inverse=True)
    count, found = len(names), []
    print(f"| division | {' | '.join(f'{p}, {kind}' for p in scaler.names for kind in ('follows', 'one width'))} |")
    print("|---" * (1 + 2 * len(scaler.names)) + "|")
    for seed in range(int(repetitions)):
        order = np.random.default_rng(seed).permutation(count)
        fitted, chosen, asked = (
            np.isin(trajectory, part) for part in np.split(order, [count // 2, count // 2 + count // 10])
        )
        probe = KernelRidgeProbe(bandwidths=(1.0, 2.0, 4.0), alphas=(1e-6, 1e-5, 1e-4, 1e-3, 1e-2))
        probe.fit(tokens[fitted], labels[fitted], tokens[chosen], labels[chosen])
        left_out = probe.predict_left_out(tokens[fitted], labels[fitted], trajectory[fitted])
        held = [cluster_means(part.double().numpy(), trajectory[fitted])[0] for part in (left_out, labels[fitted])]
        told = probe.predict(tokens[asked]), labels[asked]
        new = [cluster_means(part.double().numpy(), trajectory[asked])[0] for part in told]
        follows = Conformal.fit(*held)
        one = Conformal(0.9, follows.half_width, follows.coverage, follows.n_valid)
        found.append(np.ravel(np.transpose([own.tested(*new).coverage for own in (follows, one)])))
        print(f"| {seed} | {' | '.join(f'{share:.1%}' for share in found[-1])} |", flush=True)
    print(f"| mean | {' | '.join(f'{share:.1%}' for share in np.mean(found, axis=0))} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
