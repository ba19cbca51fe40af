"""How alike the representations of all runs are, by linear CKA on the same test windows."""

from __future__ import annotations

from ..metrics.similarity import linear_cka
from .base import Analysis, Context, Rows
from .token_moments import moments_by_split, token_means


class Similarity(Analysis):
    """Unbiased linear CKA (`physrep.metrics.similarity.linear_cka`) between all pairs of runs.

    Samples are the mean token of each test window, not standardised, as published.

    Args:
        most: windows used at most, evenly spaced among those of test; the cost grows as their square.
    """

    columns = ("run_a", "title_a", "learner_a", "run_b", "title_b", "learner_b", "metric", "value", "n_windows")

    def __init__(self, most: int = 2000) -> None:
        self.most = most

    def rows(self, context: Context) -> Rows:
        """See `Analysis.rows`; both orders of every pair, and every run with itself."""
        samples = []
        for run in context.runs:
            store = context.stores(run)["test"]
            step = -(-len(store) // self.most)
            samples.append(token_means(store, moments_by_split(context, run)["test"])[::step])
        values: dict[tuple[int, int], float] = {}
        for i in range(len(samples)):
            for j in range(i, len(samples)):
                values[i, j] = values[j, i] = linear_cka(samples[i], samples[j])
        return [
            {"run_a": a.name, "title_a": a.title, "learner_a": a.learner, "run_b": b.name, "title_b": b.title,
             "learner_b": b.learner, "metric": "cka", "value": values[i, j], "n_windows": len(samples[i])}
            for i, a in enumerate(context.runs)
            for j, b in enumerate(context.runs)
        ]  # fmt: skip
