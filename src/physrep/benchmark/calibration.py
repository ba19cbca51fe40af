"""Is a data set hard enough to tell learners apart? The table of its floors and its ceiling.

A preset is accepted if, on test, the best floor leaves at least 15 % of the variance unexplained and the supervised
ceiling is at most two thirds of that floor. Which floor and which probe are best is chosen on valid.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..files import write_csv
from ..learners.identity import Identity, identity_of_name
from ..run_directory import CONFIG, METRICS, stored_run_config
from ..training.log import read_metrics

LOWEST_FLOOR, LARGEST_RATIO = 0.15, 2 / 3

STILL_IMPROVING = 0.05
"""Share by which the last quarter of a training, or half as many steps again, may lower its loss on valid: it still
counts as converged."""

LONGER = 1.5
"""Steps of a longer training over those of one that it is held against."""

COLUMNS: tuple[str, ...] = (
    "level", "parameter", "best_floor", "floor_name", "ceiling", "ceiling_name", "ratio", "train_loss",
    "converged", "accepted",
)  # fmt: skip
"""Columns of calibration.csv."""


def calibration(
    rows: list[dict[str, Any]], identities: Mapping[str, Identity] | None = None, runs: Path | None = None
) -> list[dict[str, Any]]:
    """One row per level and parameter; empty if the floors or the ceiling were not run.

    Args:
        rows: of results.csv.
        identities: run name to kind, label and colour; other runs go by the name of their learner.
        runs: folder of the run directories; a ceiling whose training has not converged there is not accepted.

    Returns:
        Rows with the columns of calibration.csv; values are test MSE of z-scored parameters (constant = 1).
    """
    known = identities or {}
    kinds = {row["run"]: (known.get(row["run"]) or identity_of_name(row["learner"])).kind for row in rows}
    kinds = {name: "ceiling" if kind == "unconverged" else kind for name, kind in kinds.items()}
    table = []
    mse = [row for row in rows if row["metric"] == "mse"]
    ends = ceiling_ends({name: runs / name for name, kind in kinds.items() if kind == "ceiling"}) if runs else {}
    for level in ("window", "trajectory"):
        for parameter in dict.fromkeys(row["parameter"] for row in mse):
            cells = [row for row in mse if row["level"] == level and row["parameter"] == parameter]
            floor, ceiling = _best(cells, "floor", kinds), _best(cells, "ceiling", kinds)
            if floor is None or ceiling is None or floor["learner"] == "constant":
                continue
            trained = ends.get(ceiling["run"], TrainingEnd())
            ratio = ceiling["value"] / floor["value"] if floor["value"] > 0 else math.nan
            table.append(
                {
                    "level": level,
                    "parameter": parameter,
                    "best_floor": floor["value"],
                    "floor_name": f"{floor['learner']} + {floor['probe']}",
                    "ceiling": ceiling["value"],
                    "ceiling_name": f"{ceiling['learner']} + {ceiling['probe']}",
                    "ratio": ratio,
                    "train_loss": trained.loss,
                    "converged": trained.converged,
                    "accepted": bool(
                        floor["value"] >= LOWEST_FLOOR and ratio <= LARGEST_RATIO and trained.converged is not False
                    ),
                }
            )
    return table


class TrainingEnd(NamedTuple):
    """How a training ended: mean training loss of its last tenth, and whether it has stopped improving on valid.

    None where the run does not tell: it is then said nowhere that it has converged.
    """

    loss: float | None = None
    converged: bool | None = None


def ceiling_ends(ceilings: Mapping[str, Path]) -> dict[str, TrainingEnd]:
    """Name to the end of the training, given the run directory of every ceiling of a benchmark."""
    return {name: ceiling_end(run, ceilings.values()) for name, run in ceilings.items()}


def ceiling_end(run: Path, others: Iterable[Path] = ()) -> TrainingEnd:
    """End of a training, held against trainings of the same learner, options and seed with more or fewer steps.

    Under a learning rate that falls to zero the last quarter of any training lowers its loss, so that alone says
    little. Where the benchmark has trained the same thing for `LONGER` times as many steps, or the other way round, the
    lowest loss on valid of both decides: the training has converged if more steps lower it by no more than that share.

    Args:
        run: run directory of the ceiling.
        others: run directories of other ceilings; another learner, other options or another seed are passed over.
    """
    end, mine = training_end(run), _trained(run)
    if mine is None:
        return end
    same = [their for their in map(_trained, others) if their is not None and their.what == mine.what]
    for their in sorted(same, key=lambda trained: -trained.steps):
        short, long = sorted((mine, their), key=lambda trained: trained.steps)
        if long.steps >= LONGER * short.steps:
            return TrainingEnd(end.loss, long.lowest >= (1 - STILL_IMPROVING) * short.lowest)
    return end


class _Trained(NamedTuple):
    what: str
    steps: int
    lowest: float


def _trained(run: Path) -> _Trained | None:
    """What was trained, for how many steps, and its lowest loss on valid; None where the run does not tell."""
    if not (run / METRICS).is_file() or not (run / CONFIG).is_file():
        return None
    rows, config = read_metrics(run), stored_run_config(run) or {}
    losses = [float(row["valid_loss"]) for row in rows if row.get("valid_loss")]
    what: dict[str, Any] = {name: config.get(name) for name in ("learner", "options", "seed")}
    what |= {k: v for k, v in (config.get("training") or {}).items() if k not in ("steps", "flops")}
    if not losses:
        return None
    return _Trained(json.dumps(what, default=str, sort_keys=True), max(int(row["step"]) for row in rows), min(losses))


def training_end(run: Path) -> TrainingEnd:
    """Training loss and convergence of a run, from its metrics.csv.

    It has not converged if its last quarter lowered the lowest loss on valid by more than `STILL_IMPROVING` (or, where
    valid was not followed, the mean training loss of the quarter before): more steps would make a lower ceiling.
    """
    rows = read_metrics(run) if (run / METRICS).is_file() else []
    table = {
        name: [(int(row["step"]), float(row[name])) for row in rows if row.get(name)] for name in ("loss", "valid_loss")
    }
    if not table["loss"]:
        return TrainingEnd()
    steps = max(step for step, _ in table["loss"])
    loss = _mean([value for step, value in table["loss"] if step > 0.9 * steps])
    if table["valid_loss"]:
        before = min((value for step, value in table["valid_loss"] if step <= 0.75 * steps), default=math.nan)
        after = min((value for step, value in table["valid_loss"] if step > 0.75 * steps), default=math.nan)
    else:
        before = _mean([value for step, value in table["loss"] if 0.5 * steps < step <= 0.75 * steps])
        after = _mean([value for step, value in table["loss"] if step > 0.75 * steps])
    if not math.isfinite(before + after):
        return TrainingEnd(loss)
    return TrainingEnd(loss, after >= (1 - STILL_IMPROVING) * before)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _best(cells: list[dict[str, Any]], kind: str, kinds: dict[str, str]) -> dict[str, Any] | None:
    """The test row of the run and probe with the lowest MSE on valid; None if none has a finite one."""
    valid = [row for row in cells if row["split"] == "valid" and kinds[row["run"]] == kind]
    valid = [row for row in valid if math.isfinite(row["value"])]
    if not valid:
        return None
    best = min(valid, key=lambda row: row["value"])
    same = ("run", "probe")
    return next(row for row in cells if row["split"] == "test" and all(row[k] == best[k] for k in same))


def write_calibration(path: Path, table: list[dict[str, Any]]) -> None:
    """Write calibration.csv, or nothing if the table is empty."""
    if not table:
        path.unlink(missing_ok=True)
        return
    write_csv(path, COLUMNS, table)


def calibration_text(table: list[dict[str, Any]]) -> str:
    """The table for a terminal, with the verdict."""
    lines = [
        f"{'level':<11}{'parameter':<14}{'best floor':>11}  {'':<24}{'ceiling':>8}  {'':<22}{'ratio':>6}  accepted"
    ]
    for row in table:
        verdict = "yes" if row["accepted"] else "no"
        lines.append(
            f"{row['level']:<11}{row['parameter']:<14}{row['best_floor']:>11.3f}  {row['floor_name']:<24}"
            f"{row['ceiling']:>8.3f}  {row['ceiling_name']:<22}{row['ratio']:>6.2f}  {verdict}"
        )
    for name in dict.fromkeys(row["ceiling_name"] for row in table if row.get("converged") is False):
        loss = next(row["train_loss"] for row in table if row["ceiling_name"] == name)
        lines.append(
            f"{name} is no ceiling: its training has not converged (train loss {loss:.3f}, and the last quarter of its "
            f"steps, or a longer training of the same, lowered the loss by more than {STILL_IMPROVING:.0%}); train it "
            "for more steps."
        )
    lines.append(
        f"Test MSE of z-scored parameters (constant = 1). Accepted: floor >= {LOWEST_FLOOR}, "
        f"ceiling <= {LARGEST_RATIO:.2f} of it."
    )
    return "\n".join(lines)
