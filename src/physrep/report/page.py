"""The report: one self-contained HTML page, and its figures as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ..benchmark.calibration import LARGEST_RATIO, LOWEST_FLOOR, calibration
from ..benchmark.directory import Bench, Run, read_comparison
from ..benchmark.entries import LEVELS, metric_names, to_float
from ..benchmark.headline import lead_of
from ..benchmark.leaderboard import leaderboard
from ..benchmark.names import probe_name
from ..benchmark.predicted import shown_entries
from ..benchmark.studies import Study
from ..files import write_text
from ..formats import count, gigabytes, number, operations
from ..learners.identity import KINDS, identity_of_name
from ..progress import duration
from .cost import cost_plot
from .draw import Plot, save_figure
from .fields import sample_figure
from .figure_data import write_figure_data
from .leaderboard_formats import CAPTION, board_table
from .predictions import predictions_plot
from .render import render_page
from .scores import scores_plot
from .sections import sections as extra_sections
from .sections.differences import difference_sections
from .sections.discovery import discovery_sections
from .sections.search import search_sections
from .tables import has_twins as has_twins
from .tables import page_table, twin_notes
from .training import MOST_RUNS, shown_runs, training_plot
from .transfer_facts import transfer_lead


def build_report(directory: str | Path) -> Path:
    """Write ``report.html``, ``figures/*.png`` and ``figures/*.csv`` of a finished benchmark, from its files only.

    The page holds its style, script and figures, so it can be sent as one file; it can be read without the
    script. Absent optional files are named on the page.

    Args:
        directory: what `physrep bench` wrote; it needs ``results.csv``, everything else is optional.

    Returns:
        Path of the page.

    Raises:
        PhysrepError: there are no results, a file is broken, or the page cannot be written.
    """
    bench = Bench.read(directory)
    path = bench.folder / "report.html"
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    write_text(path, render_page("report.html.j2", script=script, **_context(bench)))
    write_figure_data(bench)
    return path


def _context(bench: Bench) -> dict[str, Any]:
    sections = [_system(bench, system) for system in bench.systems]
    record = read_comparison(bench.folder)
    samples = curves = None
    if bench.samples is not None:
        figure = sample_figure(bench.samples, bench.data)
        samples = save_figure(figure, bench.folder / "figures" / "samples.png", "Sample fields of test trajectories")
    trained = [run for run in bench.runs.values() if run.curves]
    if (plot := training_plot(trained)) is not None:
        curves = plot.save(bench.folder / "figures" / "curves.png", "Training and collapse curves", "curves")
    return {
        "title": f"physrep {'comparison' if record else 'benchmark'}: {', '.join(bench.systems)}",
        "subtitle": "Which physical parameters can be read from frozen representations of simulated fields?",
        "systems": sections,
        "levels": LEVELS,
        "probes": list(dict.fromkeys(entry.probe for entry in bench.entries if entry.probe)),
        "samples": samples,
        "curves": curves,
        "sections": [
            *difference_sections(bench),
            *discovery_sections(bench),
            *extra_sections(bench),
            *search_sections(bench),
        ],
        "runs_left_out": max(0, len(trained) - len(shown_runs(trained))) if len(trained) > MOST_RUNS else 0,
        "datas": [bench.data_of(system) for system in bench.systems],
        "board": board_table(*leaderboard([Study(bench.folder.name, bench)])) if len(bench.systems) > 1 else None,
        "board_caption": CAPTION,
        "studies": record.get("studies", {}),
        "duplicates": record.get("duplicates", []),
        "metrics": metric_names(bench.entries),
        "costs": [_cost(run) for run in bench.runs.values()],
        "config": yaml.safe_dump(bench.config, sort_keys=False, allow_unicode=True) if bench.config else "",
        "environment": _flat(bench.environment),
        # The figures above may add notes of their own.
        "notes": list(dict.fromkeys(bench.notes)),
        "seeds": max(len(entry.runs) for entry in bench.entries),
        "rule": {"floor": LOWEST_FLOOR, "share": "two thirds" if LARGEST_RATIO == 2 / 3 else f"{LARGEST_RATIO:.0%}"},
    }


def _system(bench: Bench, system: str) -> dict[str, Any]:
    prefix = "" if len(bench.systems) == 1 else f"{system}_"
    figures = bench.folder / "figures"
    parameters = bench.parameters(system)
    names = [parameter["name"] for parameter in parameters]
    shown = shown_entries(bench, system)

    def drawn(plot: Plot | None, name: str, alt: str) -> str | None:
        return plot.save(figures / f"{prefix}{name}.png", alt, "dots" if name == "scores" else name) if plot else None

    # calibration.csv is of the one system that a benchmark has.
    measured = (bench.calibration or []) if bench.data.get("system", bench.systems[0]) == system else []
    scored = [{**row, "value": to_float(row["value"])} for row in bench.rows if row["system"] == system]
    rows = measured or calibration(scored, bench.identities)
    labels = {run.learner: run.identity.label for run in bench.runs.values()}
    own = [entry for entry in bench.entries if entry.system == system]
    return {
        "measured": has_twins(own),
        "twin_notes": twin_notes(own),
        "collapses": list(dict.fromkeys(f"{entry.label}: {entry.collapse}" for entry in own if entry.collapse)),
        "name": system,
        "parameters": parameters,
        "tables": {level: page_table(bench.entries, system, names, level) for level in LEVELS},
        "trajectories": own[0].trajectories if own else 0,
        "leads": [lead for lead in (transfer_lead(bench, system), lead_of(bench, system)) if lead is not None],
        "dots": drawn(scores_plot(bench, system), "scores", f"Test MSE on {system} with 95 % intervals"),
        "cost": drawn(cost_plot(bench, system), "cost", f"Test MSE on {system} against cost of training"),
        "scatter": drawn(predictions_plot(bench, system), "scatter", f"Predicted against true parameters on {system}"),
        "scatter_several": any(len(entry.runs) > 1 for entry in shown),
        "scatter_absent": [entry.title for entry in shown if not bench.predictions(entry)],
        "calibration": [_calibration(row, labels) for row in rows],
        "calibration_computed": not measured,
    }


def _calibration(row: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    values = {key: number(to_float(row.get(key))) for key in ("best_floor", "ceiling", "ratio")}
    accepted, unconverged = (str(row.get(key)).lower() for key in ("accepted", "converged"))
    verdict = "yes" if accepted == "true" else "no: the ceiling has not converged" if unconverged == "false" else "no"
    names = {key: _readout(str(row.get(key) or "–"), labels) for key in ("floor_name", "ceiling_name")}
    return {"level": row.get("level", "–"), "parameter": row["parameter"], "accepted": verdict, **names, **values}


def _readout(name: str, labels: dict[str, str]) -> str:
    """``LEARNER + PROBE`` of calibration.csv in the words of the page."""
    learner, _, probe = name.partition(" + ")
    label = labels.get(learner) or identity_of_name(learner).label
    return f"{label}, {probe_name(probe)}" if probe else label


def _cost(run: Run) -> dict[str, str]:
    summary = run.summary
    return {
        "run": run.name,
        "learner": run.identity.label,
        "encoder": str(summary.get("encoder") or "–"),
        "kind": KINDS[run.identity.kind].lower(),
        "seed": str(summary.get("seed", "–")),
        "parameters": count(to_float(summary.get("parameters"))),
        "clips": count(to_float(summary.get("clips_seen"))),
        "flops": operations(to_float(summary.get("flops"))),
        "memory": gigabytes(to_float(summary.get("peak_memory"))),
        "seconds": duration(to_float(summary.get("seconds"))),
        "order": str(summary.get("seconds", "")),
    }


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Nested plain data as one level with dotted keys."""
    if not isinstance(value, dict):
        return {prefix: ", ".join(map(str, value)) if isinstance(value, list) else str(value)}
    parts = [_flat(part, f"{prefix}.{name}".strip(".")) for name, part in value.items()]
    return {key: text for part in parts for key, text in part.items()}
