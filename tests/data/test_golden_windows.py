"""Our windows are the official ones, number by number."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from physrep.data import WellSplit, open_clips, open_well, read_stats, split_files
from physrep.data.names import canonical_parameter
from tests.helpers.golden import golden_directory

pytestmark = pytest.mark.golden


def _runs(of: str) -> list:
    """Pairs (case, run name) of the cases that check the official window reader or The Well's own."""
    folder = golden_directory()
    cases = json.loads((folder / "index.json").read_text())["cases"] if folder else []
    found = [
        pytest.param(case, name, id=f"{case['case']}-{name}")
        for case in cases
        if "WellDatasetForJEPA" in (case.get("class") or "")
        for name, run in case["constructor_arguments"]["runs"].items()
        if ("WellDatasetForJEPA" in (run.get("class") or "WellDatasetForJEPA")) == (of == "paper")
    ]
    return found or [pytest.param({}, "", marks=pytest.mark.skip(reason="no golden windows; set PHYSREP_GOLDEN"))]


def _split(root, run):
    """The split of a run; where the index does not say, the only one that is there."""
    return run.get("split") or next(entry.name for entry in sorted((root / "data").iterdir()))


def _official_names(root, split):
    """Channel and parameter names in the order of the official reader: alphabetical inside each group."""
    path = split_files(root, split)[0]
    with open_well(path) as file:
        fields = sorted(file.fields.values(), key=lambda field: (field.order, field.name))
        channels = [channel for field in fields for channel in field.channels]
        dataset = file.dataset_name
    with h5py.File(path) as file:
        stored = [name for name in sorted(file["scalars"]) if name != "L"]
    return channels, [canonical_parameter(dataset, name, stored) for name in stored]


def _compare(value, case, name, reference):
    if name.endswith("_sub17"):
        value = value[..., ::17, ::17]
    elif name.endswith("_corners"):
        value = value[:, 0][:, [0, 0, -1, -1], [0, -1, 0, -1]]
    rule = case["outputs"][name]["tolerance"]
    if rule == "exact":
        assert torch.equal(value, reference), name
    else:
        tolerance = float(rule.split()[0])
        torch.testing.assert_close(value, reference, rtol=tolerance, atol=tolerance * reference.abs().max().item())


@pytest.mark.parametrize(("case", "name"), _runs("paper"))
@pytest.mark.parametrize("cached", [False, True], ids=["reader", "cache"])
def test_official_windows(case, name, cached, golden, tmp_path):
    run = case["constructor_arguments"]["runs"][name]
    root, frames = golden / case["folder"], run["num_frames"]
    split, stride = _split(root, run), run["stride"] or run["num_frames"]
    channels, parameters = _official_names(root, split)
    options = {
        "fields": channels,
        "parameters": parameters,
        "resolution": run["resolution"],
        "crop": "paper",
    }
    reader = WellSplit(root, split, 2 * frames, stride, **options)
    assert len(reader) == run["len"]
    places = [(path.name, trajectory, start) for path, trajectory, start in map(reader.location, range(len(reader)))]
    assert places == [tuple(entry) for entry in run["index"]]
    outputs = load_file(golden / case["file"])
    checked = 0
    for key in case["outputs"]:
        own, index, what = key.split(".")
        if own != name:
            continue
        if cached:
            clips = open_clips(root, split, cache_dir=tmp_path, **options)
            clip = clips.clip(clips.windows(2 * frames, stride)[[int(index)]], 2 * frames)
        else:
            clip = reader.clip([int(index)])
        value = {
            "context": clip.frames(0, frames).fields[0],
            "target": clip.frames(frames, 2 * frames).fields[0],
            "physical": clip.parameters[0].float(),
        }[what.split("_")[0]]
        _compare(value, case, key, outputs[f"output.{key}"])
        checked += 1
    assert checked


@pytest.mark.parametrize(("case", "name"), _runs("well"))
def test_windows_of_the_well(case, name, golden):
    run = case["constructor_arguments"]["runs"][name]
    root, n_in = golden / case["folder"], run["n_steps_input"]
    split = WellSplit(root, _split(root, run), n_in + run["n_steps_output"], frame_step=run["dt_stride"])
    assert len(split) == run["len"]
    outputs = load_file(golden / case["file"])
    for key in case["outputs"]:
        own, index, what = key.split(".")
        if own != name:
            continue
        reference = outputs[f"output.{key}"]
        clip = split.clip([int(index)])
        if what == "boundary_conditions":
            assert [bool((sides == 2).all()) for sides in reference] == list(split.periodic)
        elif what.endswith("time_grid"):
            frames = np.arange(len(reference)) + (n_in if what.startswith("output") else 0)
            torch.testing.assert_close(torch.from_numpy(frames * split.dt).float(), reference)
        elif what == "constant_scalars":
            with open_well(split.location(int(index))[0]) as file:
                stored = torch.tensor([values[0] for values in file.parameters.values()]).float()
            assert torch.equal(stored, reference)
        else:
            first = 0 if what.startswith("input") else n_in
            last = n_in if what.startswith("input") else None
            fields = _normalise(clip.fields[0], root, split.channels, run["normalization"])[:, first:last]
            values = fields.movedim(0, -1)
            if what.endswith("_sub17"):
                values = values[:, ::17, ::17]
            if case["outputs"][key]["tolerance"] == "exact":
                assert torch.equal(values, reference)
            else:
                torch.testing.assert_close(values, reference, rtol=1e-6, atol=1e-6)


def _normalise(fields, root, channels, kind):
    if kind == "none":
        return fields
    stats = read_stats(root / "stats.yaml")

    def column(name):
        values = []
        for channel in channels:
            field, _, component = channel.partition("_")
            value = stats[name][field]
            for axis in component:
                value = value["xyz".index(axis)]
            values.append(value)
        return torch.tensor(values)[:, None, None, None]

    if kind == "zscore":
        return (fields - column("mean")) / column("std").clamp(min=1e-4)
    return fields / column("rms").clamp(min=1e-4)
