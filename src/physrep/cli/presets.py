"""Configurations that come with the package, by name: ``physrep bench quick``."""

from __future__ import annotations

from pathlib import Path

from ..errors import PhysrepError, nearest
from ..streams import say_line

FOLDER = Path(__file__).resolve().parents[1] / "configs"
"""In a checkout a link to the folder ``configs`` of the repository; in a wheel a copy of its files."""


def presets() -> dict[str, Path]:
    """Name to file."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def config_path(given: str) -> Path:
    """The file that is meant: one that exists, or a preset by its name, ``quick`` or ``configs/quick.yaml``.

    Raises:
        PhysrepError: neither exists.
    """
    path = Path(given)
    if path.is_file():
        return path
    known = presets()
    name = path.stem if path.suffix == ".yaml" and str(path.parent) in (".", "configs") else given
    if name in known:
        say_line(f"{given}: the preset {name} of the package")
        return known[name]
    raise PhysrepError(f"{given}: no such file, and no preset of that name; {nearest(name, list(known))}")
