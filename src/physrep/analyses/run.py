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
        PhysrepError: one is unknown (the sentence names the nearest known one), or needs a package that is missing.
    """
    for name, options in analyses.items():
        build(name, ANALYSES, "analysis", dict(options or {}), {}).require()


def run_analyses(analyses: Mapping[str, Mapping[str, Any]], context: Context | LatentContext) -> None:
    """Write ``analyses/NAME.csv`` for each name; one that was made of the same tokens and options is left as it is."""
    for name, request in requests(analyses, context).items():
        if not is_analysed(context.out / FOLDER, name, content_hash(request)):
            run_analysis(name, request, context)


def requests(analyses: Mapping[str, Mapping[str, Any]], context: Context | LatentContext) -> dict[str, dict[str, Any]]:
    """What determines the table of each analysis; the hash of it is the key of `is_analysed`."""
    asked = context.request()
    found = {}
    for name, options in analyses.items():
        analysis: Analysis = build(name, ANALYSES, "analysis", dict(options or {}), {})
        own = {key: value for key, value in (options or {}).items() if key not in analysis.for_page}
        found[name] = {"analysis": name, "version": analysis.version, "options": own, **asked}
    return found


def run_analysis(name: str, request: Mapping[str, Any], context: Context | LatentContext) -> None:
    """Write ``analyses/NAME.csv``, and then what it was made of."""
    folder = context.out / FOLDER
    analysis: Analysis = build(name, ANALYSES, "analysis", dict(request["options"]), {})
    (folder / f"{name}.json").unlink(missing_ok=True)
    rows = analysis.rows(cast(Any, context))
    write_csv(folder / f"{name}.csv", analysis.columns, rows)
    write_json(folder / f"{name}.json", {"key": content_hash(request), **request})


def is_analysed(folder: Path, name: str, key: str) -> bool:
    """Whether the table of this request is there."""
    record = folder / f"{name}.json"
    return record.is_file() and (folder / f"{name}.csv").is_file() and read_json(record).get("key") == key
