"""What every encoder of the dictionary promises, and what each refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from physrep.errors import PhysrepError
from physrep.nn import ENCODERS
from physrep.nn.vit3d import sincos_positions

SMALL: dict[str, dict[str, Any]] = {
    "convnext3d": {"dims": (4, 8, 8, 8, 12), "num_res_blocks": (1, 1, 1, 1, 1), "layer_scale": 0.5},
    "videomae": {"patch": 8, "tubelet": 2, "embed_dim": 12, "depth": 2, "num_heads": 2},
    "patch_convnext3d": {"dims": (8, 8, 12), "num_res_blocks": (1, 1, 1)},
    "vit3d": {"embed_dim": 24, "depth": 2, "num_heads": 3},
    "conv3d": {"dims": (8, 8, 8, 16), "groups": 4},
    "conv2d": {"dims": (8, 8, 12), "groups": 4},
    "conv4d": {"dims": (8, 8, 12), "groups": 4},
}
CHANNELS, SHAPES = 3, {1: (16, 48), 2: (16, 32, 48), 3: (8, 16, 16, 24)}


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return ENCODERS[name](in_channels=CHANNELS, **SMALL.get(name, {}))


def shape_of(name: str) -> tuple[int, ...]:
    return SHAPES[getattr(ENCODERS[name], "space_axes", 2)]


def clips(batch: int = 2, name: str = "conv3d") -> torch.Tensor:
    return torch.randn(batch, CHANNELS, *shape_of(name), generator=torch.Generator().manual_seed(3))


@pytest.fixture(params=ENCODERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_defaults_build_and_state_their_dimension(name):
    assert ENCODERS[name](in_channels=4).embed_dim == {"videomae": 384}.get(name, 128)


def test_tokens_match_grid_and_dimension(name):
    encoder = small(name)
    tokens = encoder(clips(2, name))
    assert tokens.shape == (2, math.prod(encoder.grid(*shape_of(name))), encoder.embed_dim)


def test_clips_do_not_see_each_other(name):
    encoder, x = small(name), clips(3, name)
    torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]), rtol=1e-4, atol=1e-5)


def test_training_and_evaluation_mode_are_the_same_function(name):
    encoder, x = small(name), clips(2, name)
    assert torch.equal(encoder.eval()(x), encoder.eval()(x))
    assert torch.equal(encoder.train()(x), encoder.eval()(x))


def test_state_dict_round_trip(name):
    encoder, x = small(name), clips(2, name)
    other = ENCODERS[name](in_channels=CHANNELS, **SMALL[name])
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(x), other(x))


def test_every_parameter_has_a_finite_nonzero_gradient(name):
    encoder = small(name)
    tokens = encoder(clips(2, name))
    (tokens * torch.randn(tokens.shape, generator=torch.Generator().manual_seed(5))).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


def test_strides_of_the_input_do_not_matter(name):
    encoder, x = small(name), clips(2, name)
    other = x.movedim(1, -1).contiguous().movedim(-1, 1)
    torch.testing.assert_close(encoder(other), encoder(x), rtol=1e-4, atol=1e-5)


def test_bfloat16_autocast_is_close_and_trains(name):
    encoder, x = small(name), clips(2, name)
    exact = encoder(x).detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens = encoder(x)
        loss = tokens.float().square().mean()
    loss.backward()
    assert float((tokens.detach().float() - exact).norm() / exact.norm()) < 0.05
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


def test_time_order_matters(name):
    encoder, x = small(name), clips(2, name)
    assert not torch.allclose(encoder(x), encoder(x.flip(2)), atol=1e-3)


def test_wrong_number_of_channels(name):
    with pytest.raises(PhysrepError, match="in_channels"):
        small(name)(torch.zeros(1, CHANNELS + 1, *shape_of(name)))


@pytest.mark.parametrize("name", ["conv3d", "patch_convnext3d"])
def test_a_periodic_shift_by_a_token_shifts_the_tokens(name):
    encoder, x = small(name), clips(1)
    t, h, w = encoder.grid(*SHAPES[2])
    moved = encoder(x.roll((SHAPES[2][1] // h, 2 * SHAPES[2][2] // w), (3, 4))).unflatten(1, (t, h, w))
    expected = encoder(x).unflatten(1, (t, h, w)).roll((1, 2), (2, 3))
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["conv3d", "patch_convnext3d"])
def test_a_wall_is_not_periodic(name):
    options = {**SMALL[name], "periodic": (True, False)}
    torch.manual_seed(0)
    encoder = ENCODERS[name](in_channels=CHANNELS, **options)
    t, h, w = encoder.grid(*SHAPES[2])
    x = clips(1)
    base = encoder(x).unflatten(1, (t, h, w))
    along_h = encoder(x.roll(SHAPES[2][1] // h, 3)).unflatten(1, (t, h, w))
    along_w = encoder(x.roll(SHAPES[2][2] // w, 4)).unflatten(1, (t, h, w))
    torch.testing.assert_close(along_h, base.roll(1, 2), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(along_w, base.roll(1, 3), atol=1e-3)


def test_conv4d_moves_along_periodic_axes_and_stops_at_walls():
    torch.manual_seed(0)
    encoder = ENCODERS["conv4d"](CHANNELS, **SMALL["conv4d"], periodic=(True, True, False))
    x, grid = clips(1, "conv4d"), encoder.grid(*SHAPES[3])
    base = encoder(x).unflatten(1, grid)
    for axis in (1, 2, 3):
        moved = encoder(x.roll(SHAPES[3][axis] // grid[axis], axis + 2)).unflatten(1, grid)
        same = torch.allclose(moved, base.roll(1, axis + 1), rtol=1e-4, atol=1e-5)
        assert same == (axis < 3), axis


def test_a_stage_of_conv4d_is_its_two_convolutions():
    torch.manual_seed(0)
    stage = ENCODERS["conv4d"](2, dims=(4,), strides=((2, 2, 1, 2),), groups=2).stages[0]
    x = torch.randn(1, 2, 4, 6, 5, 6)
    frames = torch.stack(
        [F.conv3d(F.pad(x[:, :, t], (1,) * 6, "circular"), stage.space.weight, stage.space.bias, (2, 1, 2))
         for t in range(4)], 2
    )  # fmt: skip
    padded = F.gelu(frames)[:, :, [0, 0, 1, 2, 3]]  # time repeats its first frame
    wanted = torch.stack(
        [sum(torch.einsum("ed,bdxyz->bexyz", stage.time.weight[..., i, 0], padded[:, :, 2 * t + i]) for i in range(3))
         for t in range(2)], 2
    ) + stage.time.bias.view(1, -1, 1, 1, 1, 1)  # fmt: skip
    wanted = F.gelu(stage.norm(wanted.flatten(2)).view_as(wanted))
    found = stage(x.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 3, 16, 8, 64), (1, 3, 8, 32, 32)])
def test_convnext3d_refuses_impossible_sizes(shape):
    with pytest.raises(PhysrepError, match=r"at least 16x16|num_frames"):
        small("convnext3d")(torch.zeros(shape))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("convnext3d", {"num_frames": 12}, "power of two"),
        ("convnext3d", {"num_frames": 32}, "need 6 stages"),
        ("convnext3d", {"dims": (8, 8)}, "2 stages"),
        ("vit3d", {"embed_dim": 30}, "multiple of num_heads"),
        ("vit3d", {"patch": (4, 8)}, "three positive numbers"),
        ("conv3d", {"dims": (8, 8)}, "one of each per stage"),
        ("conv3d", {"groups": 7}, "divisor"),
        ("conv3d", {"periodic": (True,)}, "2 spatial axes"),
        ("conv3d", {"dims": (8,), "strides": ((1, 4, 4),)}, "skips points"),
        ("conv4d", {"dims": (8, 8)}, "one of each per stage"),
        ("conv4d", {"groups": 7}, "divisor"),
        ("conv4d", {"periodic": (True, False)}, "3 spatial axes"),
        ("conv4d", {"dims": (8,), "strides": ((2, 2, 2),)}, "four positive numbers"),
        ("patch_convnext3d", {"dims": (8, 8)}, "per stage"),
        ("patch_convnext3d", {"kernel_size": 4}, "odd"),
    ],
)
def test_impossible_options(name, options, message):
    with pytest.raises(PhysrepError, match=message):
        ENCODERS[name](in_channels=2, **options)


def test_sizes_that_do_not_fit_the_patch():
    with pytest.raises(PhysrepError, match="multiple of the patch 4x8x8"):
        small("vit3d")(torch.zeros(1, CHANNELS, 16, 30, 32))
    with pytest.raises(PhysrepError, match="smaller than one token"):
        small("patch_convnext3d")(torch.zeros(1, CHANNELS, 4, 32, 32))


@pytest.mark.parametrize(("num_frames", "stages"), [(1, 2), (2, 3), (4, 4), (4, 5), (8, 4), (16, 5), (16, 6)])
def test_convnext3d_other_numbers_of_frames(num_frames, stages):
    encoder = ENCODERS["convnext3d"](2, dims=(4,) * stages, num_res_blocks=(1,) * stages, num_frames=num_frames)
    size = 2 ** (stages - 1)
    assert encoder(torch.randn(1, 2, num_frames, size, 2 * size)).shape == (1, 2, 4)


def test_at_initialisation_the_published_blocks_are_the_identity():
    encoder = ENCODERS["convnext3d"](2, dims=(4, 4), num_res_blocks=(1, 1), num_frames=2)
    block = encoder.res_blocks[0]
    x = torch.randn(1, 2, 4, 4, 4)
    torch.testing.assert_close(block(x), x, rtol=0, atol=1e-4)
    assert not torch.equal(block(x), x)


def test_positions_tell_all_grid_points_apart():
    code = sincos_positions((3, 5, 7), 24)
    distance = torch.cdist(code, code) + torch.eye(len(code)) * 10
    assert code.shape == (105, 24)
    assert distance.min() > 0.1
    # The code of a point does not depend on how large the grid is.
    assert torch.equal(code.view(3, 5, 7, 24)[:2, :2, :2], sincos_positions((2, 2, 2), 24).view(2, 2, 2, 24))
