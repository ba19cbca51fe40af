"""Linear CKA of representations whose similarity is known."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.metrics.similarity import linear_cka


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_rotated_shifted_and_scaled_copy_is_the_same() -> None:
    x = draw(80, 12) * torch.linspace(0.1, 3, 12)
    rotation = torch.linalg.qr(draw(12, 12, seed=1))[0]
    assert linear_cka(x, 7 * x @ rotation + 3) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(x, x * torch.linspace(5, 0.01, 12)) < 0.9


@pytest.mark.parametrize("width", [4, 200])
def test_independent_noise_is_not_similar_however_wide(width: int) -> None:
    """The plain estimator would give about 0.8 at 200 dimensions and 60 samples."""
    values = [linear_cka(draw(60, width, seed=k), draw(60, width, seed=100 + k)) for k in range(20)]
    assert abs(sum(values) / len(values)) < 0.02
    x, y = draw(60, 200), draw(60, 200, seed=1)
    k, m = ((z - z.mean(0)) @ (z - z.mean(0)).T for z in (x, y))
    assert float((k * m).sum() / (k.norm() * m.norm())) > 0.7


def test_a_shared_part_is_found_in_between() -> None:
    shared = draw(300, 4)
    first = torch.cat([shared, draw(300, 4, seed=1)], 1)
    second = torch.cat([shared, draw(300, 4, seed=2)], 1)
    # Equal variances: half of each kernel is shared, so H(K, L)/H(K, K) = 4/8.
    assert linear_cka(first, second) == pytest.approx(0.5, abs=0.06)


def test_constant_tokens_and_other_samples() -> None:
    assert math.isnan(linear_cka(draw(10, 3), torch.full((10, 2), 4.2)))
    with pytest.raises(PhysrepError, match="same 4 or more samples"):
        linear_cka(draw(10, 3), draw(9, 3))
