"""What a fit says where its answers have no interval: too few held-out errors for the level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..readout import Conformal, read_readout
from .candidates import Candidate


def endless(chosen: Candidate, candidates: Sequence[Candidate], folder: Path) -> str | None:
    """Why the intervals of the chosen candidate are endless, and who has others; None where they are not.

    Args:
        chosen: the best on valid.
        candidates: all of them.
        folder: of the fit.
    """
    own = _intervals(chosen, folder)
    if _finite(own):
        return None
    # The smallest n whose rank ⌈(n + 1) level⌉ is not beyond n.
    least = math.ceil(own.level / (1 - own.level) - 1e-9)
    errors = f"{own.n_valid} {own.source.split()[0]} trajectories"
    text = f"Its {own.level:.0%} intervals are endless: they come from {errors}, and {least} are the least"
    others = sorted((other for other in candidates if not other.failure), key=lambda other: other.valid)
    for other in others:
        if _finite(found := _intervals(other, folder)):
            return (
                f"{text}. {other.learner} has intervals, from {found.n_valid} of {found.source.split()[0]}: "
                f"physrep predict {folder / 'runs' / other.run} FILES"
            )
    return f"{text}; divide the data otherwise, e.g. physrep convert --fractions 0.5 0.25 0.25."


def _intervals(candidate: Candidate, folder: Path) -> Conformal:
    return read_readout(folder / "runs" / candidate.run, candidate.probe).trajectories


def _finite(intervals: Conformal) -> bool:
    return all(map(math.isfinite, intervals.half_width))
