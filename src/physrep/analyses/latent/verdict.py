"""The rule that says what a comparison with pixels has shown. It can come out four ways.

Evidence about one encoder on one set of simulations: for every parameter the R² of its probe, the difference to the R²
of the best pixels (paired by simulation, each at the better of the two readings of a whole simulation), and the share
of the encoder's leading components that the best pixels give back linearly (also out of fold). All intervals are at the
level 1 - 0.05/m for m parameters (Bonferroni). A parameter is *held* if the interval of its R² lies above 0. Then

1. no parameter is held: **nothing there** (if some interval reaches `ABSENT`, so that much could be there: undecided);
2. some held parameter is read better than from every kind of pixels (interval of the difference above 0, difference
   above `MARGIN`), and pixels do not give the embedding back (interval of the share below `LINEAR`): **more than
   pixels**;
3. no held parameter is read better, and pixels give the embedding back (interval of the share above `LINEAR`) or read
   every held parameter as well (interval of the difference below `MARGIN`): **explained by pixels**;
4. else **undecided**.

An embedding whose leading components are a linear image, and from which a parameter is read better all the same, is
undecided: it may be the better basis of the same picture, or hold something more in directions of little variance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...metrics.score import Score

LINEAR = 0.9
"""Share of the variance of the leading components from which on an embedding is called a linear image."""

MARGIN = 0.05
"""Advantage in R² that would not matter."""

ABSENT = 0.3
"""R² that must be ruled out for nothing to be there."""

EXPLAINED, MORE, NOTHING, UNDECIDED = "explained by pixels", "more than pixels", "nothing there", "undecided"


@dataclass
class Evidence:
    """What the rule reads.

    Attributes:
        r2: per parameter.
        difference: per parameter, R² minus that of the best pixels.
        share: R² of pixels to embedding, of the best kind of pixels, or None if it was not measured.
    """

    r2: dict[str, Score] = field(default_factory=dict)
    difference: dict[str, Score] = field(default_factory=dict)
    share: Score | None = None


def verdict(evidence: Evidence) -> str:
    """One of `EXPLAINED`, `MORE`, `NOTHING`, `UNDECIDED`."""
    held = [name for name, own in evidence.r2.items() if own.low > 0]
    if not held:
        sure = all(own.high < ABSENT for own in evidence.r2.values())
        return NOTHING if evidence.r2 and sure else UNDECIDED
    image = evidence.share is not None and evidence.share.low > LINEAR
    other = evidence.share is None or evidence.share.high < LINEAR
    gains = [evidence.difference[name] for name in held]
    better = any(gain.low > 0 and gain.value > MARGIN for gain in gains)
    if better and other:
        return MORE
    if not better and (image or all(gain.high < MARGIN for gain in gains)):
        return EXPLAINED
    return UNDECIDED
