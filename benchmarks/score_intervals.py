"""How often intervals hold the truth, and how often Holm's stars are false: by simulation, since both are exact there.

    python benchmarks/score_intervals.py

Test sets are drawn whose expected MSE is known: 3 windows per trajectory, two z-scored parameters, normal errors with a
part that the trajectory shares, and for every training seed a factor on the mean squared error that is log-normal with
mean 1. The truth is the expected MSE of a new seed on new trajectories. The first table counts the data sets whose
interval of nominally 95 % holds it; the second the families of all pairs among equal learners in which any pair is
called different at a level of 5 %.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from docs_blocks import markdown

from physrep.benchmark.differences import ALPHA, two_sided
from physrep.metrics import bootstrap, bootstrap_over_seeds, paired_difference_over_seeds
from physrep.metrics.holm import holm

WINDOWS, MSE, RESAMPLES = 3, 0.3, 400


def learners(
    rng: np.random.Generator, count: int, seeds: int, trajectories: int, spread: float
) -> tuple[list[list[np.ndarray]], np.ndarray, np.ndarray]:
    """Predictions of ``count`` equal learners with ``seeds`` trainings each, the truth, and the trajectory of each row.

    Args:
        rng: source of all draws.
        count: number of learners.
        seeds: trainings of each.
        trajectories: in the test set.
        spread: standard deviation of the logarithm of a training's MSE.
    """
    cluster = np.repeat(np.arange(trajectories), WINDOWS)
    target = rng.normal(size=(trajectories, 2))[cluster]
    # What is hard of a trajectory is hard for every learner.
    shared = rng.normal(size=(trajectories, 2))[cluster]
    found = []
    for _ in range(count):
        trained = []
        for _ in range(seeds):
            factor = np.exp(spread * rng.normal() - spread**2 / 2)
            own = rng.normal(size=(trajectories, 2))[cluster]
            window = rng.normal(size=target.shape)
            trained.append(target + np.sqrt(MSE * factor / 3) * (shared + own + window))
        found.append(trained)
    return found, target, cluster


def coverage(trajectories: int, seeds: int, spread: float, repeats: int) -> tuple[float, float]:
    """Share of data sets whose interval holds the truth: of physrep, and over trajectories alone."""
    rng = np.random.default_rng([trajectories, seeds, round(100 * spread)])
    ours, alone = [], []
    for repeat in range(repeats):
        (trained,), target, cluster = learners(rng, 1, seeds, trajectories, spread)
        found = bootstrap_over_seeds(trained, target, cluster, n_resamples=RESAMPLES, seed=repeat)
        pooled = bootstrap(
            np.concatenate(trained), np.tile(target, (seeds, 1)), np.tile(cluster, seeds),
            n_resamples=RESAMPLES, seed=repeat,
        )  # fmt: skip
        ours.append(found.low[-1] < MSE < found.high[-1])
        alone.append(pooled.low[-1] < MSE < pooled.high[-1])
    return float(np.mean(ours)), float(np.mean(alone))


def false_claims(trajectories: int, seeds: int, spread: float, repeats: int, count: int = 5) -> tuple[float, float]:
    """Share of families of equal learners with any pair called different: after Holm's correction, and without it."""
    rng = np.random.default_rng([trajectories, seeds, round(100 * spread), count])
    after, before = [], []
    for repeat in range(repeats):
        found, target, cluster = learners(rng, count, seeds, trajectories, spread)
        p = [
            two_sided(float(paired_difference_over_seeds(a, b, target, cluster, seed=repeat).probability[-1]))
            for a, b in itertools.combinations(found, 2)
        ]
        after.append((holm(p) < ALPHA).any())
        before.append(min(p) < ALPHA)
    return float(np.mean(after)), float(np.mean(before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=300, help="data sets of each row of the first table")
    parser.add_argument("--families", type=int, default=40, help="of each row of the second")
    options = parser.parse_args()
    rows = []
    for seeds, spread, trajectories in itertools.product((1, 3), (0.0, 0.2, 0.5), (25, 192, 288)):
        ours, alone = coverage(trajectories, seeds, spread, options.repeats)
        rows.append([str(seeds), f"{spread:.0%}", str(trajectories), f"{ours:.1%}", f"{alone:.1%}"])
    print(markdown(["seeds", "spread of seeds", "trajectories", "interval", "over trajectories alone"], rows, 0))
    rows = []
    for seeds, spread in itertools.product((1, 3), (0.0, 0.2, 0.5)):
        after, before = false_claims(192, seeds, spread, options.families)
        rows.append([str(seeds), f"{spread:.0%}", f"{after:.1%}", f"{before:.1%}"])
    print(markdown(["seeds", "spread of seeds", "with Holm", "without"], rows, 0))


if __name__ == "__main__":
    main()
