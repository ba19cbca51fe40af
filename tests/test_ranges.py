"""Every setting states its range, checked before anything is written; null is absent everywhere."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import physrep
from physrep.benchmark.config import BenchConfig, RunConfig, read_config
from physrep.benchmark.grid import expand
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.ranges import check_path_name, check_ranges, check_seed, check_unique_names
from physrep.settings import construct
from physrep.simulation import SimulationConfig, simulate
from physrep.study.config import StudyConfig
from physrep.training.config import TrainingConfig

RUNS = [{"learner": "jepa"}]
NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_frames": -1}, "num_frames is -1; it must be at least 1"),
        ({"eval_stride": 0}, "eval_stride is 0"),
        ({"n_resamples": -1}, "n_resamples is -1"),
        ({"jobs": -1}, "jobs is -1"),
        ({"token_dtype": "int8"}, "token_dtype is 'int8'; it must be float32 or float16"),
        ({"seeds": []}, "seeds is .*must hold at least one value"),
        ({"seeds": [0, 0]}, "must not hold a value twice"),
        ({"seeds": [2**70]}, "seeds is .*must be at most"),
        ({"probes": {}}, "probes is {}; it must hold at least one"),
        ({"scales": {"Re": "cubic"}}, "scales is .*log or linear"),
        ({"training": {"learning_rate": NAN}}, "learning_rate is nan; it must be a finite number"),
        ({"training": {"learning_rate": float("inf")}}, "must be a finite number"),
        ({"training": {"beta1": 5}}, "beta1 is 5.*smaller than 1"),
        ({"training": {"threads": -1}}, "threads is -1"),
        ({"training": {"precision": "banana"}}, "precision is 'banana'.*bf16-mixed"),
        ({"training": {"warmup": 2}}, "warmup is 2"),
        ({"training": {"flip": ["q"]}}, "flip: q is no symmetry of shear_flow"),
        ({"runs": [{"learner": "jepa", "training": {"flip": ["q"]}}]}, "flip: q"),
        ({"runs": [{"learner": "jepa", "seeds": []}]}, "must hold at least one value"),
        ({"runs": [{"learner": "jepa", "name": "../../../x"}]}, "becomes the name of a folder"),
        ({"simulation": {"trajectories": 0}}, "trajectories is 0"),
        ({"simulation": {"save_dt": 0.0}}, "save_dt is 0.0; it must be larger than 0"),
        ({"data": {"frame_step": 0}}, "frame_step is 0"),
    ],
)
def test_nonsense_is_refused(values: dict, message: str) -> None:
    with pytest.raises(PhysrepError, match=message):
        expand(read_config({"runs": RUNS, **values}, "x.yaml"))


@pytest.mark.parametrize("kind", [BenchConfig, RunConfig, TrainingConfig, DataConfig, SimulationConfig, StudyConfig])
def test_defaults_are_in_their_ranges(kind: type) -> None:
    check_ranges(kind(learner="jepa") if kind is RunConfig else kind())


def test_null_is_absent_in_every_setting() -> None:
    nothing = {field.name: None for field in fields(BenchConfig)}
    assert read_config(nothing, "x.yaml") == BenchConfig()
    for section, kind in (("training", TrainingConfig), ("data", DataConfig), ("simulation", SimulationConfig)):
        empty = {field.name: None for field in fields(kind)}
        assert read_config({section: empty}, "x.yaml") == BenchConfig()
    assert read_config({"probes": {"ridge": None}}, "x.yaml") == BenchConfig()
    ranges = {"Reynolds": [100.0, 200.0], "Schmidt": None}
    assert read_config({"simulation": {"ranges": ranges}}, "x.yaml").simulation.ranges == {"Reynolds": [100, 200]}
    run = {field.name: None for field in fields(RunConfig)} | {"learner": "jepa", "training": {"steps": None}}
    config = read_config({"training": {"steps": 7}, "runs": [run]}, "x.yaml")
    assert expand(config)[0].training.steps == 7


def test_nothing_is_written_before_the_check(tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match="per_file is 0"):
        simulate("heat", tmp_path / "data", SimulationConfig(per_file=0))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "-o", "a\nb", "x" * 101])
def test_names_that_leave_the_folder(name: str) -> None:
    with pytest.raises(PhysrepError, match="name of a folder"):
        check_path_name(name, "run")


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("Heat", "heat"), ("STRASSE", "straße"), ("a", "a. ")])
def test_names_that_would_be_one_folder(first: str, second: str) -> None:
    check_unique_names(["a", "b", "a-b"], "runs")
    with pytest.raises(PhysrepError, match=r"are called .*; give one of them another name"):
        check_unique_names(["other", first, second], "runs")


def test_seeds() -> None:
    check_seed(2**63 - 1)
    for seed in (-1, 2**63):
        with pytest.raises(PhysrepError, match="seed is"):
            check_seed(seed)


def _settings_of_the_package() -> list[tuple[type, Field]]:
    """Every setting of every configuration class of the package, found by import."""
    found = []
    for module in pkgutil.walk_packages(physrep.__path__, "physrep."):
        if module.name.endswith(("__main__", "_triton")):
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            own = isinstance(kind, type) and kind.__module__ == module.name and is_dataclass(kind)
            if own and name.endswith("Config"):
                found += [(kind, one) for one in fields(kind)]
    return found


def _numbers(hint: Any) -> bool:
    """Whether a setting is a number, or a list or mapping of numbers."""
    return hint in (int, float) or any(map(_numbers, get_args(hint)))


def test_every_number_states_both_ends_of_its_range_and_is_held_to_it() -> None:
    checked = 0
    for kind, one in _settings_of_the_package():
        hint = get_type_hints(kind)[one.name]
        if not _numbers(hint) or (kind, one.name) == (DataConfig, "crop"):
            continue  # a crop is also the word "paper"; its numbers are compared with the grid
        limits, place = one.metadata.get("range"), f"{kind.__name__}.{one.name}"
        assert limits is not None, f"{place} states no range"
        assert (limits.at_least, limits.above) != (None, None), f"{place} has no lower end"
        assert (limits.at_most, limits.below) != (None, None), f"{place} has no upper end"
        for number in (NAN, float("inf"), float("-inf"), -(2.0**200), 2.0**200, -(2**200), 2**200):
            for value in (number, [number], [[number]], {"a": number}, {"a": [number]}):
                made = _with(kind, one.name, value)
                with pytest.raises(PhysrepError, match=one.name):
                    check_ranges(made)
        checked += 1
    assert checked > 60


def _required(kind: type) -> dict[str, Any]:
    """Values of the settings that have no default: the first of a choice, or a word."""
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    return {name: (get_args(hints[name]) or ("heat",))[0] for name in names}


def _with(kind: type, name: str, value: object) -> Any:
    """An instance of a configuration class in which one setting is another, whatever the class checks itself."""
    made = kind(**_required(kind))
    object.__setattr__(made, name, value)
    return made


def test_null_is_the_default_of_every_setting_at_every_level() -> None:
    for kind in {kind for kind, _ in _settings_of_the_package()}:
        required = _required(kind)
        whole = {one.name: None for one in fields(kind)} | required
        assert construct(kind, whole, "x.yaml", "y.yaml") == construct(kind, required, "x.yaml", "y.yaml"), kind
        for one in fields(kind):
            if one.name not in required:
                assert construct(kind, {one.name: None, **required}, "x.yaml", "y.yaml") == kind(**required), one.name
