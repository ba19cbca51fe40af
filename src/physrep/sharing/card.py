"""The card of a shared run: what it is, data, protocol, scores beside the floors, and what it is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..files import read_csv, read_record, read_rows
from ..learners.identity import identity_of_summary
from ..readout.storage import readout_names
from ..run_directory import SUMMARY
from ..version import __version__

HEAD = {"library_name": "physrep", "tags": ["physics", "representation-learning", "pde"]}


def card_of_run(run: Path, config: Mapping[str, Any]) -> str:
    """Markdown with the metadata block of a Hugging Face model card.

    Args:
        run: the run directory; the benchmark that it is part of is read too, for its floors.
        config: of the run, without places.
    """
    data = config.get("data", {})
    name = data.get("dataset") or Path(str(data.get("path") or "unknown")).name
    summary = read_record(run / SUMMARY) if (run / SUMMARY).is_file() else {}
    kept = {k: v for k, v in data.items() if v not in (None, "", [], {}) and k != "path"}
    lines = [
        "---", yaml.safe_dump(HEAD, sort_keys=False).strip(), "---", "",
        f"# {config['learner']} on {name}", "",
        f"A frozen encoder of physical fields, of physrep {config.get('physrep', __version__)}. It reads "
        f"{config['in_channels']} channels in windows of {config['num_frames']} frames.", "",
        "## Data", "", f"Data set `{name}`, read as:", "",
        "```yaml", yaml.safe_dump(kept, sort_keys=False).strip(), "```", "",
        "Means and standard deviations of the channels over the training split are stored with the weights.", "",
        "## Protocol", "",
        f"{_training(config, summary)} Every choice was made on valid; scores are on test trajectories that no learner "
        "has seen. MSE is of z-scored parameters (1: a constant guess), intervals are over trajectories.", "",
        *(f"- {key}: {summary[key]}" for key in ("steps", "clips_seen", "parameters", "seconds") if key in summary),
        f"- seed: {config.get('seed', 0)}", "",
        "## Scores", "", *_scores(run), "",
        "## Intended range", "", *_ranges(run), "",
        "## Use", "", "```", "physrep pull hf:OWNER/NAME my_run", "physrep predict my_run recordings", "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _training(config: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """How the encoder came to what it knows, as the run's own files say."""
    if source := summary.get("imported_from"):
        return (
            f"The weights are those of {source.get('file', 'a file')} ({source.get('family', 'imported')}), unchanged."
        )
    kind, steps = identity_of_summary(summary, config["learner"]).kind, summary.get("steps")
    if "init_from" in config and steps:
        return f"Trained for {steps} steps on train, starting from the weights of another run" + (
            ", with the labels of train." if kind in ("finetuned", "ceiling") else ", without labels."
        )
    if kind in ("finetuned", "ceiling"):
        return f"Trained for {steps} steps on train with its labels: a ceiling, not a representation without labels."
    if steps:
        return f"Trained for {steps} steps on train alone, without labels."
    if kind == "learner" and steps == 0:
        return "Fitted in closed form on train, without labels and without a gradient step."
    if kind == "oracle":
        return "Nothing was trained: it is given the equation (an oracle)."
    if kind == "floor":
        return "Nothing was trained: it is a floor, and only its probe has seen the labels of train."
    return "No training is recorded for it."


def _scores(run: Path) -> list[str]:
    """Test MSE of the mean over parameters of this run and of the floors of its benchmark."""
    bench = run.parent.parent
    if run.parent.name == "runs" and (bench / "results.csv").is_file():
        rows = read_csv(bench / "results.csv")
    elif (run / "scores.json").is_file():
        rows = [{k: str(v) for k, v in row.items()} for row in read_rows(run / "scores.json")]
    else:
        rows = [
            {**{k: str(v) for k, v in row.items()}, "run": run.name, "probe": path.stem.removeprefix("probe_")}
            for path in sorted(run.glob("probe_*.json"))
            for row in read_record(path).get("rows", [])
        ]
    wanted = {"split": "test", "metric": "mse", "level": "trajectory", "parameter": "mean"}
    rows = [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]
    if not rows:
        return ["None are stored with this run: nothing is known of its quality."]
    floors = {path.name for path in bench.glob("runs/*") if _kind(path) == "floor"}
    table = ["| run | probe | test MSE | 95 % |", "|---|---|---:|---|"]
    for row in rows:
        if row["run"] == run.name or row["run"] in floors or row.get("learner") == "constant":
            mark = " (this run)" if row["run"] == run.name else " (floor)"
            interval = f"[{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}]"
            table.append(f"| {row['run']}{mark} | {row['probe']} | {float(row['value']):.3f} | {interval} |")
    if not floors:
        table.append("\nNo floors were run beside it; the scores alone do not say whether anything was learned.")
    return table


def _kind(folder: Path) -> str:
    return read_record(folder / SUMMARY).get("kind", "") if (folder / SUMMARY).is_file() else ""


def _ranges(run: Path) -> list[str]:
    names = readout_names(run)
    if not names:
        return ["No readout is stored; the encoder is meant for fields like those of its data."]
    ranges = read_record(run / f"readout_{names[0]}.json").get("ranges", {})
    return [
        *(f"- {name}: {low:.4g} to {high:.4g}" for name, (low, high) in ranges.items()),
        "",
        "Recordings outside of these values, of another grid, time step or noise, are outside of what was learned; "
        "`physrep predict` says so.",
    ]
