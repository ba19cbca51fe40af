"""Windows by name: indices, crops, subsets, and what is said when something is missing."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from physrep.data import WellSplit, open_well, write_well
from physrep.errors import PhysrepError


def test_windows_are_the_frames_of_the_files(dataset):
    root = dataset(frames=7)
    split = WellSplit(root, "train", frames=3, stride=2)
    assert split.windows.tolist() == [[i, start] for i in range(4) for start in (0, 2, 4)]
    clip = split.clip([4, 10])
    assert clip.channels == ("tracer", "pressure", "velocity_x", "velocity_y")
    assert clip.fields.shape == (2, 4, 3, 8, 12)
    assert clip.trajectory.tolist() == [1, 3] and clip.start.tolist() == [2, 2]
    assert clip.dt == pytest.approx(0.5) and clip.dx == pytest.approx((1 / 8, 1 / 12)) and clip.periodic == (True, True)
    with open_well(root / "data/train/b.hdf5") as file:
        assert np.array_equal(clip.fields[1].numpy(), file.read(1, 2, 3))
        expected = [file.parameters[name][1] for name in clip.parameter_names]
    assert clip.parameters[1].tolist() == expected
    assert split.location(10)[0].name == "b.hdf5" and split.location(10)[1:] == (1, 2)


def test_names_choose_and_order_channels_and_parameters(dataset):
    root = dataset()
    everything = WellSplit(root, "val", frames=2).clip([0])
    some = WellSplit(root, "valid", frames=2, fields=["velocity_y", "tracer"], parameters=["Schmidt"]).clip([0])
    assert some.channels == ("velocity_y", "tracer") and some.parameter_names == ("Schmidt",)
    assert torch.equal(some.fields[:, 0], everything.fields[:, 3])
    assert torch.equal(some.fields[:, 1], everything.fields[:, 0])
    assert torch.equal(some.parameters[:, 0], everything.parameters[:, 1])


def test_frame_step_skips_frames_and_scales_dt(dataset):
    root = dataset()
    plain, skipping = WellSplit(root, "train", frames=6), WellSplit(root, "train", frames=3, frame_step=2, stride=9)
    assert skipping.dt == 2 * plain.dt and len(skipping) == 4
    assert torch.equal(skipping.clip([1]).fields, plain.clip([1]).fields[:, :, ::2][:, :, :3])


def test_crop_cuts_before_resampling_and_ends_periodicity(dataset):
    root = dataset()
    whole = WellSplit(root, "train", frames=2).clip([0])
    cut = WellSplit(root, "train", frames=2, crop={"y": (2, 8)})
    assert cut.periodic == (True, False)
    assert torch.equal(cut.clip([0]).fields, whole.fields[..., 2:8])
    resized = WellSplit(root, "train", frames=2, crop={"y": (2, 8)}, resolution=(4, 3))
    expected = torch.nn.functional.interpolate(whole.fields[0, ..., 2:8], size=(4, 3), mode="bilinear")
    torch.testing.assert_close(resized.clip([0]).fields[0], expected)
    assert resized.dx == pytest.approx((2 / 8, 2 / 12))


def test_the_papers_crops_go_by_dataset_name(trajectories, tmp_path):
    write_well(tmp_path / "data/train/a.hdf5", trajectories(system="shear_flow", shape=(4, 512), n=1))
    split = WellSplit(tmp_path, "train", frames=1, crop="paper")
    assert split.shape == (4, 256) and split.periodic == (True, False)


def test_constants_are_no_labels_unless_asked_for(trajectories, tmp_path):
    data = trajectories(system="active_matter")
    data.parameters = {"L": torch.full((2,), 10.0), "zeta": torch.tensor([1.0, 2.0])}
    write_well(tmp_path / "data/train/a.hdf5", data)
    assert WellSplit(tmp_path, "train", frames=1).parameter_names == ("zeta",)
    assert WellSplit(tmp_path, "train", frames=1, parameters=["L"]).parameters.tolist() == [[10.0], [10.0]]


def test_subsets_are_nested_and_spread(dataset):
    root = dataset(n=6)
    split = [WellSplit(root, "train", frames=6, max_trajectories=k) for k in (3, 6)]
    places = [{split[i].location(w)[:2] for w in range(len(split[i]))} for i in range(2)]
    assert len(places[0]) == 3 and len(places[1]) == 6 and places[0] < places[1]
    assert split[0].clip([0]).trajectory.tolist() == [0]
    assert len({path for path, _ in places[1]}) == 2


def test_a_reader_can_be_sent_to_a_worker(dataset):
    split = WellSplit(dataset(), "train", frames=2)
    first = split.clip([0, 5]).fields
    assert torch.equal(pickle.loads(pickle.dumps(split)).clip([0, 5]).fields, first)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "holdout"}, "no split 'holdout'"),
        ({"frames": 7}, "at most 6 frames, but a window needs 7"),
        ({"frames": 4, "frame_step": 2}, "needs 7"),
        ({"frames": 0}, "use >= 1"),
        ({"fields": ["vorticity"]}, "no field 'vorticity'; it has tracer, pressure, velocity"),
        ({"fields": ["velocity", "velocity_x"]}, "twice"),
        ({"parameters": ["Mach"]}, "no parameter 'Mach'; it has Reynolds, Schmidt"),
        ({"resolution": (4,)}, "2 spatial axes"),
        ({"resolution": (4, 4), "resample": None}, "name a resample method"),
        ({"resample": "cubic"}, "unknown resample 'cubic'"),
        ({"resolution": (8, 6), "resample": "spectral", "crop": {"y": (0, 8)}}, "no spectral"),
        ({"crop": "middle"}, "unknown crop"),
        ({"crop": {"z": (0, 2)}}, "names axis 'z'"),
        ({"crop": {"x": (0, 99)}}, "does not fit its 8 points"),
        ({"max_trajectories": 5}, "there are 4 trajectories"),
    ],
)
def test_bad_requests_are_one_clear_sentence(options, sentence, dataset):
    root = dataset()
    with pytest.raises(PhysrepError, match=sentence) as error:
        WellSplit(root, **{"split": "train", "frames": 2, **options})
    assert "\n" not in str(error.value)


def test_missing_folders_and_mixed_files(dataset, trajectories):
    root = dataset()
    with pytest.raises(PhysrepError, match="is not a dataset folder"):
        WellSplit(root / "data", "train", frames=2)
    write_well(root / "data/train/c.hdf5", trajectories(shape=(4, 4)))
    with pytest.raises(PhysrepError, match=r"c.hdf5: has resolution \[4, 4\], but a.hdf5 has \[8, 12\]"):
        WellSplit(root, "train", frames=2)
    for path in (root / "data/test").iterdir():
        path.unlink()
    with pytest.raises(PhysrepError, match=r"holds no \.hdf5"):
        WellSplit(root, "test", frames=2)


def test_trajectories_of_different_length(dataset, trajectories):
    root = dataset()
    write_well(root / "data/train/c.hdf5", trajectories(frames=3, n=1, seed=5))
    assert WellSplit(root, "train", frames=3, stride=3).windows.tolist()[-1] == [4, 0]
    assert WellSplit(root, "train", frames=4).windows[:, 0].max() == 3


def test_three_dimensions(dataset):
    root = dataset(shape=(4, 5, 6), fields={"c": 0, "u": 1})
    clip = WellSplit(root, "train", frames=2, resolution=(2, 5, 3), resample="spectral").clip([0, 1])
    assert clip.channels == ("c", "u_x", "u_y", "u_z") and clip.fields.shape == (2, 4, 2, 2, 5, 3)
    assert clip.periodic == (True, True, True)
