"""A study of seconds."""

from __future__ import annotations

from typing import Any

TINY_MODEL = {
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "patch_size": 8,
    "mlp_ratio": 1.0,
}


def tiny_study() -> dict[str, Any]:
    """Settings as a YAML file holds them; each test gets its own copy."""
    return {
        "title": "Tiny",
        "resolution": 16,
        "frames": 12,
        "trajectories": 24,
        "initial_condition": "blobs",
        "systems": {"heat": {"system": "heat", "save_dt": 0.05}},
        "render": {"colour_range": [0.0, 1.0], "nuisance": ["gray"]},
        "encoders": {
            "random_vjepa2": {"kind": "random_vjepa2", "options": dict(TINY_MODEL)},
            "rgb16": {"kind": "pixels", "source": "rgb16"},
        },
        "analyses": ["parameters", "koopman"],
        "splits": 2,
        "videos": 1,
    }
