"""Fields on three axes of space: floors, objectives on conv4d, operator discovery; and what refuses them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS, OperatorDiscovery
from physrep.learners.operator_discovery.library import library, orders
from physrep.learners.operator_discovery.views import half_views
from physrep.nn.patches import from_blocks, to_blocks

SIZE, FRAMES = (8, 12, 16), 8
LENGTHS = (1.0, 1.5, 2.0)
SMALL = {"encoder": "conv4d", "encoder_options": {"dims": (8, 12), "strides": ((2, 2, 2, 2),) * 2, "groups": 4}}
OBJECTIVES = ("jepa", "masked_pixels", "next_frame", "operator", "supervised", "symmetry")
FLAT = ("masked_jepa", "videomae", "mpp", "disco", "video_pixels", "scattering")


def axes(size=SIZE, lengths=LENGTHS):
    points = [torch.arange(n, dtype=torch.float64) * (length / n) for n, length in zip(size, lengths, strict=True)]
    return torch.meshgrid(*points, indexing="ij")


def clip_of(fields: torch.Tensor, dt: float = 0.1, lengths=LENGTHS) -> Clip:
    dx = tuple(length / n for length, n in zip(lengths, fields.shape[3:], strict=True))
    index = torch.arange(len(fields))
    channels = ("a", "b")[: fields.shape[1]]
    parameters = torch.rand(len(fields), 1, generator=torch.Generator().manual_seed(1)) + 0.1
    return Clip(fields, parameters, channels, ("nu",), dt, dx, (True,) * 3, index, index * 0)


def noise(batch: int = 3, frames: int = FRAMES) -> Clip:
    return clip_of(torch.randn(batch, 2, frames, *SIZE, generator=torch.Generator().manual_seed(0)))


def learner_of(name: str):
    torch.manual_seed(0)
    return LEARNERS[name](
        2, num_frames=FRAMES, **SMALL, **({"parameters": {"nu": "log"}} if name == "supervised" else {})
    )


def test_blocks_of_three_axes_are_cut_out_and_put_back():
    x = noise().fields
    blocks = to_blocks(x, (4, 2, 3, 2))
    assert blocks.shape == (3, 48, 2 * 4 * 4 * 8 * 2)
    assert torch.equal(blocks[1, 3, :2], x[1, :, 0, 0, 4, 8])  # token (0, 0, 1, 1), channel fastest
    assert torch.equal(from_blocks(blocks, (4, 2, 3, 2), (2, 4, 4, 8)), x)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_teach_the_encoder(name):
    learner = learner_of(name)
    clip = noise(4, learner.train_frames)
    learner.loss(clip)["loss"].backward()
    gradients = [p.grad for p in learner.encoder.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert sum(float(g.abs().max()) > 0 for g in gradients) >= len(gradients) - 2
    assert learner.encode(noise()).shape == (3, 2 * 2 * 3 * 4, 12)


def test_a_step_of_the_operator_sees_the_third_axis():
    learner = learner_of("operator")
    u = noise().fields[:, :, 0]
    z = torch.randn(3, 12, generator=torch.Generator().manual_seed(2))
    moved = learner.predict(z, u.roll(2, 4), (True,) * 3)
    torch.testing.assert_close(moved, learner.predict(z, u, (True,) * 3).roll(2, 5), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(moved, learner.predict(z, u.roll(2, 4), (True, True, False)), atol=1e-5)


@pytest.mark.parametrize("name", FLAT)
def test_what_reads_planes_refuses_space_in_a_sentence(name):
    options = {"encoder": "conv3d"} if name == "masked_jepa" else {}
    with pytest.raises(PhysrepError, match="2 axes of space, the data have 3"):
        LEARNERS[name](2, num_frames=FRAMES, **options).encode(noise())


def test_encoders_name_each_other():
    with pytest.raises(PhysrepError, match="need conv4d"):
        LEARNERS["random"](2, num_frames=FRAMES, encoder="conv3d").encode(noise())
    with pytest.raises(PhysrepError, match="encoder of two axes"):
        LEARNERS["random"](2, num_frames=FRAMES, encoder="conv4d").encode(
            replace(noise(), fields=noise().fields[..., 0])
        )


def test_statistics_of_a_wave_along_the_third_axis():
    *_, z = axes()
    wave = torch.sin(2 * math.pi * z / LENGTHS[2]).float().expand(1, 1, FRAMES, *SIZE)
    token = LEARNERS["statistics"](1, FRAMES).encode(clip_of(wave))[0, 0]
    k, dz = 2 * math.pi / LENGTHS[2], LENGTHS[2] / SIZE[2]
    difference = 2 * math.sin(k * dz / 2) / dz / math.sqrt(2)
    assert token.shape == (13,)
    torch.testing.assert_close(token[3:8], torch.tensor([0.5**0.5, 0.0, 0.0, difference, 0.0]), rtol=1e-4, atol=1e-5)


def test_spectra_put_a_wave_into_its_shell():
    x, y, z = axes()
    k = [2 * math.pi * m / length for m, length in zip((1, 2, 3), LENGTHS, strict=True)]
    wave = torch.cos(k[0] * x + k[1] * y + k[2] * z).float().expand(1, 1, FRAMES, *SIZE)
    floor = LEARNERS["spectra"](1, FRAMES, bins=6)
    rings = floor.encode(clip_of(wave))[0, 0, :6].exp()
    largest = math.pi / max(length / n for length, n in zip(LENGTHS, SIZE, strict=True))
    shell = math.ceil(math.sqrt(sum(v**2 for v in k)) / largest * 6) - 1
    assert float(rings[shell]) == pytest.approx(0.5, rel=1e-4) and float(rings.sum()) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("name", ["statistics", "pixels", "spectra", "classical", "bispectrum", "dynamic_modes"])
def test_floors_read_space_and_say_how_much(name):
    options = (
        {"grid": (2, 2, 2)} if name == "pixels" else {"parts": ["half_grids", "modes"]} if name == "classical" else {}
    )
    floor = LEARNERS[name](2, num_frames=FRAMES, **options)
    tokens = floor.encode(noise())
    assert tokens.shape == (3, 1, floor.embed_dim) and tokens.isfinite().all()
    assert not torch.allclose(tokens[0], tokens[1])


def test_orders_of_two_axes_are_as_they_were_and_space_has_ten():
    assert orders(2) == [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    assert len(orders(3)) == 10 and len({term.name() for term in library(["a"], False, (1,), 3)}) == 11


def test_half_views_of_a_band_limited_field_are_the_field():
    n = (8, 8, 12)
    x, y, z = axes(n, (1.0, 1.0, 1.0))
    field = torch.cos(2 * math.pi * (x + y - 2 * z)) + torch.sin(4 * math.pi * y)
    for view in half_views(field, (True,) * 3):
        torch.testing.assert_close(view, field, rtol=0, atol=1e-10)


def diffusing(number: int, seed: int, dt: float = 0.02, frames: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Exact solutions of ``∂ₜa = D (∂ₓₓ + ∂_yy + ∂_zz) a - v ∂_z a`` on 12³ points, and (D, v)."""
    draw, n = torch.Generator().manual_seed(seed), 12
    D, v = 0.003 + 0.02 * torch.rand(number, generator=draw, dtype=torch.float64), torch.full((number,), 0.3)
    k = 2 * math.pi * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    square = k[:, None, None] ** 2 + k[:, None] ** 2 + k**2
    spectrum = torch.fft.fftn(torch.randn(number, n, n, n, generator=draw, dtype=torch.float64), dim=(1, 2, 3))
    spectrum = spectrum * (square < (2 * math.pi * 3.5) ** 2)
    rate = -D.view(-1, 1, 1, 1) * square - 1j * v.view(-1, 1, 1, 1) * k
    states = [torch.fft.ifftn(spectrum * torch.exp(rate * step * dt), dim=(1, 2, 3)).real for step in range(frames)]
    return torch.stack(states, 1).unsqueeze(1), D


def test_operator_discovery_finds_diffusion_in_space():
    def batches(fields, first=0):
        found = []
        for begin in range(0, len(fields), 4):
            part = torch.cat([fields[begin : begin + 4, :, s : s + FRAMES] for s in (0, 8)])
            number = torch.arange(begin, begin + len(part) // 2).repeat(2) + first
            found.append(replace(clip_of(part, 0.02, (1.0,) * 3), trajectory=number))
        return found

    train, _ = diffusing(16, 0)
    valid, _ = diffusing(4, 1)
    test, D = diffusing(6, 2)
    learner, notes = OperatorDiscovery(1, FRAMES, grades=(1, 2, 4), largest=2), []
    learner.set_normalisation(["a"], [0.0], [float(train.std())])
    learner.fit(batches(train), batches(valid, 16), 0, notes.append)
    assert any("two axes of space, these are 3" in note for note in notes)
    record = learner.record
    terms = {term["name"]: term for term in record["equation"][0]["terms"]}
    assert record["curve"][record["best"]]["directions"] == 1 and set(terms) == {
        "d_xx(a)",
        "d_yy(a)",
        "d_zz(a)",
        "d_z(a)",
    }
    assert terms["d_z(a)"]["constant"] == pytest.approx(-0.3, rel=1e-3) and not any(terms["d_z(a)"]["directions"])
    token = learner.encode(clip_of(test[:, :, :FRAMES], 0.02, (1.0,) * 3))[:, 0, 0].double()
    assert abs(torch.corrcoef(torch.stack([token, D]))[0, 1]) > 0.9999
