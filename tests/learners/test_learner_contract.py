"""What every learner of the dictionary promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS, Learner
from tests.helpers.learner_clips import CHANNELS, CONV, DISCO, SMALL_CONV, TINY_VIDEO, make_clip

OPTIONS: dict[str, dict[str, Any]] = {
    "jepa": CONV,
    "videomae": {
        "patch": 8,
        "embed_dim": 12,
        "depth": 2,
        "num_heads": 2,
        "decoder_dim": 8,
        "decoder_depth": 1,
        "decoder_heads": 2,
        "mask_ratio": 0.5,
    },
    "mpp": {"patch": 4, "embed_dim": 24, "depth": 2, "num_heads": 2, "layer_scale": 0.1},
    "symmetry": {**CONV, "projector": (16, 8)},
    "masked_jepa": {
        "encoder": "vit3d",
        "encoder_options": {"patch": (2, 4, 4), "embed_dim": 12, "num_heads": 2, "depth": 1},
        "predictor_dim": 8,
        "predictor_depth": 1,
        "predictor_heads": 2,
    },
    "masked_pixels": {"encoder": "vit3d", "encoder_options": {"patch": (2, 8, 8), "embed_dim": 12, "num_heads": 2}},
    "next_frame": SMALL_CONV,
    "operator": {**CONV, "width": 8, "hidden": 16},
    "disco": DISCO,
    "supervised": {**CONV, "parameters": {"Reynolds": "log", "Schmidt": "linear"}},
    "finetuned": {"base": "jepa", "base_options": CONV, "parameters": {"Reynolds": "log", "Schmidt": "linear"}},
    "frozen_video": {"config": TINY_VIDEO},
    "poseidon": {"image_size": 16, "embed_dim": 6, "depths": (1, 1), "heads": (1, 2), "window": 4},
    "walrus": {"dim": 32, "inner": 8, "blocks": 2, "heads": 2, "tokens": 4, "layer": 1},
    "pde_transformer": {
        "dim": 8,
        "depths": (1, 2),
        "heads": 2,
        "patch": 2,
        "window": 4,
        "image_size": 16,
        "type_rows": 40,
        "pde_rows": 3,
        "task_rows": 2,
    },
    "random": CONV,
    "pixels": {"grid": (2, 4, 4)},
}
STATISTICS = (CHANNELS, (0.1, -0.2, 0.3), (1.0, 2.0, 0.5))


def learner_of(name: str) -> Learner:
    torch.manual_seed(0)
    return LEARNERS[name](in_channels=len(CHANNELS), num_frames=8, **OPTIONS.get(name, {}))


# An oracle reads the physical fields of one equation: tests/learners/pde_regression/test_pde_regression.py.
# What is fitted in closed form encodes nothing before: tests/learners/test_operator_discovery.py.
@pytest.fixture(params=[name for name, kind in LEARNERS.items() if kind.kind != "oracle" and not hasattr(kind, "fit")])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def permuted(clip: Clip) -> Clip:
    order = [2, 0, 1]
    return Clip(
        clip.fields[:, order], clip.parameters.flip(1), tuple(clip.channels[i] for i in order),
        clip.parameter_names[::-1], clip.dt, clip.dx, clip.periodic, clip.trajectory, clip.start,
    )  # fmt: skip


def test_tokens(name):
    learner = learner_of(name)
    tokens = learner.encode(make_clip(frames=learner.num_frames))
    assert tokens.dim() == 3 and tokens.shape[0] == 3 and tokens.shape[2] == learner.embed_dim
    assert tokens.isfinite().all()


def test_loss_trains_or_says_that_there_is_nothing_to_train(name):
    learner = learner_of(name)
    clip = make_clip(frames=learner.train_frames)
    if not learner.trainable:
        with pytest.raises(PhysrepError, match="nothing to train"):
            learner.loss(clip)
        return
    terms = learner.loss(clip)
    assert all(term.dim() == 0 and term.isfinite() for term in terms.values())
    terms["loss"].backward()
    for key, parameter in learner.named_parameters():
        if not parameter.requires_grad:
            assert key.startswith("teacher."), key
            continue
        if key.startswith("base.") and not key.startswith("base.encoder."):
            continue  # of the base's own objective
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key


def test_channels_are_read_by_name(name):
    learner = learner_of(name)
    learner.set_normalisation(*STATISTICS)
    clip = make_clip(frames=learner.num_frames)
    torch.testing.assert_close(learner.encode(permuted(clip)), learner.encode(clip))
    if learner.trainable:
        clip = make_clip(frames=learner.train_frames)
        losses = []
        for view in (clip, permuted(clip)):
            torch.manual_seed(1)  # the same masks and slices
            losses.append(learner.loss(view)["loss"])
        torch.testing.assert_close(*losses)


def test_normalisation_is_z_scoring(name):
    learner = learner_of(name)
    clip = make_clip(frames=learner.num_frames)
    tokens = learner.encode(clip)
    mean, std = torch.tensor(STATISTICS[1]).view(-1, 1, 1, 1), torch.tensor(STATISTICS[2]).view(-1, 1, 1, 1)
    raw = make_clip(frames=learner.num_frames)
    raw.fields = clip.fields * std + mean
    learner.set_normalisation(*STATISTICS)
    torch.testing.assert_close(learner.encode(raw), tokens, rtol=1e-4, atol=1e-4)


def test_weight_file_round_trip_keeps_names_and_statistics(name):
    learner = learner_of(name)
    learner.set_normalisation(*STATISTICS)
    other = learner_of(name)
    with torch.no_grad():
        for key, parameter in other.named_parameters():
            if key in learner.state_dict():  # not what a frozen model reads from its own folder
                parameter.zero_()
    other.load_state_dict(load(save(learner.state_dict())))
    assert other.channels == CHANNELS
    clip = make_clip(frames=learner.num_frames)
    assert torch.equal(other.encode(clip), learner.encode(clip))


def test_clips_do_not_see_each_other(name):
    learner = learner_of(name)
    clip, single = make_clip(frames=8), make_clip(frames=8)
    single.fields = clip.fields[1:2]
    torch.testing.assert_close(learner.encode(clip)[1:2], learner.encode(single), rtol=1e-4, atol=1e-5)


def test_missing_channel(name):
    learner = learner_of(name)
    learner.set_normalisation(("tracer", "pressure", "buoyancy"), *STATISTICS[1:])
    with pytest.raises(PhysrepError, match="no channel 'buoyancy'"):
        learner.encode(make_clip(frames=learner.num_frames))


def test_wrong_number_of_frames_or_channels(name):
    learner = learner_of(name)
    with pytest.raises(PhysrepError, match="clips of 8 frames"):
        learner.encode(make_clip(frames=7))
    clip = make_clip(frames=8)
    clip.fields = clip.fields[:, :2]
    with pytest.raises(PhysrepError, match="in_channels"):
        learner.encode(clip)


def test_constant_channel_and_wrong_lengths(name):
    learner = learner_of(name)
    with pytest.raises(PhysrepError, match="'pressure' is constant"):
        learner.set_normalisation(CHANNELS, (0, 0, 0), (1, 0, 1))
    with pytest.raises(PhysrepError, match="one of each per channel"):
        learner.set_normalisation(CHANNELS[:2], (0, 0), (1, 1))
