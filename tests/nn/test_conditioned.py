"""An encoder that is told time step and spacing: the same as without at the start, per clip, copied whole."""

from __future__ import annotations

import copy

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import JEPA
from physrep.learners.build_encoder import build_encoder
from physrep.nn import ENCODERS, ConvStack3D
from physrep.nn.conditioned import ConditionedEncoder
from physrep.tokens.encoder_hash import encoder_hash
from tests.helpers.small_data import TINY_ENCODER

SMALL = dict(TINY_ENCODER["encoder_options"])


def conditioned(**options) -> ConditionedEncoder:
    torch.manual_seed(0)
    encoder = build_encoder(TINY_ENCODER["encoder"], 2, 4, {**SMALL, "reads_units": True, **options})
    assert isinstance(encoder, ConditionedEncoder)
    return encoder


def bent(encoder: ConditionedEncoder) -> ConditionedEncoder:
    """With scales and shifts that are not 0, as after training."""
    torch.manual_seed(1)
    for film in [encoder.first, encoder.last, *encoder.films]:
        torch.nn.init.normal_(film.head.weight, std=0.5)
    encoder.train()
    encoder.set_units(0.1, [1.0, 1.0])
    return encoder.eval()


def test_it_begins_as_the_encoder_without() -> None:
    torch.manual_seed(0)
    plain = build_encoder(TINY_ENCODER["encoder"], 2, 4, SMALL)
    encoder, x = conditioned(), torch.randn(3, 2, 4, 16, 16)
    encoder.set_units(0.3, [1.0, 2.0])
    assert torch.equal(encoder(x), plain(x))
    assert isinstance(plain, ConvStack3D)
    assert encoder.grid(4, 16, 16) == plain.grid(4, 16, 16)
    assert encoder.embed_dim == plain.embed_dim


def test_tokens_follow_units_clip_by_clip() -> None:
    encoder, x = bent(conditioned()), torch.randn(3, 2, 4, 16, 16)
    at = {}
    for dt in (0.1, 0.3):
        encoder.set_units(dt, [1.0, 1.0])
        at[dt] = encoder(x)
    assert not torch.allclose(at[0.1], at[0.3], atol=1e-3)
    encoder.set_units([0.3, 0.1, 0.3], [1.0, 1.0])
    mixed = encoder(x)
    for row, dt in enumerate((0.3, 0.1, 0.3)):
        assert torch.allclose(mixed[row], at[dt][row], atol=1e-5)
    encoder.set_units(0.1, [1.0, 2.0])
    assert not torch.allclose(encoder(x), at[0.1], atol=1e-3)


def test_a_copy_is_told_by_itself_and_the_hash_does_not_change() -> None:
    encoder, x = bent(conditioned()), torch.randn(2, 2, 4, 16, 16)
    before, tokens = encoder_hash(encoder), encoder(x)
    other = copy.deepcopy(encoder)
    other.set_units(0.4, [1.0, 1.0])
    assert not torch.allclose(other(x), tokens, atol=1e-3)
    assert torch.equal(encoder(x), tokens)
    assert encoder_hash(encoder) == encoder_hash(other) == before


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"conv2d", "conv4d", "conv3d", "videomae"}))
def test_every_encoder_can_carry_it(name: str) -> None:
    encoder = build_encoder(name, 2, 8, {"reads_units": True})
    assert isinstance(encoder, ConditionedEncoder)
    bent(encoder)
    x, found = torch.randn(1, 2, 8, 64, 64), []
    with torch.no_grad():
        for dt in (0.1, 0.3):
            encoder.set_units(dt, [1.0, 1.0])
            found.append(encoder(x))
    assert not torch.allclose(found[0], found[1], atol=1e-3)


def test_what_is_wrong_is_refused() -> None:
    encoder = conditioned()
    with pytest.raises(PhysrepError, match="2 axes"):
        encoder.set_units(0.1, [1.0])
    with pytest.raises(PhysrepError, match="must be positive"):
        encoder.set_units(0.0, [1.0, 1.0])
    encoder.train().set_units([0.1, 0.2], [1.0, 1.0])
    with pytest.raises(PhysrepError, match="time steps of 2 clips"):
        encoder(torch.randn(3, 2, 4, 16, 16))


def test_a_learner_with_it_is_told() -> None:
    options = {**TINY_ENCODER, "encoder_options": {**SMALL, "reads_units": True}}
    assert JEPA(2, 4, **options).told_units
    assert not JEPA(2, 4, **TINY_ENCODER).told_units
