"""Relations of one moment: the strength of a potential that its charge gives at once is a parameter that is read."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from physrep.clip import Clip
from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.geometry import geometry_of
from physrep.learners.operator_discovery.gram import Grams, stacked
from physrep.learners.operator_discovery.printing import as_latex, as_text
from physrep.learners.operator_discovery.relations import ties
from physrep.learners.operator_discovery.screening import FieldSample
from physrep.learners.operator_discovery.weak_form import WeakRows
from tests.helpers.window_batches import DT, FRAMES, window_batches

LONG, POINTS = 16, 16

clips = partial(window_batches, channels=("q", "phi"))


def charged(number: int, vary: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Exact solutions of ``∂ₜq = D ∇²q`` with ``-∇²φ = κ (q² - mean)``: fields ``(B, 2, T, n, n)``, and (D, κ)."""
    draw = torch.Generator().manual_seed(3)
    uniform = torch.rand(number, 2, generator=draw, dtype=torch.float64)
    diffusivity = 10 ** (-2.5 + uniform[:, 0])
    strength = 20 * (1 + uniform[:, 1] if vary else torch.ones(number, dtype=torch.float64))
    k = 2 * math.pi * torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    square = k[:, None] ** 2 + k**2
    low = (k.abs()[:, None] < 2 * math.pi * 2.5) & (k.abs() < 2 * math.pi * 2.5)
    start = torch.fft.fft2(torch.randn(number, POINTS, POINTS, generator=draw, dtype=torch.float64)) * low
    grown = [torch.exp(-diffusivity.view(-1, 1, 1) * square * step * DT) for step in range(LONG)]
    q = torch.stack([torch.fft.ifft2(start * g).real for g in grown], 1)
    inverse = torch.where(square > 0, 1 / square, 0.0)
    phi = strength.view(-1, 1, 1, 1) * torch.fft.ifft2(torch.fft.fft2(q * q) * inverse).real
    return torch.stack([q, phi], 1), torch.stack([diffusivity, strength], 1)


def fitted(vary: bool, noise: float = 0.0) -> tuple[OperatorDiscovery, list[str]]:
    """A fit, with white noise as a share of each channel's standard deviation."""
    fields, _ = charged(40, vary)
    draw = torch.Generator().manual_seed(1)
    spread = fields.std((0, 2, 3, 4), keepdim=True)
    fields = fields + noise * spread * torch.randn(fields.shape, generator=draw, dtype=torch.float64)
    learner, notes = OperatorDiscovery(2, FRAMES, grades=(1, 2), largest=3), []
    learner.fit(clips(fields[:28]), clips(fields[28:]), 0, lambda note: notes.append(note) if note else None)
    return learner, notes


@pytest.fixture(scope="module")
def varying() -> tuple[OperatorDiscovery, list[str]]:
    return fitted(True)


def test_a_parameter_that_stands_in_a_relation_alone_is_read(varying):
    learner, notes = varying
    assert learner.v.shape[0] == 2
    assert any(note.startswith("channel phi follows from q of the same moment") for note in notes)
    fields, truth = charged(40, True)
    theta = torch.cat([learner.read(clip).mean for clip in clips(fields)[7:]])
    wanted = truth[28:].repeat_interleave(2, 0)
    names = [(term.target, term.name()) for term in learner.terms]
    for name, channel, value in ((("phi", "C0[q q]"), 2, wanted[:, 1]), (("", "d_xx(q)"), 0, wanted[:, 0])):
        k = names.index(name)
        found = learner.w0[k, channel] + theta @ learner.v[:, k, channel]
        torch.testing.assert_close(found, value, rtol=1e-3, atol=0)


@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_a_parameter_that_stands_in_a_relation_alone_is_read_under_noise(noise):
    learner, _ = fitted(True, noise)
    assert learner.v.shape[0] == learner.record["parameters"] == 2
    (strength,) = charged(40, True)[1][:28, 1:].log().T
    names = [(term.target, term.name()) for term in learner.terms]
    k = names.index(("phi", "C0[q q]"))
    found = (learner.w0[k, 2] + learner.theta @ learner.v[:, k, 2]).log()
    left = found - found.mean() - (strength - strength.mean())
    assert float(left.square().mean() / strength.var()) < 0.1


def test_noise_of_stacked_parts_is_that_of_their_residuals():
    draw = torch.Generator().manual_seed(0)
    parts, coefficients = [], []
    for k, c in ((3, 2), (2, 1)):
        square = torch.randn(k + c, k + c, generator=draw, dtype=torch.float64)
        zeros = torch.zeros(1, k, k).double(), torch.zeros(1, k, c).double(), torch.zeros(1, c, c).double()
        parts.append(Grams(*zeros, torch.ones(1), square @ square.T))
        coefficients.append(torch.randn(k, c, generator=draw, dtype=torch.float64))
    found = stacked(parts).noisy(torch.block_diag(*coefficients))
    wanted = torch.block_diag(*(part.noisy(w) for part, w in zip(parts, coefficients, strict=True)))
    torch.testing.assert_close(found, wanted)


def test_a_relation_is_written_without_a_derivative_of_time(varying):
    learner, _ = varying
    (relation,) = (own for own in learner.record["equation"] if own.get("relation"))
    assert relation["channel"] == "phi" and {term["name"] for term in relation["terms"]} == {"C0[q q]"}
    text = as_text(learner.record)
    assert (
        "\nphi =" in text and "C0[q q]" in text and r"\mathcal{C}_0 \mathrm{q}\, \mathrm{q}" in as_latex(learner.record)
    )


def test_a_fit_with_a_relation_is_read_back_from_its_weights(varying):
    learner, _ = varying
    again = OperatorDiscovery(2, FRAMES, grades=(1, 2), largest=3)
    again.load_state_dict(learner.state_dict())
    clip = clips(charged(4, True)[0])[0]
    assert torch.equal(learner.encode(clip), again.encode(clip))


def test_a_relation_with_the_same_numbers_everywhere_changes_nothing():
    learner, notes = fitted(False)
    assert learner.v.shape[0] == 1 and learner.record["relations"] == []
    assert not any("of the same moment" in note for note in notes)


def test_incompressibility_ties_the_components_of_a_velocity():
    draw = torch.Generator().manual_seed(4)
    k = 2 * math.pi * torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    low = (k.abs()[:, None] < 2 * math.pi * 2.5) & (k.abs() < 2 * math.pi * 2.5)
    noise = torch.randn(3, 2, FRAMES, POINTS, POINTS, generator=draw, dtype=torch.float64)
    stream, other = (torch.fft.fft2(noise) * low).unbind(1)
    u = torch.fft.ifft2(1j * k * stream).real
    v = torch.fft.ifft2(-1j * k[:, None] * stream).real
    fields = torch.stack([u, v, torch.fft.ifft2(other).real], 1)
    names = ("u", "v", "c")
    sample = FieldSample()
    sample.add(fields, torch.arange(3))
    clip = Clip(fields, torch.zeros(3, 0), names, (), DT, (1 / POINTS,) * 2, (True, True), torch.arange(3),
                torch.zeros(3, dtype=torch.long))  # fmt: skip
    geometry = geometry_of(clip, (3, 3))
    assert ties(names, sample, lambda terms: WeakRows(geometry, terms, names)) == {"u": {"v"}, "v": {"u"}, "c": set()}
