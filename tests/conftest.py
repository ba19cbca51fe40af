"""Fixtures for all rooms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep import leftovers
from tests.helpers.golden import DEVICE, golden_directory
from tests.helpers.heard_signals import hear_signals

hear_signals()


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of the golden vectors: ``PHYSREP_GOLDEN``, or ``../shared/golden`` beside the repository."""
    folder = golden_directory()
    if folder is None:
        pytest.skip("no golden vectors; set PHYSREP_GOLDEN to a folder that holds index.json")
    return folder


@pytest.fixture(scope="session")
def golden_index(golden: Path) -> dict[str, Any]:
    """The golden index: cases with constructor arguments, shapes and tolerances."""
    return json.loads((golden / "index.json").read_text())


@pytest.fixture(autouse=True)
def of_its_own() -> None:
    """Each test sweeps as a program does: pytest gives the folders of two tests one path, if their names are alike."""
    leftovers._swept.clear()


@pytest.fixture(autouse=DEVICE != "cpu")
def on_the_device() -> Iterator[None]:
    """Modules are made on ``PHYSREP_TEST_DEVICE``, and its float32 is float32 (TF32 is cuDNN's default)."""
    torch.backends.cudnn.allow_tf32 = False
    with torch.device(DEVICE):
        yield
