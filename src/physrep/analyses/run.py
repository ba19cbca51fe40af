"""Run analyses of a finished benchmark, each once; every one leaves one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..files import content_hash, read_json, write_csv, write_json
from ..registry import build
from . import ANALYSES
from .base import Analysis, Context
from .latent import LatentContext

FOLDER = "analyses"


def check_analyses(analyses: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an unknown analysis or option before anything is trained.

    Raises:
        PhysrepError: one is unknown; the sentence names the nearest known one.
    """
    for name, options in analyses.items():
        build(name, ANALYSES, "analysis", dict(options or {}), {})


def run_analyses(analyses: Mapping[str, Mapping[str, Any]], context: Context | LatentContext) -> None:
    """Write ``analyses/NAME.csv`` for each name; one that was made of the same tokens and options is left as it is."""
    folder, asked = context.out / FOLDER, context.request()
    for name, options in analyses.items():
        analysis: Analysis = build(name, ANALYSES, "analysis", dict(options or {}), {})
        request = {
            "analysis": name,
            "version": analysis.version,
            "options": dict(options or {}),
            **asked,
        }
        key = content_hash(request)
        if is_finished(folder, name, key):
            continue
        (folder / f"{name}.json").unlink(missing_ok=True)
        rows = analysis.rows(cast(Any, context))
        write_csv(folder / f"{name}.csv", analysis.columns, rows)
        write_json(folder / f"{name}.json", {"key": key, **request})


def is_finished(folder: Path, name: str, key: str) -> bool:
    """Whether the table of this request is there."""
    record = folder / f"{name}.json"
    return record.is_file() and (folder / f"{name}.csv").is_file() and read_json(record).get("key") == key
