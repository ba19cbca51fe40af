"""The token head finds planted parameters where there are some, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.analyses.latent import SpatialHead
from physrep.analyses.latent.token_head import VARIANTS, head_errors, token_sums
from tests.helpers.planted_latent import planted

TRAIN, TEST = np.arange(18), np.arange(18, 24)


def diffusing(constant: bool = False, nonlinear: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Tokens that diffuse; the diffusivity of each simulation, or a number that has nothing to do with them."""
    generator = np.random.default_rng(3)
    alpha = generator.uniform(0.02, 0.2, 24)
    used = np.full(24, 0.1) if constant else 0.5 * (alpha - 0.11) + 0.05 if nonlinear else alpha
    x = generator.normal(size=(24, 6, 8, 8, 3)) * [1, 1, 1]
    for t in range(5):
        around = np.sum([np.roll(x[:, t], s, a) for a in (1, 2) for s in (-1, 1)], 0)
        x[:, t + 1] = x[:, t] + used[:, None, None, None] * (around - 4 * x[:, t])
    return x, alpha


def r2(x: np.ndarray, alpha: np.ndarray, name: str) -> dict[str, float]:
    variant = VARIANTS[name]
    errors = head_errors(token_sums(x, TRAIN, variant.standardise), alpha, TRAIN, TEST, variant)
    return {kind: 1 - own.sum() / errors["still"].sum() for kind, own in errors.items()}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_the_real_parameter_helps_where_it_is_the_equation(name: str) -> None:
    found = r2(*diffusing(), name)
    # The mean at each position is estimated from 18 simulations, which costs a little.
    assert found["real"] > (0.9999 if name == "as published" else 0.96)
    assert found["shuffled"] < 0.7 and found["none"] < 0.7


def test_a_parameter_that_does_not_act_does_not_help() -> None:
    found = r2(*diffusing(constant=True), "kernel of α")
    assert found["none"] > 0.97 and abs(found["real"] - found["none"]) < 1e-3


def test_a_code_of_position_and_a_loud_channel_hide_it_until_tokens_are_standardised() -> None:
    x, alpha = diffusing(nonlinear=True)
    generator = np.random.default_rng(5)
    x = x + 30 * generator.normal(size=(8, 8, 3))
    x[..., 2] = 100 * generator.normal(size=x.shape[:-1])
    published, repaired = r2(x, alpha, "as published"), r2(x, alpha, "kernel of α")
    assert published["real"] < max(published["shuffled"], published["none"])
    assert repaired["real"] - max(repaired["shuffled"], repaired["none"]) > 0.008


def test_errors_from_sums_are_errors() -> None:
    x, alpha = diffusing()
    x = x + np.random.default_rng(6).normal(size=x.shape)
    variant = VARIANTS["as published"]
    found = head_errors(token_sums(x, TRAIN, variant.standardise), alpha, TRAIN, TEST, variant)["real"]
    # The same by explicit least squares, channel by channel.
    a = alpha / alpha[TRAIN].mean()
    expected = np.zeros(len(TEST))
    for c in range(3):
        now = np.stack([np.roll(x[:, :-1, ..., c], (i, j), (2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)], -1)
        inputs, change = a[:, None, None, None, None] * now, x[:, 1:, ..., c] - x[:, :-1, ..., c]
        weights = np.linalg.lstsq(inputs[TRAIN].reshape(-1, 9), change[TRAIN].reshape(-1), rcond=None)[0]
        expected += np.square(change[TEST] - inputs[TEST] @ weights).sum((1, 2, 3))
    assert np.allclose(found, expected, rtol=1e-4)


def test_the_analysis_says_so_with_intervals() -> None:
    x, alpha = diffusing()
    context = planted({"rgb16": x.mean((2, 3))}, {"diffusivity": alpha}, {"rgb16": x})
    rows = {(r["target"], r["metric"]): r for r in SpatialHead().answer(context)}
    assert rows["as published", "gain"]["low"] > 0.01
    assert rows["all channels, real", "r2_persistence"]["low"] > 0.95
