"""Fixtures for all rooms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden import golden_directory


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
