import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.metrics import COLLAPSE, channel_std, effective_rank, participation_ratio


def test_channel_std_by_hand():
    tokens = torch.tensor([[[1.0, 2.0], [3.0, 2.0]]])
    assert channel_std(tokens).tolist() == [1.0, 0.0]
    assert COLLAPSE["channel_std"](tokens) == 0.5


def test_effective_rank_by_hand():
    # Singular values 3 and 1: p = 3/4, 1/4.
    expected = math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(expected)
    assert effective_rank(torch.eye(5)) == pytest.approx(5)
    assert effective_rank(torch.ones(7, 5)) == pytest.approx(1, abs=1e-5)
    assert effective_rank(torch.zeros(7, 5)) == 0


def test_participation_ratio_by_hand():
    # Covariance eigenvalues proportional to 4 and 1: 25 / 17.
    tokens = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) + 5
    assert participation_ratio(tokens) == pytest.approx(25 / 17)
    assert participation_ratio(torch.full((9, 4), 0.1)) == 0
    assert math.isnan(participation_ratio(torch.ones(1, 4)))


def test_a_collapsed_channel_lowers_every_measure():
    tokens = torch.randn(4, 50, 8, generator=torch.Generator().manual_seed(0))
    collapsed = tokens.clone()
    collapsed[..., 4:] = collapsed[..., :4]
    collapsed[..., 0] = 0
    for measure in COLLAPSE.values():
        assert measure(collapsed) < measure(tokens)


@pytest.mark.parametrize("measure", COLLAPSE.values(), ids=COLLAPSE.keys())
def test_nan_is_named(measure):
    with pytest.raises(PhysrepError, match="NaN"):
        measure(torch.full((2, 3), torch.nan))
