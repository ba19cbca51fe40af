"""Fields as pictures: groups by name, one range for all clips, tokens, a run that holds no weights but knows them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.learners import FrozenVideo, VideoPixels
from physrep.learners.rendered import field_groups
from physrep.learners.rendering import ColourScale, render
from physrep.nn.video_model import VideoModel
from physrep.run_directory import load_run
from tests.helpers.learner_clips import CHANNELS, TINY_VIDEO, make_clip
from tests.helpers.small_data import write_waves

pytest.importorskip("transformers")


def learner_of(**options: Any) -> FrozenVideo:
    return FrozenVideo(3, 8, config=TINY_VIDEO, **options)


def test_groups_by_name() -> None:
    active = ["concentration", "velocity_x", "velocity_y", "D_xx", "D_xy", "D_yx", "D_yy"]
    assert field_groups(active) == [("concentration",), ("velocity_x", "velocity_y"), ("D_xx", "D_xy", "D_yy")]
    assert field_groups(["tracer", "my_field"]) == [("tracer",), ("my_field",)]


def test_pictures_by_hand() -> None:
    clip = make_clip()
    clip.fields = torch.zeros_like(clip.fields)
    clip.fields[:, 0], clip.fields[:, 1], clip.fields[:, 2] = 3.0, -9.0, 1.5
    gray, rgb = learner_of(groups=[["tracer"], ["pressure", "velocity_x", "tracer"]]).videos(clip)
    assert gray.shape == (3, 8, 3, 16, 24) and bool((gray == 1).all())
    assert rgb[0, 0, :, 0, 0].tolist() == [0.0, 0.75, 1.0]
    (pair,) = learner_of(groups=[["tracer", "velocity_x"]], limit=3.0).videos(clip)
    assert pair[0, 0, 2, 0, 0].item() == pytest.approx((9 + 2.25) ** 0.5 / (2**0.5 * 3))
    # The range is the same for all clips: a weaker clip is a paler one.
    weak = replace(clip, fields=0.5 * clip.fields)
    assert float(learner_of(groups=[["tracer"]]).videos(weak)[0].mean()) == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(("pool", "count"), [("space", 3 * 4), ("all", 3), ("none", 3 * 4 * 4)])
def test_tokens(pool: Any, count: int) -> None:
    tokens = learner_of(pool=pool).encode(make_clip())
    assert tokens.shape == (3, count, 24) and not tokens.requires_grad


def test_a_stated_range_is_in_the_units_of_the_field_and_drawn_by_the_one_renderer() -> None:
    clip = make_clip()
    one = replace(clip, fields=clip.fields[:, :1], channels=clip.channels[:1])
    learner = FrozenVideo(1, 8, config=TINY_VIDEO, colour_map="inferno", colour_range=[-1.0, 2.0], size=12)
    (drawn,) = learner.videos(one)
    assert torch.equal(drawn, render(one.fields[:, 0], ColourScale("inferno", -1.0, 2.0), 12))
    # Whatever statistics normalise the field, the range stays where it is.
    learner.set_normalisation(one.channels, (5.0,), (0.5,))
    levels = (learner.videos(one)[0] - drawn).abs()
    assert float((levels > 0).float().mean()) < 0.01
    pixels = VideoPixels(1, 8, source="rgb16", colour_map="inferno", colour_range=[-1.0, 2.0], size=16)
    assert torch.equal(pixels.videos(one)[0], FrozenVideo(
        1, 8, config=TINY_VIDEO, colour_map="inferno", colour_range=[-1.0, 2.0], size=16).videos(one)[0])  # fmt: skip
    with pytest.raises(PhysrepError, match="where one channel is shown"):
        learner_of(colour_range=[0.0, 1.0])


@pytest.mark.parametrize("pool", ["space", "all", "none"])
def test_the_grid_says_how_the_tokens_of_a_group_lie(pool: Any) -> None:
    learner = learner_of(pool=pool, groups=[["tracer"]])
    clip = make_clip()
    assert math.prod(learner.grid(*clip.fields.shape[2:])) == learner.encode(clip).shape[1]


def test_channels_that_are_not_there() -> None:
    learner = learner_of(groups=[["buoyancy"]])
    learner.set_normalisation(CHANNELS, (0, 0, 0), (1, 1, 1))
    with pytest.raises(PhysrepError, match="groups name 'buoyancy'"):
        learner.encode(make_clip())
    for options, match in (
        ({"groups": [["a", "b", "c", "d"]]}, "1 to 3 channels"),
        ({"colour_map": "viridiss"}, "did you mean 'viridis'"),
        ({"source": "x"}, "not both"),
        ({"pool": "some"}, "'space', 'all' or 'none'"),
    ):
        with pytest.raises(PhysrepError, match=match):
            learner_of(**options)


def test_in_a_benchmark_without_copying_the_weights(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    VideoModel.from_config(TINY_VIDEO, seed=3).save(folder)
    write_waves(tmp_path)
    runs = [
        {"learner": "frozen_video", "name": "video", "options": {"source": str(folder)}},
        {"learner": "frozen_video", "name": "untrained", "options": {"source": str(folder), "random_weights": True}},
    ]
    config = {
        "system": "waves", "data": {"path": str(tmp_path / "waves")}, "num_frames": 4, "runs": runs,
        "n_resamples": 20, "jobs": 1,
    }  # fmt: skip
    bench(read_config(config, "test"), tmp_path / "out", device="cpu")
    run = tmp_path / "out" / "runs" / "video-s0"
    assert read_json(run / "summary.json")["kind"] == "learner"
    assert read_json(tmp_path / "out" / "runs" / "untrained-s0" / "summary.json")["kind"] == "floor"
    assert (run / "weights.safetensors").stat().st_size < 10_000 < (folder / "model.safetensors").stat().st_size
    assert load_run(run)[0].channels
    # Other weights in the same place are noticed.
    VideoModel.from_config(TINY_VIDEO, seed=4).save(folder)
    with pytest.raises(PhysrepError, match="other weights"):
        load_run(run)
