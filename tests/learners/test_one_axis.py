"""Fields on one axis of space, as of the Burgers equation: floors, objectives on conv2d, operator discovery."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS, OperatorDiscovery
from physrep.nn.patches import from_blocks, to_blocks

POINTS, FRAMES = 32, 8
SMALL = {"encoder": "conv2d", "encoder_options": {"dims": (8, 12), "strides": ((2, 2),) * 2, "groups": 4}}


def clip_of(fields: torch.Tensor, dt: float = 0.1, length: float = 1.0, periodic: bool = True) -> Clip:
    index = torch.arange(len(fields))
    parameters = torch.rand(len(fields), 1, generator=torch.Generator().manual_seed(1)) + 0.1
    return Clip(
        fields, parameters, ("a", "b")[: fields.shape[1]], ("nu",), dt, (length / fields.shape[3],), (periodic,),
        index, index * 0,
    )  # fmt: skip


def noise(batch: int = 3, frames: int = FRAMES) -> Clip:
    return clip_of(torch.randn(batch, 2, frames, POINTS, generator=torch.Generator().manual_seed(0)))


def learner_of(name: str):
    torch.manual_seed(0)
    own = {"parameters": {"nu": "log"}} if name == "supervised" else {}
    return LEARNERS[name](2, num_frames=FRAMES, **SMALL, **own)


def test_blocks_of_one_axis_are_cut_out_and_put_back():
    x = noise().fields
    blocks = to_blocks(x, (4, 8))
    assert blocks.shape == (3, 32, 2 * 2 * 4) and torch.equal(blocks[1, 9, :2], x[1, :, 2, 4])
    assert torch.equal(from_blocks(blocks, (4, 8), (2, 4)), x)


@pytest.mark.parametrize("name", ["jepa", "masked_pixels", "next_frame", "operator", "supervised", "symmetry"])
def test_objectives_teach_the_encoder(name):
    learner = learner_of(name)
    learner.loss(noise(4, learner.train_frames))["loss"].backward()
    gradients = [p.grad for p in learner.encoder.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert sum(float(g.abs().max()) > 0 for g in gradients) >= len(gradients) - 2
    assert learner.encode(noise()).shape == (3, 2 * 8, 12)


def test_a_shift_by_a_token_moves_tokens_around_a_periodic_axis_only():
    clip = noise()
    moved = replace(clip, fields=clip.fields.roll(4, 3))
    for periodic in (True, False):
        torch.manual_seed(0)
        encoder = LEARNERS["random"](
            2, num_frames=FRAMES, encoder="conv2d", encoder_options={**SMALL["encoder_options"], "periodic": periodic}
        )
        tokens, other = (encoder.encode(c).unflatten(1, (2, 8)) for c in (clip, moved))
        assert torch.allclose(tokens.roll(1, 2), other, atol=1e-5) == periodic


def test_encoders_name_each_other():
    with pytest.raises(PhysrepError, match="fields on 1 axis of space need conv2d"):
        LEARNERS["random"](2, num_frames=FRAMES, encoder="conv3d").encode(noise())
    with pytest.raises(PhysrepError, match="2 axes of space, the data have 1"):
        LEARNERS["scattering"](2, num_frames=FRAMES).encode(noise())


@pytest.mark.parametrize("name", ["statistics", "pixels", "spectra", "classical", "bispectrum", "dynamic_modes"])
def test_floors_read_one_axis_and_say_how_much(name):
    floor = LEARNERS[name](2, num_frames=FRAMES)
    tokens = floor.encode(noise())
    assert tokens.shape == (3, 1, floor.embed_dim) and tokens.isfinite().all()
    assert not torch.allclose(tokens[0], tokens[1])


def test_spectra_put_a_wave_into_its_ring():
    x = torch.arange(POINTS) / POINTS
    wave = torch.cos(2 * math.pi * 5 * x).expand(1, 1, FRAMES, POINTS)
    rings = LEARNERS["spectra"](1, FRAMES, bins=8).encode(clip_of(wave))[0, 0, :8].exp()
    assert float(rings[2]) == pytest.approx(0.5, rel=1e-4) and float(rings.sum()) == pytest.approx(0.5, rel=1e-4)


def diffusing(number: int, seed: int, dt: float = 0.02, frames: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Exact solutions of ``∂ₜa = D ∂ₓₓ a - 0.3 ∂ₓ a`` on 32 points, and D."""
    draw = torch.Generator().manual_seed(seed)
    D = 0.003 + 0.02 * torch.rand(number, generator=draw, dtype=torch.float64)
    k = 2 * math.pi * torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    spectrum = torch.fft.fft(torch.randn(number, POINTS, generator=draw, dtype=torch.float64)) * (k.abs() < 40)
    rate = -D.view(-1, 1) * k**2 - 0.3j * k
    states = [torch.fft.ifft(spectrum * torch.exp(rate * step * dt)).real for step in range(frames)]
    return torch.stack(states, 1).unsqueeze(1), D


@pytest.mark.parametrize("periodic", [True, False])
def test_operator_discovery_finds_the_equation(periodic):
    def batches(fields, first=0):
        found = []
        for begin in range(0, len(fields), 4):
            part = torch.cat([fields[begin : begin + 4, :, s : s + FRAMES] for s in (0, 8)])
            number = torch.arange(begin, begin + len(part) // 2).repeat(2) + first
            found.append(replace(clip_of(part, 0.02, periodic=periodic), trajectory=number))
        return found

    train, _ = diffusing(16, 0)
    valid, _ = diffusing(4, 1)
    test, D = diffusing(6, 2)
    learner = OperatorDiscovery(1, FRAMES, grades=(1, 2), largest=2)
    learner.set_normalisation(["a"], [0.0], [float(train.std())])
    learner.fit(batches(train), batches(valid, 16), 0, lambda note: None)
    record = learner.record
    terms = {term["name"]: term for term in record["equation"][0]["terms"]}
    assert record["curve"][record["best"]]["directions"] == 1 and set(terms) == {"d_xx(a)", "d_x(a)"}
    assert terms["d_x(a)"]["constant"] == pytest.approx(-0.3, rel=1e-2)
    token = learner.encode(clip_of(test[:, :, :FRAMES], 0.02, periodic=periodic))[:, 0, 0].double()
    assert abs(torch.corrcoef(torch.stack([token, D]))[0, 1]) > 0.999
