"""Readers for the golden vectors: index.json, hash-generated weights, and the comparison rule."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

DEVICE = os.environ.get("PHYSREP_TEST_DEVICE", "cpu")
"""Where the golden cases are computed: ``cpu``, or ``cuda`` (see benchmarks/gpu.py)."""


def golden_directory() -> Path | None:
    """The folder of golden vectors: ``PHYSREP_GOLDEN``, or ``../shared/golden`` beside the repository."""
    root = Path(__file__).resolve().parents[2]
    path = Path(os.environ.get("PHYSREP_GOLDEN", root.parent / "shared" / "golden"))
    path = path if path.is_absolute() else root / path
    return path if (path / "index.json").is_file() else None


def golden_cases(class_name: str) -> list[Any]:
    """Cases of index.json whose ``class`` ends with ``class_name``, as pytest parameters; one skipped one if none."""
    directory = golden_directory()
    index = json.loads((directory / "index.json").read_text()) if directory else {"cases": []}
    cases = [case for case in index["cases"] if re.search(rf"\W{re.escape(class_name)}$", case.get("class") or "")]
    if not cases:
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"no golden case of {class_name}"), id="none")]
    return [pytest.param(case, id=case["case"]) for case in cases]


def tensors(directory: Path, case: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """Tensors of a case by kind: ``weights``, ``input``, ``output``, ``grad``, each by name."""
    groups: dict[str, dict[str, Tensor]] = {"weights": {}, "input": {}, "output": {}, "grad": {}, "check": {}}
    for key, value in load_file(directory / case["file"], device=DEVICE).items():
        kind, name = key.split(".", 1)
        groups[kind][name] = value
    return groups


def hash_values(seed: int, i: int, shape: tuple[int, ...], scale: float, offset: float) -> Tensor:
    """The index's integer hash: ``offset + scale (2 u_j - 1)`` with u_j the top 24 bits of a splitmix64 finaliser."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(i) * np.uint64(0xBF58476D1CE4E5B9)
        z = z + np.arange(int(np.prod(shape)), dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((offset + scale * (2 * u - 1)).astype(np.float32)).reshape(shape).to(DEVICE)


def hash_input(case: dict[str, Any]) -> Tensor:
    """The input of a full-size case."""
    return hash_values(case["hash_seed"], 0, tuple(case["input_shape"]), 3**0.5, 0.0)


def load_hash_weights(module: nn.Module, case: dict[str, Any]) -> None:
    """Fill ``module`` with the weights of a full-size case; its keys must be exactly the published ones."""
    weights = {
        key: hash_values(case["hash_seed"], rule["i"], tuple(rule["shape"]), rule["scale"], rule["offset"])
        for key, rule in case["weights_formula"].items()
    }
    assert sorted(weights) == sorted(module.state_dict())
    module.load_state_dict(weights)


def assert_close(value: Tensor, reference: Tensor, rule: dict[str, Any]) -> None:
    """``|value - reference| <= suggested_atol + suggested_rtol |reference|`` for every element."""
    atol, rtol = rule["suggested_atol"], rule["suggested_rtol"]
    torch.testing.assert_close(value.detach(), reference, atol=atol, rtol=rtol)
