"""Names of encoders in figures and sentences."""

from __future__ import annotations

from .config import EncoderConfig


def label(name: str, encoder: EncoderConfig) -> str:
    """Name of a modality in figures and sentences."""
    if encoder.kind == "pixels":
        return f"Pixels {encoder.source}"
    if encoder.kind == "statistics":
        return "Field statistics"
    default = {"vjepa2": "V-JEPA 2", "random_vjepa2": "Random V-JEPA 2"}.get(encoder.kind)
    if default is not None:
        return default if name == encoder.kind else f"{default} ({name})"
    return f"Own {'JEPA' if encoder.source == 'jepa' else name}"
