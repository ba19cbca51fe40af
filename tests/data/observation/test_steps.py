"""Every step of the observer, on fields whose result is known."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.data.observation import COMBINATIONS, STEPS, Observation, Scene
from physrep.errors import PhysrepError

FRAMES, SHAPE = 12, (16, 24)


def scene_of(**changes) -> Scene:
    values = {
        "channels": ("b", "u_x", "u_y"), "components": ((), (0,), (1,)), "axes": ("x", "y"), "shape": SHAPE,
        "dx": (0.5, 0.25), "coordinates": (None, None), "periodic": (True, False), "dt": 0.1,
    }  # fmt: skip
    return Scene(**{**values, **changes})


def fields_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((3, FRAMES, *SHAPE)).astype(np.float32)


def observe(spec, fields=None, scene=None, seed=0, split="train", file="a.hdf5", trajectory=0):
    seen = Observation.of(spec, split, seed)
    scene = scene or scene_of()
    result = seen.apply((fields_of() if fields is None else fields).copy(), scene, file, trajectory)
    after = seen.scene(scene)
    assert result.shape == (len(after.channels), seen.frames(FRAMES), *after.shape) and result.dtype == np.float32
    return result, after


def test_fields_are_chosen_by_name_with_their_components():
    result, after = observe([{"fields": ["u", "b"]}])
    assert after.channels == ("u_x", "u_y", "b") and after.components == ((0,), (1,), ())
    np.testing.assert_array_equal(result, fields_of()[[1, 2, 0]])
    with pytest.raises(PhysrepError, match="has no field 'v'"):
        observe([{"fields": ["v"]}])


def test_gain_and_offset_are_drawn_per_trajectory():
    clean, factors, shifts = fields_of(), [], []
    for trajectory in range(200):
        seen, _ = observe([{"gain": [0.5, 2.0]}], trajectory=trajectory)
        ratio = seen / clean
        assert np.ptp(ratio) < 1e-5  # one unit for all channels
        factors.append(float(ratio.mean()))
        moved, _ = observe([{"offset": 0.5}], trajectory=trajectory)
        shifts.append((moved - clean).mean((1, 2, 3)) / clean.std((1, 2, 3)))
    assert 0.5 <= min(factors) < 0.55 and 1.8 < max(factors) <= 2 and abs(np.median(factors) - 1) < 0.15
    assert np.abs(shifts).max() <= 0.5 + 1e-4 and np.std(shifts) == pytest.approx(0.5 / np.sqrt(3), rel=0.1)
    apart, _ = observe([{"gain": {"factor": [0.5, 2.0], "shared": False}}])
    assert len({round(float((a / b).mean()), 4) for a, b in zip(apart, clean, strict=True)}) == 3


def test_noise_has_the_level_that_was_asked_for():
    fields = 3 * fields_of()
    fields[1] *= 10
    seen, _ = observe([{"noise": 0.1}], fields)
    np.testing.assert_allclose((seen - fields).std((1, 2, 3)) / fields.std((1, 2, 3)), 0.1, rtol=0.03)
    levels = [(observe([{"noise": [0.01, 0.3]}], fields, trajectory=k)[0] - fields)[0].std() for k in range(200)]
    logarithms = np.log(levels / fields[0].std())
    assert logarithms.min() > np.log(0.0095) and logarithms.max() < np.log(0.32)
    assert logarithms.mean() == pytest.approx(np.log(0.01 * 0.3) / 2, abs=0.2)  # uniform between the two logarithms


@pytest.mark.parametrize("options", [{"length": 1.5}, {"time": 3.0}, {"length": 1.0, "time": 2.0}])
def test_correlated_noise_keeps_its_variance_everywhere(options):
    flat = np.broadcast_to(np.linspace(-1, 1, 3 * FRAMES * 16 * 24).reshape(3, FRAMES, *SHAPE), (3, FRAMES, *SHAPE))
    noise = np.stack(
        [observe([{"noise": {"level": 0.5, **options}}], flat.astype(np.float32), trajectory=k)[0] - flat
         for k in range(40)]
    )  # fmt: skip
    noise = noise / (0.5 * flat.std((1, 2, 3)).reshape(1, 3, 1, 1, 1))
    rows = noise.std((0, 1, 2, 3))
    assert rows.min() > 0.9 and rows.max() < 1.1 and noise[:, :, 0].std() == pytest.approx(1, rel=0.1)
    if "length" in options:
        assert (noise * np.roll(noise, 1, 3)).mean() > 0.5
    else:
        kept = (noise[:, :, 1:] * noise[:, :, :-1]).mean()
        assert kept == pytest.approx(np.exp(-1 / options["time"]), abs=0.05)
        assert abs((noise * np.roll(noise, 1, 3)).mean()) < 0.05


def test_blur_keeps_the_mean_and_damps_waves():
    x = np.arange(16) * 2 * np.pi / 16
    wave = np.broadcast_to((1 + np.cos(4 * x))[:, None], (3, FRAMES, *SHAPE)).astype(np.float32)
    seen, _ = observe([{"blur": [0.5, 0.5]}], wave)
    assert seen.mean() == pytest.approx(1, abs=1e-5)
    weights = np.exp(-2.0 * np.arange(-3, 4) ** 2)
    damped = (weights * np.cos(4 * x[1] * np.arange(-3, 4))).sum() / weights.sum()
    assert (seen - 1).std() / (wave - 1).std() == pytest.approx(damped, rel=0.01)
    np.testing.assert_array_equal(observe([{"blur": 0.0}])[0], fields_of())


def test_crop_opens_the_axis():
    result, after = observe([{"crop": {"x": [2, 10]}}])
    assert after.periodic == (False, False) and after.shape == (8, 24)
    np.testing.assert_array_equal(result, fields_of()[:, :, 2:10])
    seen = {tuple(observe([{"crop": {"x": 8, "y": 12}}], trajectory=k)[0][0, 0, 0, :2]) for k in range(20)}
    assert len(seen) > 10  # anywhere
    rows = np.linspace(0, 1, 24) ** 2
    uneven = scene_of(coordinates=(None, rows))
    np.testing.assert_allclose(observe([{"crop": {"y": [3, 9]}}], scene=uneven)[1].coordinates[1], rows[3:9])
    for spec, message in (({"x": [4, 20]}, "does not fit"), ({"z": 4}, "names axis 'z'"), ({"y": 8}, "other rows")):
        with pytest.raises(PhysrepError, match=message):
            observe([{"crop": spec}], scene=uneven)


def test_coarsen_averages_blocks():
    result, after = observe([{"coarsen": {"factor": {"x": 4, "y": 2}}}])
    assert after.shape == (4, 12) and after.dx == (2.0, 0.5)
    expected = fields_of().reshape(3, FRAMES, 4, 4, 12, 2).mean((3, 5))
    np.testing.assert_allclose(result, expected, atol=1e-6)
    with pytest.raises(PhysrepError, match="in blocks"):
        observe([{"coarsen": 5}])
    rows = (1 - np.cos(np.pi * (np.arange(24) + 0.5) / 24)) / 2
    linear = np.broadcast_to(rows, (3, FRAMES, *SHAPE)).astype(np.float32)
    seen, after = observe([{"coarsen": {"factor": {"y": 2}}}], linear, scene_of(coordinates=(None, rows)))
    np.testing.assert_allclose(seen[0, 0, 0], after.coordinates[1], rtol=1e-5)


def test_frame_step_and_jitter():
    time = np.broadcast_to(np.arange(FRAMES)[:, None, None], (3, FRAMES, *SHAPE)).astype(np.float32)
    result, after = observe([{"frame_step": 3}], time)
    assert result[0, :, 0, 0].tolist() == [0, 3, 6, 9] and after.dt == pytest.approx(0.3) and after.stored_step == 3
    shaken, _ = observe([{"frame_step": {"step": 3, "jitter": 0.2}}], time)
    off = shaken[0, :, 0, 0] - [0, 3, 6, 9]
    assert 0.05 < np.abs(off).max() <= 0.6 + 1e-5 and off[0] >= 0
    with pytest.raises(PhysrepError, match="share of at most"):
        observe([{"frame_step": {"jitter": 0.7}}])


def test_an_unknown_frame_rate_differs_between_trajectories():
    time = np.broadcast_to(np.arange(FRAMES)[:, None, None], (3, FRAMES, *SHAPE)).astype(np.float32)
    rates = set()
    for trajectory in range(20):
        seen, after = observe([{"frame_step": [1, 3]}], time, trajectory=trajectory)
        assert seen.shape[1] == (FRAMES - 1) // 3 + 1 and after.dt == pytest.approx(0.1)
        assert len(set(np.diff(seen[0, :, 0, 0]))) == 1
        rates.add(int(seen[0, 1, 0, 0]))
    assert rates == {1, 2, 3}
    with pytest.raises(PhysrepError, match="two ascending"):
        observe([{"frame_step": [3, 1]}])


def test_mask_is_the_same_in_all_frames():
    fields = fields_of() + 5
    seen, _ = observe([{"mask": {"pixels": 0.1, "lines": 0.1}}], fields)
    changed = seen != fields
    assert (changed.all((0, 1)) == changed.any((0, 1))).all() and 0.05 < changed.mean() < 0.4
    np.testing.assert_allclose(seen[0][changed[0]], fields[0][~changed[0]].mean(), rtol=1e-5)
    dropped, _ = observe([{"mask": {"frames": 0.5}}], fields)
    same = [bool((dropped[:, k] == dropped[:, k - 1]).all()) for k in range(1, FRAMES)]
    assert 1 < sum(same) < FRAMES - 1
    with pytest.raises(PhysrepError, match="below 1"):
        observe([{"mask": {"pixels": 1.0}}])


def test_quantise_has_that_many_levels():
    seen, _ = observe([{"quantise": 3}])
    assert all(len(np.unique(channel)) == 8 for channel in seen)
    assert np.abs(seen - fields_of()).max() <= np.ptp(fields_of(), (1, 2, 3)).max() / 14 + 1e-6
    np.testing.assert_array_equal(observe([{"quantise": 8}], np.ones_like(fields_of()))[0], 1)


def test_laplacian_of_a_wave_and_of_a_parabola():
    x = np.arange(16) * 0.5
    y = (np.arange(24) + 0.5) * 0.25
    k = 2 * np.pi / 8
    field = np.cos(k * x)[:, None] + 3 * y**2
    fields = np.broadcast_to(field, (1, FRAMES, *SHAPE)).astype(np.float32)
    scene = scene_of(channels=("b",), components=((),))
    result, _ = observe(["laplacian"], fields, scene)
    expected = -(k**2) * np.cos(k * x)[:, None] + 6
    np.testing.assert_allclose(result[0, 0], np.broadcast_to(expected, SHAPE), atol=0.05)
    with pytest.raises(PhysrepError, match="for scalars, not u_x"):
        observe(["laplacian"])


def test_random_numbers_follow_from_names_alone():
    spec = [{"noise": [0.1, 0.3]}, {"gain": [0.5, 2]}]
    first, _ = observe(spec)
    np.testing.assert_array_equal(first, observe(spec)[0])
    for change in ({"seed": 1}, {"split": "test"}, {"file": "b.hdf5"}, {"trajectory": 1}):
        assert (first != observe(spec, **change)[0]).mean() > 0.99, change
    noise = Observation.of([{"noise": 0.2}], "train")
    longer = noise.apply(fields_of(), scene_of(), "a.hdf5", 0) - fields_of()
    shorter = noise.apply(fields_of()[:, :5].copy(), scene_of(), "a.hdf5", 0) - fields_of()[:, :5]
    ratio = longer[:, :5] / shorter  # a frame's noise does not depend on how many there are; its level is a spread
    assert np.ptp(ratio[0]) < 0.05


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_instruments_are_written_out(name):
    spec = [{name: {"fields": ["b"]}}] if name != "piv" else [{name: {"fields": ["u"]}}]
    seen = Observation.of(spec, "train")
    assert all(step in STEPS for step, _ in seen.plain) and len(seen.plain) >= 4
    result, _ = observe(spec)
    assert np.isfinite(result).all()


def test_faults_are_one_sentence():
    for spec, message in (
        ([{"noize": 0.1}], "did you mean 'noise'"),
        ([{"noise": {"levl": 0.1}}], "did you mean 'level'"),
        ([{"noise": 0.1, "blur": 1}], "is no step"),
        ([{"laplacian": 3}], "is no set of options"),
        ([{"noise": -1}], "at least 0"),
        ([{"gain": [0, 1]}], "above 0"),
        ([{"quantise": 0}], "1 to 16"),
    ):
        with pytest.raises(PhysrepError, match=message):
            Observation.of(spec, "train")
