"""A simulated data set: valid, reproducible on any number of workers, resumable, never mixed."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data import assert_disjoint, check
from physrep.errors import PhysrepError
from physrep.simulation import SimulationConfig, simulate
from physrep.simulation.file import FileTask, simulate_file
from physrep.simulation.request import resolve_request
from physrep.systems import SYSTEMS
from tests.helpers.processes import living

SMALL = SimulationConfig(trajectories=12, resolution=[16, 32], frames=4, per_file=3, ranges={"Reynolds": [20, 60]})


def contents(root: Path) -> dict[str, dict[str, np.ndarray]]:
    """Every array of every file."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for path in sorted(root.glob("data/*/*.hdf5")):
        arrays: dict[str, np.ndarray] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, out=arrays: (
                    out.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None
                )
            )
        found[f"{path.parent.name}/{path.name}"] = arrays
    return found


def assert_same(one: Path, other: Path) -> None:
    a, b = contents(one), contents(other)
    assert a.keys() == b.keys()
    assert a
    for name in a:
        for field in a[name]:
            np.testing.assert_array_equal(a[name][field], b[name][field], err_msg=f"{name} {field}")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("shear_flow", tmp_path_factory.mktemp("one"), SMALL, workers=1)


def test_is_valid_and_complete(reference: Path) -> None:
    assert [fault for fault in check(reference) if fault.severity != "warning"] == []
    assert_disjoint(reference)
    counts = {split: len(list((reference / "data" / split).glob("*.hdf5"))) for split in ("train", "valid", "test")}
    assert counts == {"train": 4, "valid": 1, "test": 1}
    assert (reference / "stats.yaml").is_file()


def test_the_same_on_any_number_of_workers(reference: Path, tmp_path: Path) -> None:
    assert_same(reference, simulate("shear_flow", tmp_path, SMALL, workers=2))


def test_goes_on_where_it_stopped(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import physrep.simulation.dataset as module

    original, calls = module.simulate_file, []

    def stops_after_two(*arguments):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(module, "simulate_file", stops_after_two)
    with pytest.raises(KeyboardInterrupt):
        simulate("shear_flow", tmp_path, SMALL, workers=1)
    root = tmp_path / "shear_flow"
    finished = {path: path.stat().st_mtime_ns for path in root.glob("data/*/*.hdf5")}
    assert len(finished) == 2
    monkeypatch.setattr(module, "simulate_file", original)
    simulate("shear_flow", tmp_path, SMALL, workers=1)
    assert_same(reference, root)
    assert all(path.stat().st_mtime_ns == time for path, time in finished.items())


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_killed_command_repeated_gives_bit_identical_files(workers: int, tmp_path: Path) -> None:
    """SIGKILL at some moment, the same command again: every byte as without interruption, nothing left over."""
    settings = ["--trajectories", "10", "--resolution", "24", "48", "--frames", "60", "--per_file", "1"]

    def start(out: Path) -> subprocess.Popen:
        words = ["simulate", "shear_flow", "--out", str(out), "--workers", str(workers), *settings]
        command = [sys.executable, "-m", "physrep", *words]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)

    def below(out: Path, suffix: str = "") -> list[Path]:
        """Files and folders; unlike rglob, also while leases come and go."""
        walk = ((Path(place), [*folders, *names]) for place, folders, names in os.walk(out))
        return sorted(place / name for place, names in walk for name in names if name.endswith(suffix))

    def digests(out: Path) -> dict[str, str]:
        files = (path for path in below(out) if path.is_file())
        return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert start(tmp_path / "whole").wait() == 0
    cut = tmp_path / "cut"
    for _ in range(5):  # on a busy machine the command may end before it is killed
        shutil.rmtree(cut, ignore_errors=True)
        process = start(cut)
        while len(below(cut, ".hdf5")) < 3 and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # Workers end by themselves when their parent is gone, and delete what they were writing.
        assert not living(process.pid, 240)
        assert workers == 1 or not below(cut, ".tmp")
        if len(below(cut, ".hdf5")) < 10:
            break
    else:
        pytest.fail("never killed in time")
    assert start(cut).wait() == 0
    assert digests(cut) == digests(tmp_path / "whole")


def test_another_seed_gives_other_numbers(reference: Path, tmp_path: Path) -> None:
    other = simulate("shear_flow", tmp_path, SimulationConfig(**{**vars(SMALL), "seed": 1}), workers=1)
    a, b = contents(reference), contents(other)
    assert not np.array_equal(
        a["train/shear_flow_0000.hdf5"]["scalars/Reynolds"], b["train/shear_flow_0000.hdf5"]["scalars/Reynolds"]
    )


def test_refuses_to_mix_two_data_sets(reference: Path) -> None:
    with pytest.raises(PhysrepError, match="other settings \\(seed\\); choose another --out"):
        simulate("shear_flow", reference.parent, SimulationConfig(**{**vars(SMALL), "seed": 1}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ranges": {"Reynolds": [20, 1e6]}}, "resolves Reynolds in"),
        ({"ranges": {"Reinolds": [20, 60]}}, "no parameter 'Reinolds'"),
        ({"ranges": {"Reynolds": [60, 20]}}, "range of Reynolds is empty"),
        ({"resolution": [16]}, "2 numbers of at least 8"),
        ({"frames": 0}, "frames is 0"),
        ({"trajectories": 2}, "cannot fill 3 splits"),
        ({"splits": [0.5, 0.1, 0.1]}, "sum 1"),
        ({"initial_condition": "divers"}, "did you mean 'diverse'"),
    ],
)
def test_bad_settings_are_one_sentence(change: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=message) as caught:
        simulate("shear_flow", tmp_path, SimulationConfig(**{**vars(SMALL), **change}))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_underresolved_is_recorded_when_allowed(tmp_path: Path) -> None:
    settings = {**vars(SMALL), "ranges": {"Reynolds": [20, 500]}, "allow_underresolved": True, "trajectories": 3}
    root = simulate("shear_flow", tmp_path, SimulationConfig(**settings), workers=1)
    with h5py.File(root / "data/train/shear_flow_0000.hdf5") as file:
        assert not file.attrs["resolved"]


def test_a_trajectory_that_blows_up_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = SYSTEMS["shear_flow"]
    original, seen = type(system).simulate, []

    def fails_once(self, parameters, seeds, **settings):
        result = original(self, parameters, seeds, **settings)
        if not seen:
            seen.append(list(seeds))
            result.fields["tracer"][1] = float("nan")
            result.failed[1] = "the fields became infinite"
        return result

    monkeypatch.setattr(type(system), "simulate", fails_once)
    settings = {**vars(SMALL), "trajectories": 5, "per_file": 3}
    request = resolve_request("shear_flow", SimulationConfig(**settings))
    task = FileTask(tmp_path / "file.hdf5", (0, 1, 2))
    messages = simulate_file(task, request, "cpu")
    assert len(messages) == 1
    assert "trajectory 1" in messages[0]
    assert "drawn again" in messages[0]
    with h5py.File(task.path) as file:
        assert np.isfinite(file["t0_fields/tracer"][()]).all()


def test_a_trajectory_that_always_blows_up_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = type(SYSTEMS["shear_flow"]).simulate

    def always_fails(self, parameters, seeds, **settings):
        result = original(self, parameters, seeds, **settings)
        result.failed.update(dict.fromkeys(range(len(seeds)), "the fields became infinite"))
        return result

    monkeypatch.setattr(type(SYSTEMS["shear_flow"]), "simulate", always_fails)
    with pytest.raises(PhysrepError, match="without success; take a finer grid"):
        simulate("shear_flow", tmp_path, SMALL, workers=1)
    assert not list(tmp_path.glob("shear_flow/data/*/*.hdf5"))


def test_an_option_that_allows_less_narrows_the_default_range(tmp_path: Path) -> None:
    settings = {
        "resolution": [32, 32],
        "frames": 2,
        "save_dt": 0.01,
        "trajectories": 8,
        "options": {"model": "kinetic"},
    }
    assert resolve_request("active_matter", SimulationConfig(**settings)).settings["ranges"]["zeta"][
        1
    ] == pytest.approx(0.75)
    root = simulate("active_matter", tmp_path, SimulationConfig(**settings), workers=1)
    with h5py.File(root / "data/train/active_matter_0000.hdf5") as file:
        assert file["scalars/zeta"][()].max() <= 0.75
        assert "kinetic equation" in file.attrs["angular_model"]
    with pytest.raises(PhysrepError, match="with model=kinetic this grid allows zeta"):
        resolve_request("active_matter", SimulationConfig(**settings, ranges={"zeta": [0.3, 1.0]}))
