"""Pictures of fields: the stated range, the same bits every time, files that open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from physrep.errors import PhysrepError
from physrep.learners.rendering import ColourScale, fixed_range, render
from physrep.learners.video_pixels import PIXELS, pixel_tokens
from physrep.study.videos import save_video


def ramp(low: float, high: float, n: int = 16) -> np.ndarray:
    return np.linspace(low, high, n * n, dtype=np.float32).reshape(1, 1, n, n)


def test_the_ends_of_the_range_are_the_end_colours_and_values_outside_are_clipped() -> None:
    scale = ColourScale("gray", -2.0, 2.0)
    picture = render(np.array([[-5.0, -2.0], [0.0, 2.0]], dtype=np.float32)[None, None], scale)[0, 0, 0]
    assert picture[0, 0] == picture[0, 1] == 0.0 and picture[1, 1] == 1.0
    assert abs(float(picture[1, 0]) - 0.5) < 0.01


def test_a_gray_ramp_is_linear_to_half_a_level() -> None:
    fields = ramp(0.0, 1.0)
    picture = render(fields, ColourScale("gray", 0.0, 1.0))
    assert picture.shape == (1, 1, 3, 16, 16)
    assert np.abs(picture[:, :, 0].numpy() - fields).max() <= 0.5 / 255 + 1e-6


def test_pictures_are_eight_bit_and_depend_on_the_field_alone() -> None:
    scale = ColourScale("inferno", -1.0, 1.0)
    fields = np.random.default_rng(0).normal(size=(3, 2, 16, 16)).astype(np.float32)
    whole = render(fields, scale)
    assert torch.equal(whole, render(fields, scale))
    assert torch.equal(whole[1:2], render(fields[1:2], scale))
    levels = whole * 255
    assert float((levels - levels.round()).abs().max()) < 1e-3


def test_signed_fields_get_a_range_symmetric_about_zero_and_positive_ones_start_there() -> None:
    signed = np.array([[-0.5, 0.2], [0.1, 0.3]], dtype=np.float32)[None, None]
    assert fixed_range(signed, [0]) == (-0.5, 0.5)
    assert fixed_range(np.abs(signed), [0]) == (0.0, 0.5)
    # Rounding below zero is no sign.
    assert fixed_range(np.abs(signed) - 1e-7, [0])[0] == 0.0
    with pytest.raises(PhysrepError, match="zero everywhere"):
        fixed_range(np.zeros((1, 1, 2, 2)), [0])


@pytest.mark.parametrize("size", [8, 32])
def test_sizes_keep_the_mean(size: int) -> None:
    fields = np.random.default_rng(1).random((1, 2, 16, 16)).astype(np.float32)
    picture = render(fields, ColourScale("gray", 0.0, 1.0), size)
    assert picture.shape[-2:] == (size, size)
    assert abs(float(picture.mean()) - fields.mean()) < 0.01


def test_unknown_colour_maps_and_empty_ranges_are_one_sentence() -> None:
    with pytest.raises(PhysrepError, match="did you mean 'viridis'"):
        render(ramp(0, 1), ColourScale("viridi", 0.0, 1.0))
    with pytest.raises(PhysrepError, match="empty"):
        ColourScale("gray", 1.0, 1.0)


def test_a_video_file_holds_every_frame(tmp_path: Path) -> None:
    video = render(np.random.default_rng(2).random((1, 5, 16, 16)).astype(np.float32), ColourScale("viridis", 0, 1))[0]
    path, sentence = save_video(video, tmp_path / "clip", enlarge=2)
    assert path.is_file() and sentence.startswith("Videos are")
    if path.suffix == ".png":
        with Image.open(path) as image:
            assert image.n_frames == 5 and image.size == (32, 32)
            image.seek(3)
            shown = np.asarray(image.convert("RGB"))[::2, ::2].transpose(2, 0, 1)
        assert np.array_equal(shown, (video[3].numpy() * 255).round().astype(np.uint8))


@pytest.mark.parametrize(("name", "numbers"), zip(PIXELS, [768, 256, 3072, 768], strict=True))
def test_pixel_vectors_have_the_published_sizes(name: str, numbers: int) -> None:
    video = torch.rand(2, 3, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    vectors = pixel_tokens(video, name).flatten(2)
    assert vectors.shape == (2, 3, numbers)


def test_pixels_by_hand() -> None:
    video = torch.zeros(1, 1, 3, 32, 32)
    video[0, 0, 0, :2, :2] = 1.0  # one block of the 16 x 16 grid is red
    assert pixel_tokens(video, "rgb16")[0, 0, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert float(pixel_tokens(video, "gray16")[0, 0, 0, 0, 0]) == pytest.approx(0.299)
    assert float(pixel_tokens(video, "rgb16").sum()) == 1.0
    assert float(pixel_tokens(video, "centre16").sum()) == 0.0
    with pytest.raises(PhysrepError, match="at least 32"):
        pixel_tokens(video[..., :16, :16], "rgb32")
