"""MPP: channels by name, boundaries by axis, fresh columns, released checkpoints in both layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.checkpoints import read_tensors
from physrep.checkpoints.mpp import convert
from physrep.errors import PhysrepError
from physrep.learners import MPP
from physrep.nn.avit import AViT, standardise
from physrep.nn.relative_bias import position_buckets
from tests.helpers.golden import assert_close, golden_cases, golden_directory, tensors
from tests.helpers.learner_clips import CHANNELS, make_clip

SMALL: dict[str, Any] = {"patch": 4, "embed_dim": 24, "depth": 2, "num_heads": 2, "layer_scale": 0.5}


def small(**options: Any) -> MPP:
    torch.manual_seed(0)
    return MPP(3, 8, **{**SMALL, **options}).eval()


def test_columns_follow_the_names_not_the_positions() -> None:
    clip = make_clip(frames=8)
    columns = {"tracer": 4, "pressure": 0, "velocity_x": 2}
    learner = small(columns=columns, states=6)
    learner.set_normalisation(CHANNELS, (0, 0, 0), (1, 1, 1))
    assert learner.labels().tolist() == [4, 0, 2]
    tokens = learner.encode(clip)
    order = ["pressure", "velocity_x", "tracer"]
    other = replace(clip, channels=tuple(order), fields=clip.fields[:, [CHANNELS.index(name) for name in order]])
    torch.testing.assert_close(learner.encode(other), tokens)
    swapped = small(columns={**columns, "tracer": 0, "pressure": 4}, states=6)
    swapped.load_state_dict(learner.state_dict())
    assert not torch.allclose(swapped.encode(clip), tokens, atol=1e-3)
    learner.set_normalisation(("tracer", "pressure", "buoyancy"), (0, 0, 0), (1, 1, 1))
    with pytest.raises(PhysrepError, match="'buoyancy' has no column"):
        learner.labels()


def test_boundaries_are_those_of_each_axis() -> None:
    learner, clip = small(), make_clip(frames=8, size=(32, 32))
    seen = [learner.encode(replace(clip, periodic=p)) for p in ((True, False), (False, True), (True, True))]
    for i, a in enumerate(seen):
        for b in seen[i + 1 :]:
            assert not torch.allclose(a, b, atol=1e-4)


def test_the_amplitude_of_a_window_is_not_seen() -> None:
    learner, clip = small(), make_clip(frames=8)
    louder = replace(clip, fields=5 * clip.fields + 2)
    torch.testing.assert_close(learner.encode(louder), learner.encode(clip), atol=1e-3, rtol=1e-3)


def test_fresh_columns_leave_the_old_ones_as_they_are() -> None:
    torch.manual_seed(0)
    model = AViT(3, 24, 2, 2, 4, layer_scale=0.5).eval()
    x = standardise(make_clip(frames=4).fields[:, :, :4])[0]
    labels = torch.arange(3)
    before = model.space_bag(labels)
    kernel = model.debed.out_kernel.clone()
    model.expand(2)
    # Only the scale sqrt(states / labels) has changed.
    for after, part in zip(model.space_bag(labels), before, strict=True):
        torch.testing.assert_close(after, part * (5 / 3) ** 0.5)
    assert torch.equal(model.debed.out_kernel[:, :3], kernel)
    assert model(x, torch.tensor([0, 1, 4]), (True, True)).isfinite().all()


def test_folding_of_periodic_distances_as_released() -> None:
    open_, around = (position_buckets(4, periodic) for periodic in (False, True))
    # On 4 points a key 3 ahead counts as 1 behind, one 3 behind as 1 ahead; two apart stays two apart.
    assert around[0, 3] == open_[1, 0] and around[3, 0] == open_[0, 1] and around[0, 2] == open_[0, 2]


def test_tokens_of_the_last_frame_or_of_all() -> None:
    clip = make_clip(frames=8)
    last, every = small().encode(clip), small(tokens="all").encode(clip)
    assert last.shape == (3, 4 * 6, 24) and every.shape == (3, 8 * 4 * 6, 24)
    torch.testing.assert_close(every[:, -24:], last, rtol=1e-4, atol=1e-5)


def test_bad_options() -> None:
    with pytest.raises(PhysrepError, match="did you mean 'tiny'"):
        MPP(3, size="tini")
    with pytest.raises(PhysrepError, match="give 5"):
        MPP(3, columns={"a": 4, "b": 0, "c": 1}, states=4)
    with pytest.raises(PhysrepError, match="patch is 5"):
        MPP(3, patch=5)
    with pytest.raises(PhysrepError, match="no multiple of the patch 16"):
        MPP(3, 8, embed_dim=24, num_heads=2, depth=1).encode(make_clip(frames=8, size=(16, 24)))


@pytest.mark.golden
@pytest.mark.parametrize("case", golden_cases("AViT"))
def test_released_checkpoints_in_both_layouts(case: dict[str, Any], golden: Path) -> None:
    directory = golden_directory()
    assert directory is not None
    data = tensors(golden, case)
    channels = ["tracer", "pressure", "velocity_x", "velocity_y"]
    run = next(iter(case["runs"]))
    x = data["input"][f"{run}.x"].permute(1, 2, 0, 3, 4)
    labels = case["runs"][run]["state_labels"]
    columns = dict(zip(channels, labels, strict=False))
    files = sorted([*directory.glob("mpp_ckpt*")])
    assert files
    for path in files:
        imported = convert(read_tensors(path), channels[: x.shape[1]], x.shape[2], columns)
        assert not imported.unused and not imported.fresh
        learner = MPP(imported.in_channels, imported.num_frames, **imported.options).eval()
        assert not learner.load_state_dict(imported.state, strict=False).unexpected_keys
        bcs = case["runs"][run]["bcs"]
        clip = replace(make_clip(frames=1), periodic=(bool(bcs[1]), bool(bcs[0])))
        assert_close(learner.predict_frame(clip, x), data["output"][f"{run}.y"], case["outputs"][f"{run}.y"])
        # Channels that the weights have never seen.
        more = convert(read_tensors(path), ["velocity_x", "D_xx"], 4)
        states = imported.options["states"]
        assert more.options["columns"] == {"velocity_x": 6, "D_xx": states} and more.fresh == ["column of D_xx"]
        MPP(2, 4, **more.options).load_state_dict(more.state, strict=False)
        with pytest.raises(PhysrepError, match="share column 3"):
            convert(read_tensors(path), ["tracer", "buoyancy"])


def test_something_else_is_refused() -> None:
    with pytest.raises(PhysrepError, match="no axial vision transformer"):
        convert({"weight": torch.zeros(2)}, ["tracer"])
