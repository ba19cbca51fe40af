"""The card of a shared data set: what it holds, how it was made, and under which licence it may be used."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ..data import SPLITS, WellFile, has_split, split_files
from ..data.convert.conversion import MARK as CONVERSION
from ..errors import PhysrepError
from ..files import read_record
from ..simulation import MARK as SIMULATION
from ..systems import SYSTEMS

TAGS = ["physics", "pde", "the-well"]


def card_of_data(root: Path, licence: str = "") -> str:
    """Markdown with the metadata block of a Hugging Face data set card.

    Args:
        root: folder of the data set; metadata of all its files are read.
        licence: an identifier; empty: the card says that none is given.

    Raises:
        PhysrepError: a file cannot be read.
    """
    splits, first, parameters = _read(root)
    simulation = read_record(root / SIMULATION) if (root / SIMULATION).is_file() else {}
    head: dict[str, Any] = {"pretty_name": first.dataset_name, "tags": TAGS + ["simulation"] * bool(simulation)}
    if licence:
        head["license"] = licence
    grid = " x ".join(f"{axis} {n}" for axis, n in zip(first.axes, first.shape, strict=True))
    kinds = ("scalar", "vector", "tensor")
    stated = f"`{licence}`" if licence else "None is given: ask whoever shares the data before you use them."
    lines = [
        "---", yaml.safe_dump(head, sort_keys=False).strip(), "---", "",
        f"# {first.dataset_name}", "",
        "HDF5 files in the format of [The Well](https://polymathic-ai.org/the_well/).", "",
        "## Contents", "",
        "| split | files | trajectories | frames |", "|---|---:|---:|---|",
        *(f"| {name} | {files} | {count} | {frames} |" for name, (files, count, frames) in splits.items()), "",
        f"- fields: {', '.join(f'{f.name} ({kinds[f.order]})' for f in first.fields.values())}",
        f"- resolution: {grid}", f"- time between frames: {first.dt:.6g}",
        f"- sides: {_sides(first)}",
        f"- boundaries: {', '.join(f'{axis} {_boundary(first, axis)}' for axis in first.axes)}", "",
        "## Parameters", "", *_parameters(parameters, first.dataset_name), "",
        "## How it was made", "", *_made(root, first, simulation), "",
        "## Licence", "", stated, "",
        "## Use", "", "```", "physrep pull hf:datasets/OWNER/NAME my_data", "physrep check my_data", "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _read(root: Path) -> tuple[dict[str, tuple[int, int, str]], WellFile, dict[str, dict[str, np.ndarray]]]:
    """Files, trajectories and frames per split, the first file, and the values of every parameter per split."""
    counts: dict[str, tuple[int, int, str]] = {}
    parameters: dict[str, dict[str, np.ndarray]] = {}
    first: WellFile | None = None
    for split in (name for name in SPLITS if has_split(root, name)):
        lengths, values = [], []
        for path in split_files(root, split):
            with WellFile(path) as file:
                lengths += [file.n_frames] * file.n_trajectories
                values.append(file.parameters)
                first = first or file
        shown = str(lengths[0]) if len(set(lengths)) == 1 else f"{min(lengths)} to {max(lengths)}"
        counts[split] = (len(values), len(lengths), shown)
        for name in values[0]:
            parameters.setdefault(name, {})[split] = np.concatenate([own[name] for own in values if name in own])
    if first is None:
        raise PhysrepError(f"{root}: holds no files in data/train, data/valid or data/test; give a data set.")
    return counts, first, parameters


def _sides(file: WellFile) -> str:
    points = file.coordinates.items()
    return ", ".join(f"{axis} {values[0]:.6g} to {values[-1]:.6g} ({len(values)} points)" for axis, values in points)


def _boundary(file: WellFile, axis: str) -> str:
    return " and ".join(dict.fromkeys(kind.lower() for kind in file.boundaries.get(axis, ()))) or "not stated"


def _parameters(values: Mapping[str, Mapping[str, np.ndarray]], dataset: str) -> list[str]:
    if not values:
        return ["None are stored: the data are unlabelled."]
    known = {p.name: p for p in SYSTEMS[dataset].parameters} if dataset in SYSTEMS else {}
    splits = list(dict.fromkeys(split for own in values.values() for split in own))
    table = [f"| name | meaning | {' | '.join(splits)} |", f"|---|---|{'---|' * len(splits)}"]
    for name, own in values.items():
        about = known.get(name)
        meaning = f"{about.symbol}: {about.meaning}, drawn {about.scale}-uniformly" if about else ""
        table.append(f"| {name} | {meaning} | {' | '.join(_range(own.get(split)) for split in splits)} |")
    return table


def _range(values: np.ndarray | None) -> str:
    if values is None:
        return "not stored"
    known = values[np.isfinite(values)]
    if not len(known):
        return "unknown"
    text = f"{known.min():.4g} to {known.max():.4g}" if known.min() < known.max() else f"{known.min():.4g}"
    return text + f" ({len(values) - len(known)} unknown)" * (len(known) < len(values))


def _made(root: Path, file: WellFile, simulation: Mapping[str, Any]) -> list[str]:
    if not simulation:
        how = (
            f"Converted by `physrep convert`; `{CONVERSION}` holds its settings."
            if (root / CONVERSION).is_file()
            else ""
        )
        stated = [f"- {name}: {value}" for name, value in file.attributes.items() if name in ("solver", "precision")]
        return [
            *([how, ""] if how else []),
            *stated,
            "Nothing else is recorded of how the values were computed or measured.",
        ]
    return [
        f"Simulated with physrep. Solver: {file.attributes.get('solver', 'not recorded')}. The same data again:", "",
        "```", command(simulation), "```", "",
        f"- seed: {simulation['seed']}" + _test_seed(simulation.get("test_seed")),
        f"- initial conditions: {simulation['initial_condition']}",
        f"- precision: {simulation['precision']} (files are float32)",
        *(f"- {name}: {value}" for name, value in simulation["options"].items()),
        *(["- matched to another data set: the same initial fields"] * bool(simulation["matched_to"])),
        "", *_equations(simulation["system"]),
    ]  # fmt: skip


def _test_seed(seed: int | None) -> str:
    return "" if seed is None else f"; test trajectories are drawn with {seed}"


def _equations(name: str) -> list[str]:
    try:
        system = SYSTEMS[name]
    except PhysrepError:
        return [f"The system `{name}` is code of whoever made the data."]
    text = inspect.getdoc(sys.modules[type(system).__module__]) or ""
    return ["```", text, "```"] if text else []


def command(simulation: Mapping[str, Any]) -> str:
    """The command that simulates the same data.

    Args:
        simulation: what ``simulation.json`` holds.
    """
    words: list[str] = ["physrep", "simulate", simulation["system"], "--out", "DIR"]
    for name, value in simulation.items():
        if name == "system" or value in (None, False, {}):
            continue
        option = f"--{name.replace('_', '-')}"
        if name in ("ranges", "options"):
            for key, own in value.items():
                words += [f"--{name}.{key}", _word(own)]
        elif name == "matched_to":
            words += [option, "PARTNER"]
        elif value is True:
            words.append(option)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            words += [option, *map(_word, value)]
        else:
            words += [option, _word(value)]
    return shlex.join(words)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
