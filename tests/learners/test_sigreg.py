"""SIGReg: its expectation for normal rows, a value by hand, what it sees of collapse, fresh slices, float32, memory."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from physrep.errors import PhysrepError
from physrep.learners import JEPA
from physrep.learners.sigreg import SIGReg
from tests.helpers.learner_clips import CONV, make_clip


def statistic(z: Tensor, **options) -> float:
    torch.manual_seed(0)
    module = SIGReg(**options)
    return float(module.statistic(z, module.directions(z.shape[1])))


def normal(rows: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


def test_normal_rows_have_the_expected_value() -> None:
    exact = math.sqrt(2 * math.pi) * (1 - 1 / math.sqrt(3))
    assert SIGReg(knots=101, limit=8.0).expected() == pytest.approx(exact, rel=1e-6)
    assert SIGReg().expected() == pytest.approx(exact, rel=0.02)
    values = [statistic(normal(400, 8, seed)) for seed in range(20)]
    assert sum(values) / 20 == pytest.approx(SIGReg().expected(), rel=0.15)


def test_a_value_by_hand() -> None:
    # Two rows at +1 and -1 in one dimension: the characteristic function is cos t.
    t = torch.linspace(-5, 5, 17, dtype=torch.float64)
    gauss = torch.exp(-t.square() / 2)
    expected = 2 * torch.trapezoid(gauss * (t.cos() - gauss).square(), t)
    assert statistic(torch.tensor([[1.0], [-1.0]]), slices=1) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    "rows",
    [
        torch.zeros(400, 8),
        normal(400, 1).expand(-1, 8),  # one direction
        torch.rand(400, 8, generator=torch.Generator().manual_seed(1)),
        3 * normal(400, 8),
        torch.sign(normal(400, 1)) * torch.ones(400, 8) + 0.01 * normal(400, 8),  # two clusters
    ],
)
def test_what_is_not_normal_is_seen(rows: Tensor) -> None:
    assert statistic(rows) > 5 * SIGReg().expected()


def test_the_gradient_pushes_collapsed_rows_apart() -> None:
    z = (1e-2 * normal(200, 8)).requires_grad_()
    torch.manual_seed(0)
    module = SIGReg()
    optimiser = torch.optim.Adam([z], lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        module.statistic(z, module.directions(8)).backward()
        optimiser.step()
    assert 0.8 < float(z.detach().std(0).mean()) < 1.2 and statistic(z.detach()) < 2 * SIGReg().expected()


def test_slices_are_fresh_in_training_and_fixed_in_evaluation() -> None:
    module = SIGReg(slices=4)
    assert not torch.equal(module.directions(5), module.directions(5))
    module.eval()
    assert torch.equal(module.directions(5), module.directions(5))
    torch.testing.assert_close(module.directions(5).norm(dim=0), torch.ones(4))


def test_rows_are_tokens_not_whole_clips() -> None:
    module = SIGReg(slices=8).eval()
    x, y = normal(6 * 10, 4).view(6, 10, 4), normal(6 * 10, 4, 1).view(6, 10, 4)
    flat = module(x.flatten(0, 1), y.flatten(0, 1))
    assert all(torch.equal(value, flat[name]) for name, value in module(x, y).items())
    with pytest.raises(PhysrepError, match="one row"):
        module(x[:1, :1], y[:1, :1])


def test_float32_under_autocast_and_chunks_change_nothing() -> None:
    x, y = normal(50, 6), normal(50, 6, 1)
    module = SIGReg(slices=10, chunk=3).eval()
    exact = module(x, y)["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = module(x, y)["loss"]
    assert inside.dtype == torch.float32 and torch.equal(inside, exact)
    torch.testing.assert_close(SIGReg(slices=10, chunk=10).eval()(x, y)["loss"], exact)
    weighted = SIGReg(weight=1.0, slices=10).eval()(x, y)
    torch.testing.assert_close(weighted["loss"], (weighted["gauss_x"] + weighted["gauss_y"]) / 2)
    torch.testing.assert_close(SIGReg(weight=0.0).eval()(x, y)["loss"], (x - y).square().mean())


@pytest.mark.parametrize("level", ["token", "clip"])
def test_jepa_takes_it_by_name(level: str) -> None:
    torch.manual_seed(0)
    learner = JEPA(3, 8, **CONV, level=level, regulariser={"name": "sigreg", "slices": 16})
    terms = learner.loss(make_clip(batch=4, frames=16))
    terms["loss"].backward()
    assert isinstance(learner.regulariser, SIGReg) and terms["gauss_x"] > 0
    assert isinstance(JEPA(3, 8, **CONV, regulariser="sigreg").regulariser, SIGReg)
    with pytest.raises(PhysrepError, match="did you mean 'sigreg'"):
        JEPA(3, 8, **CONV, regulariser={"name": "sigrek"})
    with pytest.raises(PhysrepError, match="between 0 and 1"):
        SIGReg(weight=2.0)
