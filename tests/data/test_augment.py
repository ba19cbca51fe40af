"""Augmentations are exact symmetries: permutations of the grid with the signs that tensors need."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from physrep.data import Symmetries, open_clips
from physrep.data.augment import DataGrid, Draw, copy_symmetric, draw, mirror_signs, partners
from physrep.errors import PhysrepError

COMPONENTS = ((), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1))


def _one(shifts=(0, 0), mirrored=(False, False), boosts=(0, 0), scale=None, offset=None):
    """A draw of one sample."""
    channels = len(COMPONENTS)
    return Draw(
        np.array([shifts]),
        np.array([mirrored]),
        np.array([boosts]),
        np.ones((1, channels), np.float32) if scale is None else np.array([scale], np.float32),
        np.zeros((1, channels), np.float32) if offset is None else np.array([offset], np.float32),
    )


def _apply(source, shifts, mirrored, **more):
    out = np.empty(source.shape, dtype=np.float32)
    copy_symmetric(source, out, _one(shifts, mirrored, **more), 0, COMPONENTS)
    return out


def _grid(axes=("x", "y"), shape=(8, 12), periodic=(True, False)):
    names = ("tracer", "velocity_x", "velocity_y")
    return DataGrid(axes, shape, periodic, (0.5, 0.25), 0.1, names, ((), (0,), (1,)), (2.0, 1.0, 1.0))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    shifts=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    mirrored=st.tuples(st.booleans(), st.booleans()),
)
def test_equals_roll_then_flip(shape, shifts, mirrored):
    source = np.random.default_rng(0).standard_normal((7, 3, *shape)).astype(np.float32)
    expected = torch.from_numpy(source).roll(shifts, (2, 3)).flip([2 + i for i in range(2) if mirrored[i]])
    for channel, component in enumerate(COMPONENTS):
        for axis in component:
            expected[channel] *= -1 if mirrored[axis] else 1
    assert torch.equal(torch.from_numpy(_apply(source, shifts, mirrored)), expected)


def test_mirror_twice_is_the_identity():
    source = np.random.default_rng(0).standard_normal((7, 2, 5, 6)).astype(np.float32)
    for mirrored in ((True, False), (False, True), (True, True)):
        assert np.array_equal(_apply(_apply(source, (0, 0), mirrored), (0, 0), mirrored), source)


@pytest.mark.parametrize(
    ("mirrored", "signs"),
    [
        ((True, False), [1, -1, 1, 1, -1, -1, 1]),
        ((False, True), [1, 1, -1, 1, -1, -1, 1]),
        ((True, True), [1, -1, -1, 1, 1, 1, 1]),
    ],
)
def test_signs_count_the_indices(mirrored, signs):
    assert mirror_signs(COMPONENTS, mirrored).tolist() == signs


def test_mirror_keeps_a_divergence_free_field_divergence_free():
    x, y = np.meshgrid(2 * np.pi * np.arange(16) / 16, 2 * np.pi * np.arange(16) / 16, indexing="ij")
    source = np.zeros((7, 1, 16, 16), dtype=np.float32)
    source[1], source[2] = np.sin(x) * np.cos(y), -np.cos(x) * np.sin(y)
    out = _apply(source, (3, 5), (True, False))
    divergence = np.roll(out[1], -1, 1) - np.roll(out[1], 1, 1) + np.roll(out[2], -1, 2) - np.roll(out[2], 1, 2)
    assert np.abs(divergence).max() < 1e-6 and np.abs(out[1]).max() > 0.9


def test_half_precision_source():
    source = np.random.default_rng(0).standard_normal((7, 2, 4, 4)).astype(np.float16)
    out = _apply(source, (1, 0), (True, False))
    assert np.array_equal(out, _apply(source.astype(np.float32), (1, 0), (True, False)))


def test_draws_are_per_sample_seeded_and_respect_the_axes():
    both = Symmetries(shift=True, flip=("y",))
    first = draw(both, np.random.default_rng(1), 500, _grid())
    again = draw(both, np.random.default_rng(1), 500, _grid())
    assert np.array_equal(first.shifts, again.shifts) and np.array_equal(first.mirrored, again.mirrored)
    assert set(first.shifts[:, 0]) == set(range(8)) and not first.shifts[:, 1].any()
    assert not first.mirrored[:, 0].any() and 200 < first.mirrored[:, 1].sum() < 300


def test_clips_are_augmented_in_the_copy(dataset):
    clips = open_clips(dataset(), "train")
    windows = clips.windows(3)
    plain = clips.clip(windows, 3)
    symmetries = Symmetries(shift=True, flip=("x", "y"))
    clip = clips.clip(windows, 3, symmetries=symmetries, generator=np.random.default_rng(5))
    drawn = draw(symmetries, np.random.default_rng(5), len(windows), _grid(clips.axes, clips.shape, clips.periodic))
    for i in range(len(windows)):
        dims = [2 + a for a in range(2) if drawn.mirrored[i, a]]
        expected = plain.fields[i].roll(tuple(drawn.shifts[i].tolist()), (2, 3)).flip(dims)
        for axis, channel in enumerate(("velocity_x", "velocity_y")):
            if drawn.mirrored[i, axis]:
                expected[clip.channels.index(channel)] *= -1
        assert torch.equal(clip.fields[i], expected)
    assert torch.equal(clip.parameters, plain.parameters)


def test_symmetries_that_the_grid_does_not_have(dataset):
    clips = open_clips(dataset(periodic=(False, False)), "train")
    generator = np.random.default_rng(0)
    with pytest.raises(PhysrepError, match="needs a periodic axis"):
        clips.clip(clips.windows(2), 2, symmetries=Symmetries(shift=True), generator=generator)
    with pytest.raises(PhysrepError, match="names axis 'z'"):
        clips.clip(clips.windows(2), 2, symmetries=Symmetries(flip=("z",)), generator=generator)
    with pytest.raises(PhysrepError, match="boost needs a periodic axis"):
        clips.clip(clips.windows(2), 2, symmetries=Symmetries(boost="velocity"), generator=generator)
    with pytest.raises(PhysrepError, match="rescale needs the channel 'dye'"):
        clips.clip(clips.windows(2), 2, symmetries=Symmetries(rescale=("dye",)), generator=generator)


def test_a_boost_moves_the_frames_and_adds_its_velocity():
    drawn = draw(Symmetries(boost="velocity"), np.random.default_rng(0), 200, _grid())
    assert set(drawn.boosts[:, 0]) == {-1, 0, 1} and not drawn.boosts[:, 1].any()
    # One point (0.5) per frame (0.1) is a velocity of 5.
    assert np.allclose(drawn.offset[:, 1], 5 * drawn.boosts[:, 0]) and not drawn.offset[:, [0, 2]].any()
    source = np.random.default_rng(0).standard_normal((7, 4, 5, 6)).astype(np.float32)
    out = _apply(source, (2, 0), (False, False), boosts=(-1, 1), offset=[0, 5, 0, 0, 0, 0, 0])
    for frame in range(4):
        expected = np.roll(source[:, frame], (2 - frame, frame), (1, 2))
        expected[1] += 5
        assert np.array_equal(out[:, frame], expected)


def test_a_mirrored_boost_is_the_boost_of_the_mirror_image():
    """Frames that move by +1 point, seen in a mirror, move by -1 with the opposite velocity."""
    drawn = draw(Symmetries(boost="velocity", flip=("x",)), np.random.default_rng(0), 200, _grid())
    sign = np.where(drawn.mirrored[:, 0], -1, 1)
    assert np.allclose(drawn.offset[:, 1], 5 * sign * drawn.boosts[:, 0])


def test_a_passive_field_is_rescaled_and_offset_alone():
    drawn = draw(Symmetries(rescale=("tracer",)), np.random.default_rng(0), 2000, _grid())
    assert (np.abs(drawn.scale[:, 0]) >= 0.5).all() and (np.abs(drawn.scale[:, 0]) <= 2).all()
    assert 900 < (drawn.scale[:, 0] < 0).sum() < 1100
    assert np.std(drawn.offset[:, 0]) == pytest.approx(2.0, rel=0.1)
    assert (drawn.scale[:, 1:] == 1).all() and not drawn.offset[:, 1:].any()
    source = np.random.default_rng(0).standard_normal((7, 2, 5, 6)).astype(np.float32)
    out = _apply(source, (0, 0), (False, False), scale=[-2, 1, 1, 1, 1, 1, 1], offset=[3, 0, 0, 0, 0, 0, 0])
    assert np.allclose(out[0], 3 - 2 * source[0]) and np.array_equal(out[1:], source[1:])


def test_swap_exchanges_axes_and_components():
    channels = ("c", "velocity_x", "velocity_y", "D_xx", "D_xy", "D_yx", "D_yy")
    grid = DataGrid(("x", "y"), (6, 6), (True, True), (0.5, 0.5), 0.1, channels, COMPONENTS, (1.0,) * 7)
    pairs = partners(grid)
    assert [channels[i] for i in pairs] == ["c", "velocity_y", "velocity_x", "D_yy", "D_yx", "D_xy", "D_xx"]
    drawn = draw(Symmetries(transpose=True), np.random.default_rng(0), 40, grid)
    assert drawn.swapped is not None and 5 < drawn.swapped.sum() < 35
    source = np.random.default_rng(0).standard_normal((7, 3, 6, 6)).astype(np.float32)
    for swapped in (False, True):
        out = np.empty_like(source)
        copy_symmetric(source, out, drawn, int(np.flatnonzero(drawn.swapped == swapped)[0]), COMPONENTS)
        assert np.array_equal(out, source[pairs].swapaxes(-1, -2) if swapped else source)
    with pytest.raises(PhysrepError, match="two axes that are alike"):
        draw(Symmetries(transpose=True), np.random.default_rng(0), 1, _grid())
    alone = DataGrid(("x", "y"), (6, 6), (True, True), (0.5, 0.5), 0.1, ("velocity_x",), ((0,),), (1.0,))
    with pytest.raises(PhysrepError, match="transpose needs the channel 'velocity_y'"):
        partners(alone)
