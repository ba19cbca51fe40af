"""How many parameters vary: directions of θ along which the windows of one trajectory agree, and no others."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.printing import as_text, doubts, varying_parameters
from physrep.learners.operator_discovery.repeatability import FEWEST, intraclass_correlations, parameters
from tests.helpers.window_batches import DT, FRAMES, window_batches

clips = partial(window_batches, channels=("a",))
NUMBER, WINDOWS, POINTS = 48, 3, 16


def planted(drifts: bool, noise: float = 0.0) -> torch.Tensor:
    """Exact solutions of ``∂ₜa = D ∇²a - r a``, ``(B, 1, T, n, n)``; with ``drifts`` every window has its own r."""
    draw = torch.Generator().manual_seed(7)
    diffusivity = 10 ** (-2.5 + torch.rand(NUMBER, 1, 1, 1, generator=draw, dtype=torch.float64))
    rate = torch.rand(NUMBER, WINDOWS if drifts else 1, generator=draw, dtype=torch.float64)
    integral = DT * rate.expand(NUMBER, WINDOWS).repeat_interleave(FRAMES, 1).cumsum(1).view(NUMBER, -1, 1, 1)
    k = 2 * math.pi * torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    low = (k.abs()[:, None] < 2 * math.pi * 3.5) & (k.abs() < 2 * math.pi * 3.5)
    start = torch.fft.fft2(torch.randn(NUMBER, 1, POINTS, POINTS, generator=draw, dtype=torch.float64)) * low
    time = DT * torch.arange(WINDOWS * FRAMES, dtype=torch.float64).view(1, -1, 1, 1)
    fields = torch.fft.ifft2(start * torch.exp(-diffusivity * (k[:, None] ** 2 + k**2) * time - integral)).real
    fields = fields + noise * fields.std() * torch.randn(fields.shape, generator=draw, dtype=torch.float64)
    return fields.unsqueeze(1)


def fitted(fields: torch.Tensor, directions: int | None, train: int = 32) -> OperatorDiscovery:
    learner = OperatorDiscovery(1, FRAMES, grades=(1,), directions=directions, largest=3)
    learner.fit(clips(fields[:train]), clips(fields[train:]), 0, lambda note: None)
    return learner


def windows(rho: tuple[float, ...], trajectories: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    share = torch.tensor(rho, dtype=torch.float64)
    between = torch.randn(trajectories, 1, len(rho), generator=draw, dtype=torch.float64) * share.sqrt()
    within = torch.randn(trajectories, WINDOWS, len(rho), generator=draw, dtype=torch.float64) * (1 - share).sqrt()
    return (between + within).flatten(0, 1), torch.arange(trajectories).repeat_interleave(WINDOWS)


def test_one_direction_has_the_correlation_of_the_analysis_of_variance() -> None:
    theta, trajectory = windows((0.6,), 20)
    table = theta.view(20, WINDOWS)
    between = WINDOWS * table.mean(1).var()
    within = table.var(1).mean()
    expected = (between - within) / (between + (WINDOWS - 1) * within)
    found = intraclass_correlations(theta, trajectory, torch.ones(len(theta), dtype=torch.float64))
    torch.testing.assert_close(found[0], expected)


def test_correlations_belong_to_the_cloud_and_not_to_its_basis() -> None:
    theta, trajectory = windows((0.99, 0.8, 0.1), 2000)
    ones = torch.ones(len(theta), dtype=torch.float64)
    found = intraclass_correlations(theta, trajectory, ones)
    torch.testing.assert_close(found, torch.tensor([0.99, 0.8, 0.1]).double(), atol=0.03, rtol=0)
    mixed = theta @ torch.tensor([[1.0, 2.0, -1.0], [0.3, 1.0, 4.0], [20.0, 1.0, 1.0]], dtype=torch.float64) + 5
    torch.testing.assert_close(intraclass_correlations(mixed, trajectory, ones), found)
    assert parameters(found.tolist(), 3) == 2


def test_windows_count_what_they_are_given() -> None:
    theta, trajectory = windows((0.95,), 40)
    weight = torch.ones(len(theta), dtype=torch.float64)
    whole = intraclass_correlations(theta, trajectory, weight)
    broken = torch.cat([theta, 100 * theta[::WINDOWS].flip(0)])
    place = torch.cat([trajectory, trajectory[::WINDOWS]])
    torch.testing.assert_close(intraclass_correlations(broken, place, torch.cat([weight, 0 * weight[:40]])), whole)
    empty = torch.cat([trajectory, trajectory[::WINDOWS] + 40])
    torch.testing.assert_close(intraclass_correlations(broken, empty, torch.cat([weight, 0 * weight[:40]])), whole)
    # Weights of one size are no weights, and a window that counts little hardly spoils the rest.
    torch.testing.assert_close(intraclass_correlations(theta, trajectory, 0.2 * weight), whole)
    little = intraclass_correlations(broken, place, torch.cat([weight, 1e-6 * weight[:40]]))
    torch.testing.assert_close(little, whole, atol=0.02, rtol=0)


def test_too_few_trajectories_tell_nothing() -> None:
    theta, trajectory = windows((0.9, 0.1), FEWEST - 1)
    found = intraclass_correlations(theta, trajectory, torch.ones(len(theta), dtype=torch.float64))
    assert len(found) == 0 and parameters(found.tolist(), 2) == 2
    single = intraclass_correlations(theta[::WINDOWS], trajectory[::WINDOWS], torch.ones(FEWEST - 1).double())
    assert len(single) == 0


def test_what_varies_between_trajectories_is_a_parameter() -> None:
    record = fitted(planted(drifts=False), None).record
    assert record["curve"][record["best"]]["directions"] == record["parameters"] == 2
    assert min(record["repeatability"]) > 0.999 and doubts(record) == ""


@pytest.mark.parametrize(("drifts", "noise", "directions"), [(True, 0.0, 2), (False, 0.05, 3)])
def test_what_varies_between_windows_is_none(drifts: bool, noise: float, directions: int) -> None:
    record = fitted(planted(drifts, noise), directions).record
    assert varying_parameters(record) == directions - 1, record["repeatability"]
    text = as_text(record)
    assert text.startswith(f"{directions - 1} parameter") and f"1 of the {directions} directions of the fit" in text


def test_records_say_what_was_not_asked() -> None:
    curve = [{"grade": 1, "directions": p, "score": -float(p)} for p in range(3)]
    old = {"curve": curve, "best": 2, "equation": []}
    assert varying_parameters(old) == 2 and doubts(old) == ""
    few = old | {"repeatability": [], "parameters": 2}
    assert varying_parameters(few) == 2 and "was not asked: fewer than 8 trajectories" in doubts(few)
    nothing = few | {"best": 0, "parameters": 0}
    assert varying_parameters(nothing) == 0 and doubts(nothing) == ""
    assert as_text(nothing).startswith("0 parameters vary between trajectories.\n\n")
