"""The sentences say what the numbers say, in every order of learner, floor and ceiling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physrep.benchmark.entries import Entry, Headline, Score
from physrep.metrics import Difference
from physrep.report.summary_sentences import answer


def entry(learner: str, label: str, kind: str, value: float, width: float = 0.02) -> Entry:
    scores = {("trajectory", "test", "mse", "mean"): Score(value, value - width, value + width)}
    return Entry("heat", learner, "", "ridge", kind, ("r",), label, True, scores, trajectories=30)


def found(learner: float | None, floor: float | None, ceiling: float | None, width: float = 0.02) -> Headline:
    return Headline(
        "heat",
        None if learner is None else entry("jepa", "JEPA", "learner", learner, width),
        None if floor is None else entry("statistics", "Field statistics", "floor", floor, width),
        None if ceiling is None else entry("supervised", "Supervised", "ceiling", ceiling, width),
        [],
    )


def paired(low: float, high: float) -> Difference:
    middle = np.array([0.0, (low + high) / 2])
    return Difference(middle, np.array([0.0, low]), np.array([0.0, high]), middle)


@pytest.mark.parametrize(
    ("learner", "floor", "ceiling", "needed", "forbidden"),
    [
        (0.3, 0.5, 0.1, ["This beats the best floor", "40 % lower", "closes 50 % of the gap"], ["does not beat"]),
        (0.101, 0.5, 0.1, ["beats", "closes 99 % of the gap"], ["no upper limit"]),
        (0.4999, 0.5, 0.1, ["nominally below", "less than 1 %", "overlap"], ["This beats"]),
        (0.08, 0.5, 0.1, ["This beats", "no upper limit here"], ["of the gap"]),
        (0.6, 0.5, 0.1, ["does not beat", "clearly worse", "20 % higher", "closes none of the gap"], ["This beats"]),
        (0.51, 0.5, 0.1, ["does not beat", "not clearly apart", "closes none"], ["clearly worse"]),
        (0.3, 0.5, 0.6, ["This beats", "no gap to close", "is above JEPA"], ["of the gap between"]),
        (0.6, 0.5, 0.55, ["does not beat", "no gap to close"], ["is above JEPA", "of the gap between"]),
        (0.6, 0.5, 0.7, ["does not beat", "no gap to close", "is above JEPA"], ["of the gap between"]),
        (0.5, 0.5, 0.1, ["does not beat", "closes none"], ["nominally", " 0 %"]),
        (1.2, 0.5, 0.1, ["so it is no better than that", "does not beat"], ["This beats"]),
        (0.3, None, 0.1, ["No floor was run", "ceiling"], ["gap"]),
        (0.3, 0.5, None, ["This beats", "no supervised ceiling"], ["gap"]),
        (0.3, None, None, ["No floor was run", "no supervised ceiling"], ["gap"]),
        (0.3, 0.5, math.nan, ["This beats", "no supervised ceiling"], ["nan", "gap"]),
    ],
)
def test_wording(
    learner: float, floor: float | None, ceiling: float | None, needed: list[str], forbidden: list[str]
) -> None:
    sentences = answer(found(learner, floor, ceiling))
    text = " ".join(sentences)
    assert len(sentences) <= 3
    assert f"JEPA (ridge probe) reaches a mean MSE of {learner:.3f} [" in text and "30 trajectories" in text
    for part in needed:
        assert part in text
    for part in forbidden:
        assert part not in text


def test_paired_difference_decides_over_the_intervals() -> None:
    wide = found(0.45, 0.5, 0.1, width=0.2)
    assert "nominally below" in " ".join(answer(wide)) and "the intervals overlap" in " ".join(answer(wide))
    text = " ".join(answer(wide, paired(-0.08, -0.02)))
    assert "This beats" in text and "paired difference −0.050 [−0.080, −0.020]" in text
    narrow = found(0.3, 0.5, 0.1, width=0.01)
    text = " ".join(answer(narrow, paired(-0.4, 0.02)))
    assert "nominally below" in text and "+0.020]" in text
    assert "the intervals do not overlap" in " ".join(answer(narrow, paired(math.nan, math.nan)))


def test_without_intervals_nothing_is_called_clear() -> None:
    text = " ".join(answer(found(0.3, 0.5, 0.1, width=math.nan)))
    assert "nominally below" in text and "without intervals" in text and "nan" not in text


def test_no_learner_or_no_score() -> None:
    text = " ".join(answer(found(None, 0.5, 0.1)))
    assert "No self-supervised learner" in text and "0.500" in text and "0.100" in text
    assert "no finite scores" in " ".join(answer(found(None, None, None)))
    assert "no finite score" in " ".join(answer(found(math.nan, 0.5, 0.1)))


def test_other_learners_are_listed() -> None:
    headline = found(0.3, 0.5, 0.1)
    headline.others.append(entry("mpp", "MPP", "learner", 0.2))
    text = answer(headline)[-1]
    assert "best of 2 learners on valid" in text and "MPP (ridge probe) 0.200" in text
