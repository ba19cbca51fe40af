"""Widths follow the error where it differs from place to place, keep their promise, and cost little elsewhere."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from physrep.readout.conformal import Conformal
from physrep.readout.local_width import BANDWIDTH, CHUNK, FEWEST, MOST, PRIOR, LocalWidth, rank


def drawn(count: int, seed: int, growing: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and truths of one parameter, whose error grows fivefold towards low values, or not."""
    random = np.random.default_rng(seed)
    estimate = random.uniform(-1.7, 1.7, (count, 1))
    scale = np.exp(-estimate) if growing else np.ones_like(estimate)
    return estimate, estimate + 0.1 * scale * random.standard_t(5, estimate.shape)


def by_hand(estimate: np.ndarray, error: np.ndarray, new: np.ndarray, level: float) -> float:
    """The definition: scores of n + 1, each by the kernel mean of the n others, for more and more r."""
    places = np.concatenate([estimate, new[None]])
    weight = np.exp(-((places[:, None] - places[None]) ** 2).sum(-1) / (2 * BANDWIDTH**2))
    np.fill_diagonal(weight, 0)

    def inside(r: float) -> bool:
        errors = np.append(error, r)
        others = (errors.sum() - errors) / len(error)
        scores = errors / ((PRIOR * others + weight @ errors) / (PRIOR + weight.sum(1)))
        return (scores[:-1] < scores[-1]).sum() < rank(len(error), level)

    low, high = 0.0, 1e3
    for _ in range(200):
        low, high = (low, (low + high) / 2) if not inside((low + high) / 2) else ((low + high) / 2, high)
    return low


@pytest.mark.parametrize("parameters", [1, 2])
def test_the_closed_form_is_the_definition(parameters: int) -> None:
    random = np.random.default_rng(3)
    estimate, new = random.normal(size=(40, parameters)), random.normal(size=(5, parameters))
    error = np.abs(random.normal(size=40)) * np.exp(estimate[:, 0])
    found = LocalWidth(0.9, list(range(parameters))).fit(estimate, error)(torch.from_numpy(new))
    expected = [by_hand(estimate, error, row, 0.9) for row in new]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("count", [FEWEST, 39])
def test_the_promise_is_exact_for_every_number_of_errors(count: int) -> None:
    """Over 4000 draws of n errors and one new recording each; the standard error is 0.5 points."""
    inside = []
    for seed in range(4000):
        estimate, truth = drawn(count + 1, seed)
        width = LocalWidth(0.9, [0]).fit(estimate[1:], np.abs(truth - estimate)[1:, 0])(torch.from_numpy(estimate[:1]))
        inside.append(abs(truth - estimate)[0, 0] <= float(width))
    assert np.mean(inside) == pytest.approx(rank(count, 0.9) / (count + 1), abs=0.012)


def test_every_third_is_covered_where_one_width_fails() -> None:
    fixed, local, width = [], [], []
    for seed in range(6):
        interval, new = Conformal.fit(*drawn(300, seed)), drawn(3000, 100 + seed)
        one = Conformal(0.9, interval.half_width, [math.nan], 300)
        fixed.append(one.tested(*new).thirds[0])
        local.append(interval.tested(*new).thirds[0])
        width.append(interval.widths_of(new[0]).mean() / one.half_width[0])
    fixed, local = np.mean(fixed, axis=0), np.mean(local, axis=0)
    assert fixed[0] < 0.82 and fixed[2] > 0.98
    assert all(0.87 < share < 0.95 for share in local), local
    assert np.mean(width) < 0.85
    low, high = interval.widths_of(np.array([[-1.5], [1.5]]))[:, 0]
    assert low > 5 * high


def test_equal_errors_everywhere_cost_little() -> None:
    interval = Conformal.fit(*drawn(300, 2, growing=False))
    assert interval.widths_of(drawn(500, 3)[0]).mean() == pytest.approx(interval.half_width[0], rel=0.05)


def test_the_error_may_follow_another_parameter() -> None:
    random = np.random.default_rng(4)
    draw = lambda n: random.uniform(-1.7, 1.7, (n, 2))  # noqa: E731
    noise = lambda x: 0.1 * np.exp(x[:, ::-1]) * random.normal(size=x.shape)  # noqa: E731
    estimate = draw(300)
    interval = Conformal.fit(estimate, estimate + noise(estimate))
    wide = interval.widths_of(np.array([[0.0, 1.5], [0.0, -1.5]]))[:, 0]
    assert wide[0] > 4 * wide[1]


def test_far_from_all_errors_the_width_is_about_the_constant_one() -> None:
    interval = Conformal.fit(*drawn(300, 5))
    far = interval.widths_of(np.array([[1e3]]))[0, 0]
    assert far == pytest.approx(interval.half_width[0], rel=0.35) and far > interval.widths_of(np.array([[1.5]]))[0, 0]


def test_few_errors_have_one_width() -> None:
    estimate, truth = drawn(FEWEST, 6)
    assert Conformal.fit(estimate, truth).local[0] is not None
    assert Conformal.fit(estimate[1:], truth[1:]).local == [None]
    # Windows do not count, trajectories do.
    many = np.repeat(estimate, 4, axis=0), np.repeat(truth, 4, axis=0)
    assert Conformal.fit(*many, cluster=np.repeat(np.arange(FEWEST), 4)).local[0] is not None
    assert Conformal.fit(*many, cluster=np.repeat(np.arange(FEWEST) // 2, 4)).local == [None]
    few = Conformal.fit(estimate, truth, level=0.99)
    assert few.local == [None] and np.isinf(few.widths_of(estimate)).all(), "too few for the level"


def test_unknown_labels_and_estimates_are_left_out() -> None:
    estimate, truth = (np.concatenate([part, part[::-1]], axis=1) for part in drawn(200, 7))
    alone = Conformal.fit(estimate[50:, :1], truth[50:, :1])
    estimate[:50, 0] = truth[:50, 0] = np.nan
    truth[150:, 1] = estimate[150:, 1] = np.nan
    both = Conformal.fit(estimate, truth)
    new = drawn(20, 8)[0]
    np.testing.assert_array_equal(both.widths_of(new.repeat(2, axis=1))[:, 0], alone.widths_of(new)[:, 0])


def test_no_error_at_all_is_no_width_and_many_are_a_seeded_part() -> None:
    estimate, truth = drawn(MOST + CHUNK, 9)
    exact = Conformal.fit(estimate, estimate)
    assert (exact.widths_of(estimate[:5]) == 0).all() and exact.tested(estimate, estimate).coverage == [1.0]
    local = Conformal.fit(estimate, truth).local[0]
    assert local is not None and len(local.error) == MOST
    again = Conformal.fit(estimate, truth).local[0]
    assert again is not None and torch.equal(local.error, again.error)


def test_coverage_of_a_pool_is_by_widths_from_the_other_folds() -> None:
    estimate, truth = drawn(400, 10)
    fold = np.arange(400) % 4
    crossed = Conformal.fit(estimate, truth).crossed(estimate, truth, fold)
    assert 0.86 < crossed.coverage[0] < 0.94 and crossed.n_test == 400
    inside = []
    for own in (fold == number for number in range(4)):
        inside += Conformal.fit(estimate[~own], truth[~own]).tested(estimate[own], truth[own]).coverage
    assert crossed.coverage[0] == pytest.approx(np.mean(inside))


class Widths(nn.Module):
    """What an exported readout does."""

    def __init__(self, intervals: Conformal) -> None:
        super().__init__()
        self.intervals = intervals

    def forward(self, estimate: torch.Tensor) -> torch.Tensor:
        return self.intervals.widths(estimate)


def test_widths_are_a_program_of_torch_and_of_onnx(tmp_path: Path) -> None:
    module = Widths(Conformal.fit(*drawn(60, 11)))
    first, other = (torch.from_numpy(drawn(n, 12)[0]) for n in (3, 7))
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(module, (first,), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(program.module()(other), module(other))
    runtime = pytest.importorskip("onnxruntime")
    path = tmp_path / "widths.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        made = torch.onnx.export(program, dynamo=True)
    assert made is not None
    made.save(str(path), external_data=False)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    np.testing.assert_allclose(found, module(other).numpy(), rtol=1e-6)
