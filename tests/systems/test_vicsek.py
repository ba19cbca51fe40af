"""Aligning particles against what is known of them: persistence, the mean field, limits of order, conservation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import ive

from physrep.errors import PhysrepError
from physrep.learners import LEARNERS
from physrep.systems import SYSTEMS
from physrep.systems.vicsek.particles import Particles
from physrep.systems.vicsek.system import LENGTH, NUMBER, WIDTH, flock


def particles(number: int = 4000, alignment: float = 0.0, diffusion: float = 0.5, radius: float = 1.0, ordered=False):
    draw = np.random.default_rng(0)
    angles = np.zeros(number) if ordered else draw.uniform(0, 2 * math.pi, number)
    return Particles(draw.uniform(0, LENGTH, (number, 2)), angles, LENGTH, 1.0, alignment, diffusion, radius, draw)


def order(own: Particles) -> float:
    return float(np.hypot(np.cos(own.angles).mean(), np.sin(own.angles).mean()))


def test_without_alignment_they_are_active_brownian_particles():
    """MSD(t) = 2 v²/D² (D t - 1 + exp(-D t)) and <cos Δθ> = exp(-D t): persistence time 1/D."""
    own, D, dt = particles(), 0.5, 0.05
    start, moved, first = own.positions.copy(), np.zeros((4000, 2)), own.angles.copy()
    for step in range(1, 121):
        own.step(dt)
        moved += (own.positions - start + LENGTH / 2) % LENGTH - LENGTH / 2
        start, t = own.positions.copy(), step * dt
        if step in (10, 40, 120):
            known = 2 / D**2 * (D * t - 1 + math.exp(-D * t))
            assert np.square(moved).sum(1).mean() == pytest.approx(known, rel=0.05), t
            assert np.cos(own.angles - first).mean() == pytest.approx(math.exp(-D * t), abs=0.04), t


@pytest.mark.parametrize(("alignment", "diffusion"), [(2.0, 0.2), (2.0, 0.6), (1.0, 0.4)])
def test_where_everybody_is_a_neighbour_order_is_that_of_the_mean_field(alignment, diffusion):
    """Stationary: r = I1(Γ r / D) / I0(Γ r / D), nonzero for Γ > 2 D."""
    own, found = particles(4000, alignment, diffusion, radius=LENGTH, ordered=True), []
    for step in range(600):
        own.step(0.05)
        if step >= 300:
            found.append(order(own))
    r = 1.0
    for _ in range(500):
        r = ive(1, alignment * r / diffusion) / ive(0, alignment * r / diffusion)
    assert 0.3 < r < 0.99 and np.mean(found) == pytest.approx(r, abs=0.02)


def test_below_the_onset_order_is_that_of_chance():
    own = particles(4000, 0.5, 1.0, radius=LENGTH, ordered=True)
    for _ in range(300):
        own.step(0.05)
    assert order(own) < 4 / math.sqrt(4000)


def test_the_limits_of_the_local_model():
    strong, weak = flock(1, "ordered", 5.0, 1e-4), flock(1, "ordered", 1e-3, 5.0)
    for _ in range(25):
        strong.step(0.04)
        weak.step(0.04)
    assert order(strong) > 0.999 and order(weak) < 0.1


def test_torques_are_those_of_all_pairs():
    own = particles(300, 1.7)
    apart = own.positions[:, None] - own.positions[None]
    apart = (apart + LENGTH / 2) % LENGTH - LENGTH / 2
    near = np.square(apart).sum(-1) < 1.0
    wanted = 1.7 * (near * np.sin(own.angles[None] - own.angles[:, None])).sum(1) / near.sum(1)
    np.testing.assert_allclose(own.torque(), wanted, atol=1e-12)
    own.angles = -own.angles
    own.positions[:, 1] = (LENGTH - own.positions[:, 1]) % LENGTH
    np.testing.assert_allclose(own.torque(), -wanted, atol=1e-12)  # the mirror image turns the other way
    own.angles += 0.7
    np.testing.assert_allclose(own.torque(), -wanted, atol=1e-12)


def test_no_particle_is_lost_and_the_fields_are_theirs():
    own = flock(3, "disordered", 2.0, 0.3)
    for _ in range(20):
        own.step(0.1)
    points = np.arange(32) * LENGTH / 32
    density, polarization = own.rendered((points, points), WIDTH)
    cell = (LENGTH / 32) ** 2
    assert density.sum() * cell == pytest.approx(NUMBER, rel=1e-6)
    total = [np.cos(own.angles).sum(), np.sin(own.angles).sum()]
    np.testing.assert_allclose(polarization.sum((0, 1)) * cell, total, rtol=1e-5)
    finer = np.arange(64) * LENGTH / 64
    np.testing.assert_allclose(own.rendered((finer, finer), WIDTH)[0][::2, ::2], density, rtol=1e-12)
    assert (np.hypot(polarization[..., 0], polarization[..., 1]) <= density * (1 + 1e-12)).all()


def test_files_hold_every_particle_in_every_frame():
    system = SYSTEMS["vicsek"]
    values = {p.name: torch.tensor([p.low, p.high], dtype=torch.float64) for p in system.parameters}
    result = system.simulate(values, [1, 2], frames=3, dtype=torch.float64)
    mean = result.fields["density"].mean((2, 3))
    torch.testing.assert_close(mean, torch.full_like(mean, NUMBER / LENGTH**2), rtol=1e-6, atol=0)


def test_what_cannot_be_done_is_said():
    system = SYSTEMS["vicsek"]
    assert "does not resolve its particles (32x32 would)" in str(system.check_ranges((16, 16), {}))
    with pytest.raises(PhysrepError, match="vicsek"):
        LEARNERS["pde_regression"](3, system="vicsek")
