"""A planted parameter is found: pretraining beats the same network's random weights (benchmarks/planted_heat.py)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def study() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_heat.py"
    spec = importlib.util.spec_from_file_location("planted_heat", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_heat"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def heat(study: ModuleType) -> object:
    return study.Heat()


@pytest.mark.parametrize(
    ("name", "steps", "gain"),
    [
        ("jepa, sigreg", 100, 0.1),
        ("operator", 250, 0.1),
        pytest.param("next_frame", 1000, 0.0, marks=pytest.mark.slow),
        pytest.param("jepa, clips", 1000, 0.05, marks=pytest.mark.slow),
        pytest.param("disco", 600, 0.4, marks=pytest.mark.slow),
        pytest.param("masked_pixels, normalised", 1000, 0.0, marks=pytest.mark.slow),
    ],
)
def test_pretraining_beats_random_weights(name: str, steps: int, gain: float, study: ModuleType, heat: object) -> None:
    before, after = study.planted(name, steps, heat)
    assert 0.1 < before < 1.2  # the floor leaves something to learn
    assert after < before - gain, (before, after)
