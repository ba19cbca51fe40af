"""Columns that are trained beyond the library: a planted nonlinearity is found, a change is not read off the future."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.trained_basis import BasisOptions, TrainedBasis, forecast_matrices
from tests.helpers.window_batches import DT, FRAMES, window_batches

N, LONG = 12, 24

clips = partial(window_batches, channels=("a",), trajectories=8)
BASIS = {"maps": 2, "width": 12, "layers": 1, "steps": 120, "trajectories": 12, "learning_rate": 2e-2}


def reacting(number: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``∂ₜa = D ∇²a - r sin 2a`` by Strang splitting: fields ``(B, 1, T, N, N)`` and (log10 D, r)."""
    draw = torch.Generator().manual_seed(seed)
    uniform = torch.rand(number, 2, generator=draw, dtype=torch.float64)
    diffusivity, rate = 10 ** (-2.5 + uniform[:, 0]), 0.5 + 1.5 * uniform[:, 1]
    k = 2 * math.pi * torch.fft.fftfreq(N, 1 / N, dtype=torch.float64)
    low = (k.abs()[:, None] < 2 * math.pi * 2.5) & (k.abs() < 2 * math.pi * 2.5)
    a = torch.fft.ifft2(torch.fft.fft2(torch.randn(number, N, N, generator=draw, dtype=torch.float64)) * low).real
    a = 2 * a / a.std((1, 2), keepdim=True)
    step = DT / 8
    half = torch.exp(-diffusivity.view(-1, 1, 1) * (k[:, None] ** 2 + k**2) * step / 2)
    frames = []
    for _ in range(LONG):
        frames.append(a)
        for _ in range(8):
            a = torch.fft.ifft2(torch.fft.fft2(a) * half).real
            middle = a - step / 2 * rate.view(-1, 1, 1) * torch.sin(2 * a)
            a = a - step * rate.view(-1, 1, 1) * torch.sin(2 * middle)
            a = torch.fft.ifft2(torch.fft.fft2(a) * half).real
    return torch.stack(frames, 1).unsqueeze(1), torch.stack([diffusivity.log10(), rate], 1)


def fitted(fields: torch.Tensor, basis: dict | None, notes: list[str] | None = None) -> OperatorDiscovery:
    learner = OperatorDiscovery(1, FRAMES, grades=(1, 2), largest=2, basis=basis)
    learner.set_normalisation(("a",), [float(fields.mean())], [float(fields.std())])
    told = [] if notes is None else notes
    with torch.no_grad():
        learner.fit(clips(fields[:40]), clips(fields[40:]), 0, lambda note: told.append(note) if note else None)
    return learner


def left(learner: OperatorDiscovery) -> float:
    return learner.record["curve"][learner.record["best"]]["residual"]["0"]


@pytest.fixture(scope="module")
def planted() -> tuple[OperatorDiscovery, OperatorDiscovery, torch.Tensor, list[str]]:
    fields, _ = reacting(56, 0)
    notes: list[str] = []
    return fitted(fields, None), fitted(fields, BASIS, notes), fields, notes


def explained(learner: OperatorDiscovery, fields: torch.Tensor, truth: torch.Tensor) -> list[float]:
    """R² of both parameters from θ and its squares, over the windows of these trajectories."""
    with torch.no_grad():
        theta = torch.cat([learner.read(clip).mean for clip in clips(fields)])
    y = truth.repeat_interleave(len(theta) // len(truth), 0)
    x = torch.cat([theta, theta.square(), torch.ones(len(theta), 1, dtype=theta.dtype)], 1)
    rest = y - x @ torch.linalg.lstsq(x, y).solution
    return (1 - rest.square().mean(0) / y.var(0)).tolist()


def test_a_nonlinearity_beyond_the_library_is_found(planted):
    alone, trained, _, notes = planted
    assert trained.record["grade"] == 6 and alone.record["grade"] < 6
    assert left(trained) < 0.5 * left(alone)
    # The library sees one of the two parameters, the rate of what it does not hold stays hidden.
    assert alone.v.shape[0] == 1 and trained.v.shape[0] == 2
    fields, truth = reacting(56, 0)
    before, after = (explained(learner, fields[40:], truth[40:]) for learner in (alone, trained))
    assert after[0] > 0.9 and after[1] > before[1] + 0.15
    assert any("the library alone chooses grade" in note for note in notes)
    assert any("phi_" in term["name"] for term in trained.record["equation"][0]["terms"])
    assert alone.reads_units and not trained.reads_units


def test_it_ends_the_same_and_is_loaded_with_its_network(planted):
    _, trained, fields, _ = planted
    again = fitted(fields, BASIS)
    clip = clips(fields[40:48])[0]
    with torch.no_grad():
        tokens = trained.encode(clip)
        assert torch.equal(again.encode(clip), tokens)
        # A learner that was made for more channels than the fit kept takes the network that is stored.
        other = OperatorDiscovery(1, FRAMES, grades=(1, 2), largest=2, basis=BASIS)
        other.basis = TrainedBasis(3, BasisOptions.of(BASIS, FRAMES))
        other.load_state_dict(trained.state_dict())
        assert torch.equal(other.encode(clip), tokens)


def test_maps_with_a_memory_see_no_frame_that_comes_later():
    options = BasisOptions.of({"memory": 3, "horizon": 2, "maps": 2, "layers": 2}, FRAMES)
    basis = TrainedBasis(1, options)
    x = torch.randn(2, 1, FRAMES, N, N)
    later = x.clone()
    later[:, :, 5:] += 1
    with torch.no_grad():
        change = (basis(later, (True, False)) - basis(x, (True, False))).abs().amax((0, 1, 3, 4))
    assert (change[:5] == 0).all() and (change[5:] > 0).all()
    value, rate = forecast_matrices(FRAMES, DT, 3, 2)
    seen, told = value.abs() > 0, rate.clamp_min(0) > 0
    assert all(int(told[i].nonzero()[0]) - int(seen[i].nonzero()[0]) == 2 for i in range(len(value)))
    assert int(seen[0].nonzero()[0]) == 2 and int(told[-1].nonzero()[0]) == FRAMES - 1
    time = DT * torch.arange(FRAMES, dtype=torch.float64)
    torch.testing.assert_close(rate @ (3 * time), torch.full((len(rate),), 3.0, dtype=torch.float64))


def test_a_basis_with_a_memory_is_fitted_and_read():
    fields, _ = reacting(24, 1)
    options = BASIS | {"memory": 2, "horizon": 2, "steps": 5, "trajectories": 4}
    learner = OperatorDiscovery(1, FRAMES, grades=(1,), largest=1, basis=options)
    with torch.no_grad():
        learner.fit(clips(fields[:16]), clips(fields[16:]), 0, lambda note: None)
        assert torch.isfinite(learner.encode(clips(fields[16:])[0])).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 0}, "basis.width must be positive"),
        ({"depth": 3}, "no option 'depth'"),
        ({"memory": 6, "horizon": 4}, "need windows of 10 frames"),
    ],
)
def test_what_cannot_be_trained_is_refused(given, message):
    with pytest.raises(PhysrepError, match=message):
        OperatorDiscovery(1, FRAMES, basis=given)


def test_fields_on_three_axes_are_refused():
    clip = Clip(
        torch.randn(2, 1, FRAMES, 4, 4, 4), torch.zeros(2, 0), ("a",), (), DT, (0.25,) * 3, (True,) * 3,
        torch.zeros(2, dtype=torch.long), torch.arange(2),
    )  # fmt: skip
    with pytest.raises(PhysrepError, match="on 2 axes"):
        OperatorDiscovery(1, FRAMES, basis=BASIS).fit([clip], [clip], 0, lambda note: None)
