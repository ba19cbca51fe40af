"""Sections of the analyses of latent trajectories, for the page of a benchmark and of a study alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ....analyses.latent import read_latent
from ....benchmark.directory import Bench
from ....benchmark.latent_table import LatentTable
from ....benchmark.run_lines import Line, identified, lines
from ....files import read_csv
from ....renamed import current_columns
from ...section import Section
from .classification import classification
from .falsification import falsification
from .koopman import koopman
from .naming import naming
from .parameters import parameters
from .spatial_head import spatial_head

LATENT_SECTIONS: dict[str, Callable[[LatentTable], Section]] = {
    "falsification": falsification,
    "naming": naming,
    "parameters": parameters,
    "classification": classification,
    "koopman": koopman,
    "spatial_head": spatial_head,
}
"""By analysis, in the order of the page."""


def bench_section(bench: Bench, rows: list[dict[str, str]], *, name: str) -> Section | None:
    """The section of one analysis of a benchmark."""
    if not rows:
        return None
    found, arrays = read_latent(bench.folder, name)
    arrays = dict(arrays)
    also = bench.folder / "analyses" / "parameters.csv"
    if name == "falsification" and also.is_file():
        # The verdicts rest on both.
        more, others = read_latent(bench.folder, "parameters")
        found, arrays, rows = found + more, {**arrays, **others}, rows + read_csv(also)
    who = _who(identified(bench, rows))
    asked = current_columns(rows[0])["system"]
    system = asked if asked != "all" else bench.systems[0]
    scales = {parameter["name"]: parameter["scale"] for parameter in bench.parameters(bench.systems[0])}
    floors = [run for run, own in who.items() if own.kind == "floor"]
    pixels = [run for run, own in who.items() if own.learner == "video_pixels"]
    reference = next(iter([*pixels, *floors, *who]), "")
    simulated = {system: {"equation": bench.systems[0], "parameters": scales}}
    return LATENT_SECTIONS[name](LatentTable(found, arrays, who, bench.folder, reference, simulated))


def _who(rows: Iterable[Mapping[str, str]]) -> dict[str, Line]:
    """Runs in the order of the page; of several seeds each is a run of its own."""
    found: dict[str, Line] = {}
    for line in lines(rows):
        for run in line.runs:
            seed = f" {run.rpartition('-')[2]}" if len(line.runs) > 1 else ""
            found[run] = replace(line, label=f"{line.label}{seed}", runs=(run,))
    return found
