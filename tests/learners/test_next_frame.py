"""Next frame: errors by hand, persistence as the start, the change that is predicted, order of frames."""

from __future__ import annotations

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import NextFrame
from physrep.learners.frame_error import frame_error
from tests.helpers.learner_clips import CONV, SMALL_CONV, make_clip, smooth_clip


def test_errors_by_hand() -> None:
    last = torch.tensor([[[[0.0, 0.0]]]])
    target = torch.tensor([[[[1.0, 3.0]]]])
    guess = torch.tensor([[[[1.0, 1.0]]]])
    # Squared error 2, change 5, variance 1, square 5.
    assert frame_error(guess, target, last, "change", 0.0).item() == pytest.approx(2 / 5)
    assert frame_error(guess, target, last, "variance", 0.0).item() == pytest.approx(2.0)
    assert frame_error(guess, target, last, "square", 0.0).item() == pytest.approx(2 / 5)
    assert frame_error(last, target, last, "change", 0.0).item() == pytest.approx(1.0)
    # A field at rest divides by no zero.
    assert frame_error(last, last, last, "change").item() == 0.0


def test_a_silent_decoder_is_persistence() -> None:
    torch.manual_seed(0)
    learner, clip = NextFrame(3, 8, **SMALL_CONV), make_clip(frames=9)
    with torch.no_grad():
        for parameter in learner.decoder[-1].parameters():
            parameter.zero_()
    terms = learner.loss(clip)
    assert terms["loss"].item() == pytest.approx(terms["persistence"].item())
    assert terms["persistence"].item() == pytest.approx(1.0, abs=1e-3)
    torch.testing.assert_close(learner.next_frame(clip.fields[:, :, :8]), clip.fields[:, :, 7])
    without = NextFrame(3, 8, **SMALL_CONV, residual=False)
    with torch.no_grad():
        for parameter in without.decoder[-1].parameters():
            parameter.zero_()
    assert without.next_frame(clip.fields[:, :, :8]).abs().max() == 0


def test_the_target_is_the_frame_after_the_window() -> None:
    torch.manual_seed(0)
    learner, clip = NextFrame(3, 8, **CONV), make_clip(frames=9, size=(16, 32))
    expected = frame_error(
        learner.next_frame(clip.fields[:, :, :8]), clip.fields[:, :, 8], clip.fields[:, :, 7], "change"
    )
    torch.testing.assert_close(learner.loss(clip)["loss"], expected)


def test_travelling_waves_are_predicted_better_than_by_persistence() -> None:
    torch.manual_seed(0)
    learner = NextFrame(3, 8, **SMALL_CONV)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    for step in range(150):
        optimiser.zero_grad()
        learner.loss(smooth_clip(8, 9, seed=step))["loss"].backward()
        optimiser.step()
    assert learner.loss(smooth_clip(16, 9, seed=1000))["loss"] < 0.7


def test_bad_options() -> None:
    with pytest.raises(PhysrepError, match="error_scale is 'chance'"):
        NextFrame(3, 8, **SMALL_CONV, error_scale="chance")  # pyright: ignore
