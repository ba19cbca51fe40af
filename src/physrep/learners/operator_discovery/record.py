"""What a finished run of operator discovery found, read without building it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_discovery(folder: Path) -> dict[str, Any] | None:
    """What a fit left in its weights (`OperatorDiscovery.record`); None if there is nothing."""
    from safetensors import SafetensorError, safe_open

    path = folder / "weights.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            name = next((name for name in file.keys() if name.split(".")[-1] == "found"), None)  # noqa: SIM118
            content = bytes(file.get_tensor(name).tolist()) if name else b""
        record = json.loads(content) if content else None
    except (SafetensorError, ValueError):
        return None
    return record if isinstance(record, dict) and "equation" in record else None
