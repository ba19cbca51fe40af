"""How many steps fit into a time, for learners whose loss reads more than what they encode."""

from __future__ import annotations

from pathlib import Path

import pytest

from physrep.data import open_clips
from physrep.fitting.budget import steps_within
from physrep.learners import JEPA, MaskedPixels
from tests.helpers.small_data import write_waves


@pytest.mark.parametrize("kind", [JEPA, MaskedPixels])
def test_more_time_holds_more_steps(kind: type, tmp_path: Path) -> None:
    train = open_clips(write_waves(tmp_path), "train")
    channels = train.channels
    learner = kind(len(channels), 4, encoder="conv3d", encoder_options={"dims": [8, 8], "strides": [[2, 2, 2]] * 2})
    learner.set_normalisation(channels, [0.0] * len(channels), [1.0] * len(channels))
    assert steps_within(learner, train, 1e6, 4, 1, 10) > steps_within(learner, train, 0.05, 4, 1, 10) >= 0
