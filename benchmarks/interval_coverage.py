"""Which errors make honest intervals? Coverage of 90 % intervals on planted tokens, by where the errors come from.

    python benchmarks/interval_coverage.py [REPETITIONS] [DOCUMENT]

Tokens of 30 features of which 5 carry two parameters, one of them not linearly, with noise; 2 windows of each of 150
training and 50 valid trajectories, drawn anew for every repetition, and 500 new trajectories that are asked. Errors are
those on train as it was fitted, on valid as the settings were chosen on it, and the two that `physrep` takes
(`physrep.readout.held_out`): valid with the settings chosen without, and train with every trajectory left out. The
table goes to standard output, and, where a DOCUMENT is named, into it between `<!-- coverage -->` and `<!-- end of
coverage -->`.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from marked import write_between

from physrep.metrics import cluster_means
from physrep.probes import KernelRidgeProbe, NearestProbe, Probe, RidgeProbe
from physrep.probes.valid_grid import chosen_without
from physrep.readout import Conformal

TRAIN, VALID, NEW = 150, 50, 500
MARKS = ("<!-- coverage -->", "<!-- end of coverage -->")
ROWS = ("train as fitted", "valid as chosen on", "valid, settings chosen without", "train, left out")


def drawn(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Tokens ``(2 count, 1, 30)``, labels ``(2 count, 2)`` and the trajectory of every window."""
    labels = torch.randn(count, 2, generator=generator)
    mixing = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    carrying = torch.cat([labels, labels.prod(1, keepdim=True)], 1) @ mixing
    tokens = torch.cat([carrying, torch.zeros(count, 25)], 1) + 0.5 * torch.randn(count, 30, generator=generator)
    tokens = tokens.repeat_interleave(2, 0) + 0.2 * torch.randn(2 * count, 30, generator=generator)
    return tokens[:, None], labels.repeat_interleave(2, 0), np.repeat(np.arange(count), 2)


def coverages(probe: Probe, seed: int) -> list[float]:
    """Share of the new trajectories that the intervals cover, mean over the parameters, by where errors are from."""
    generator = torch.Generator().manual_seed(seed)
    (x, y, own), (x_valid, y_valid, of_valid), (x_new, y_new, of_new) = (
        drawn(n, generator) for n in (TRAIN, VALID, NEW)
    )
    probe.fit(x, y, x_valid, y_valid)
    left_out = probe.predict_left_out(x, y, own)
    assert left_out is not None and probe.valid_grid_ is not None
    fold = np.random.default_rng(seed).permutation(VALID)[of_valid] % 10
    errors = [
        (probe.predict(x), y, own),
        (probe.predict(x_valid), y_valid, of_valid),
        (chosen_without(probe.valid_grid_, fold), y_valid, of_valid),
        (left_out, y, own),
    ]
    new = [cluster_means(part.double().numpy(), of_new)[0] for part in (probe.predict(x_new), y_new)]
    found = []
    for predicted, target, trajectory in errors:
        means = [cluster_means(part.double().numpy(), trajectory)[0] for part in (predicted, target)]
        found.append(float(np.mean(Conformal.fit(means[0], means[1]).tested(new[0], new[1]).coverage)))
    return found


def main(repetitions: str = "200", document: str = "") -> None:
    kinds = {"ridge": RidgeProbe, "kernel ridge": KernelRidgeProbe, "knn": NearestProbe}
    measured = {name: np.array([coverages(kind(), k) for k in range(int(repetitions))]) for name, kind in kinds.items()}
    lines = [f"| errors on | {' | '.join(kinds)} |", "|---|" + "---|" * len(kinds)]
    for k, row in enumerate(ROWS):
        cells = [f"{100 * own[:, k].mean():.1f} ± {100 * own[:, k].std():.1f} %" for own in measured.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    print("\n".join(lines))
    if document:
        write_between(document, MARKS, lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
