"""Masked pixels: tubes, loss on hidden pixels only, what the encoder may see, amplitude, accumulation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from physrep.errors import PhysrepError
from physrep.learners import MaskedPixels, VideoMAE
from physrep.learners.masked_pixels import normalised, visible_positions
from physrep.nn.patches import block_size, from_blocks, to_blocks, tube_mask
from tests.helpers.learner_clips import SMALL_CONV, make_clip

VIT: dict[str, Any] = {
    "encoder": "vit3d",
    "encoder_options": {"patch": (2, 8, 8), "embed_dim": 12, "num_heads": 2, "depth": 1},
}
GRID = (4, 2, 3)  # of clips of 8 frames of 16 x 24 points


def learner_of(kind: str, **options: Any) -> MaskedPixels | VideoMAE:
    torch.manual_seed(0)
    if kind == "videomae":
        sizes = {"embed_dim": 12, "depth": 1, "num_heads": 2, "decoder_dim": 8, "decoder_depth": 1, "decoder_heads": 2}
        return VideoMAE(3, 8, patch=8, **sizes, **options)
    return MaskedPixels(3, 8, **(VIT if kind == "vit" else SMALL_CONV), decoder_dim=16, decoder_depth=1, **options)


def grid_of(learner: MaskedPixels | VideoMAE, x: Tensor) -> tuple[int, int, int]:
    return learner.encoder.grid(*x.shape[2:])


def test_blocks_are_cut_out_and_put_back() -> None:
    x = make_clip().fields
    blocks = to_blocks(x, GRID)
    assert blocks.shape == (3, 24, 2 * 8 * 8 * 3)
    # Channel fastest, then W, H, time; tokens row-major in (t, h, w).
    assert torch.equal(blocks[1, 4, :3], x[1, :, 0, 8, 8]) and torch.equal(blocks[1, 4, 3:6], x[1, :, 0, 8, 9])
    assert torch.equal(from_blocks(blocks, GRID, (2, 8, 8)), x)
    with pytest.raises(PhysrepError, match="no multiple of its token grid"):
        block_size((4, 2, 3), (8, 16, 25))


def test_tubes_hide_the_same_places_at_all_times() -> None:
    torch.manual_seed(0)
    mask = tube_mask(50, (4, 6, 8), 0.9).view(50, 4, 48)
    assert bool((mask == mask[:, :1]).all()) and set(mask[:, 0].sum(1).tolist()) == {43}
    assert float(mask[:, 0].float().mean(0).min()) > 0.7  # every place is hidden in most clips
    assert not torch.equal(mask[0], mask[1])
    visible, hidden = visible_positions(mask[:, 0])
    assert visible.shape == (50, 5) and hidden.shape == (50, 43)
    assert not mask[:, 0].gather(1, visible).any() and mask[:, 0].gather(1, hidden).all()
    assert bool((visible.diff(dim=1) > 0).all())
    with pytest.raises(PhysrepError, match="masks 0 of 4"):
        tube_mask(1, (1, 2, 2), 0.2)


@pytest.mark.parametrize("kind", ["vit", "conv", "videomae"])
def test_what_is_hidden_is_not_seen_and_what_is_seen_is_not_scored(kind: str) -> None:
    learner, x = learner_of(kind, normalise_targets=False).eval(), make_clip().fields
    grid = grid_of(learner, x)
    torch.manual_seed(0)
    mask = tube_mask(len(x), grid, 0.5)
    points = from_blocks(
        mask.unsqueeze(2).expand(-1, -1, to_blocks(x, grid).shape[2] // 3), grid, block_size(grid, (8, 16, 24))
    )

    def predicted(fields: Tensor) -> Tensor:
        return (
            learner.reconstruct(fields, mask) if isinstance(learner, VideoMAE) else learner._decode(fields, mask, grid)
        )

    other = torch.where(points, x + 3, x)
    torch.testing.assert_close(predicted(other), predicted(x))
    # The loss is the mean squared error of the hidden blocks by hand.
    target = to_blocks(x, grid)[mask]
    found = predicted(x)
    found = found.flatten(0, 1) if isinstance(learner, VideoMAE) else found[mask]
    torch.testing.assert_close(learner.masked_loss(x, mask)["loss"], (found - target).square().mean())


def test_amplitude_is_hidden_by_normalised_targets_only() -> None:
    blocks = to_blocks(make_clip().fields, GRID)
    same = normalised(5 * blocks + 2, 3)
    torch.testing.assert_close(same, normalised(blocks, 3), atol=1e-4, rtol=1e-4)
    points = normalised(blocks, 3).unflatten(2, (-1, 3))
    torch.testing.assert_close(points.mean(2), torch.zeros(3, 24, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(points.std(2), torch.ones(3, 24, 3), atol=1e-4, rtol=0)
    assert MaskedPixels(3, 8, **VIT).normalise_targets is False and learner_of("videomae").normalise_targets is True


@pytest.mark.parametrize("kind", ["vit", "conv", "videomae"])
def test_accumulated_gradients_are_those_of_the_large_batch(kind: str) -> None:
    learner, x = learner_of(kind), make_clip(batch=4).fields
    mask = tube_mask(4, grid_of(learner, x), 0.5)

    def gradients(*parts: slice) -> dict[str, Tensor]:
        learner.zero_grad()
        for part in parts:
            (learner.masked_loss(x[part], mask[part])["loss"] / len(parts)).backward()
        return {n: p.grad.clone() for n, p in learner.named_parameters() if p.grad is not None}

    whole, halves = gradients(slice(0, 4)), gradients(slice(0, 2), slice(2, 4))
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, atol=1e-5, rtol=1e-3)


def test_an_encoder_without_a_grid_is_refused() -> None:
    class Flat(nn.Module):
        embed_dim = 4

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).unsqueeze(2).expand(-1, -1, 4)

    with pytest.raises(PhysrepError, match="has no method grid"):
        MaskedPixels(3, 8, Flat())


def test_a_resolution_that_tokens_do_not_divide() -> None:
    with pytest.raises(PhysrepError, match="no multiple"):
        learner_of("conv").loss(make_clip(size=(18, 24)))


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_the_loss_itself_normalises_its_targets(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = make_clip().fields
    errors = {}
    for normalise in (True, False):
        learner = learner_of(kind, normalise_targets=normalise).eval()
        grid = learner.token_blocks(x)
        width = to_blocks(x, grid).shape[2]
        monkeypatch.setattr(learner, "_decode", lambda x, mask, grid, width=width: x.new_zeros(*mask.shape, width))
        mask = tube_mask(len(x), learner.grid(x), 0.75, x.device)
        errors[normalise] = [float(learner.masked_loss(fields, mask)["loss"]) for fields in (x, 5 * x + 2)]
    # Against zeros the error is the mean square of the targets: normalised, that of no unit.
    assert errors[True][0] == pytest.approx(errors[True][1], rel=1e-3) and 0.5 < errors[True][0] < 1.5
    assert errors[False][1] > 5 * errors[False][0]
