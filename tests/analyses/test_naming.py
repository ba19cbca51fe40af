"""Planted trajectories of every kind are named right; scrambled in time, none keeps its name."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.analyses.latent import Naming
from physrep.analyses.latent.kinds import KINDS, signature
from tests.helpers.planted_latent import planted

T = 32


def trajectory(kind: str, seed: int, noise: float = 0.0) -> np.ndarray:
    """One of a kind through a random map, ``(T, 40)``: rates, amplitudes and phases at random."""
    generator = np.random.default_rng([seed, KINDS.index(kind)])
    t = np.linspace(0, 1, T)
    amplitude = generator.normal(size=8) / np.arange(1, 9)
    wave_numbers = np.arange(1, 5)
    if kind == "diffusive":
        z = amplitude * np.exp(-generator.uniform(0.2, 1.0) * t[:, None] * np.arange(1, 9))
    elif kind == "advective":
        angle = 2 * np.pi * generator.uniform(0.4, 1.2) * t[:, None] * wave_numbers
        angle = angle + generator.uniform(0, 6, 4)
        z = np.concatenate([np.cos(angle), np.sin(angle)], 1) * np.tile(amplitude[:4], 2)
    elif kind == "wave-like":
        rate = generator.uniform(5, 9) * np.sqrt(wave_numbers)
        z = amplitude[:4] * np.cos(rate * t[:, None]) * np.exp(-generator.uniform(1.5, 3) * t[:, None])
    else:
        # A front that spreads from a point, each place a logistic growth, and stops when all is filled.
        onset = generator.uniform(0.4, 0.6) * np.linspace(0, 1, 30) ** 2
        z = 1 / (1 + np.exp(-generator.uniform(12, 20) * (t[:, None] - onset - 0.1)))
    x = 3 * z @ np.linalg.qr(generator.normal(size=(40, 40)))[0][: z.shape[1]] + 7
    return x + noise * x.std() * generator.normal(size=x.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_trajectories_are_named(kind: str) -> None:
    found = [signature(trajectory(kind, seed)).kind for seed in range(12)]
    assert found.count(kind) >= 11, (found, [signature(trajectory(kind, seed)) for seed in range(12)])


def test_a_little_noise_changes_few_names_and_unit_and_direction_none() -> None:
    for kind in KINDS:
        noisy = [signature(trajectory(kind, seed, noise=1e-3)).kind for seed in range(12)]
        assert noisy.count(kind) >= 9, (kind, noisy)
    x = trajectory("wave-like", 0)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0]
    a, b = signature(x), signature(5 * x @ rotation - 3)
    assert np.allclose([a.turn, a.decay, a.gain], [b.turn, b.decay, b.gain], atol=1e-6)


def test_what_does_not_move_gets_a_name_and_no_error() -> None:
    assert signature(np.ones((T, 5))).kind == "diffusive"


def study(scramble: bool) -> dict[tuple[str, str], dict[str, float]]:
    """All kinds as pixels and as an embedding whose times are in order or not."""
    x = np.stack([trajectory(kind, seed) for kind in KINDS for seed in range(10)])
    other = x.copy()
    if scramble:
        generator = np.random.default_rng(0)
        other = np.stack([own[generator.permutation(T)] for own in x])
    context = planted({"encoder": other, "rgb16": x}, {"p": np.arange(40.0)})
    systems = ["heat", "advection_diffusion", "damped_wave", "gray_scott"]
    for i, record in enumerate(context.simulations):
        record["set"] = systems[i // 10]
    context.sets = {name: {"equation": name, "parameters": {"p": "linear"}} for name in systems}
    rows = Naming().answer(context)
    confusion = context.arrays["confusion/pooled/encoder"]
    assert confusion.shape == (4, 4) and np.allclose(confusion.sum(1), 1)
    return {(r["modality"], r["target"]): r for r in rows if r["level"] != "any" and r["metric"] == "accuracy"}


def test_the_analysis_scores_them_and_scrambled_times_are_chance() -> None:
    found = study(scramble=False)
    assert found["encoder", "kind"]["low"] > 0.8 and found["encoder", "kind, with labels"]["value"] > 0.8
    scrambled = study(scramble=True)
    assert scrambled["encoder", "kind"]["value"] < 0.4 and scrambled["rgb16", "kind"]["low"] > 0.8
