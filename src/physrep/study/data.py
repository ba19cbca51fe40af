"""The simulations of a study: every set simulated exactly, pooled over its splits, one shown field each.

Files are written by `physrep.simulation` in The Well's format (``DIR/SET/SYSTEM/data/*/*.hdf5``). The analyses draw
their own train and test simulations, so the splits of the files are pooled here and put back into the order of the
simulations' numbers: number i of a set and number i of the set matched to it start from the same field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..analyses.latent.context import Simulations
from ..data import assign_splits, open_well, select_trajectories, write_stats, write_well
from ..data.names import SPLITS
from ..data.open_hdf5 import open_hdf5
from ..data.time_steps import say_uneven, uneven
from ..errors import PhysrepError
from ..files import atomic_write, content_hash, read_record, write_json
from ..simulation import SimulationConfig, simulate
from ..systems import SYSTEMS, Trajectories, trajectory_seed
from .config import FTCS, SetConfig, StudyConfig

FIELDS, RECORD = "fields.npy", "simulations.json"
BLOCK = 8
"""Simulations that are in memory at once."""

SMALL = 10**7
"""Values of a data set below which it is simulated in this process."""

CHANNEL = "shown"
"""Channel name of the shown field in the files that encoders of the study's own are trained on."""


@dataclass
class StudyData(Simulations):
    """All simulations of a study, set after set.

    Attributes:
        fields: shown field, float32 with shape ``(S, T, n, n)``, memory-mapped; the first spatial axis is x.
        simulations: per simulation ``set``, ``equation``, ``number`` in its set, ``pair`` (the same for two that start
            alike, else None), ``seed`` (of the draw of start and parameters), ``parameters`` ``{name: value}``,
            ``notes``.
        sets: per set ``equation``, ``field``, ``dt``, ``periodic``, ``parameters`` ``{name: scale}``.
        key: identifies the content.
    """

    fields: np.ndarray
    simulations: list[dict[str, Any]]
    sets: dict[str, dict[str, Any]]
    key: str


def prepare(config: StudyConfig, folder: Path, device: str = "cpu", seed: int | None = None) -> StudyData:
    """Simulate what is missing, and open everything.

    Args:
        config: the study.
        folder: where the data lie.
        device: where to compute.
        seed: of the simulations; default the study's.

    Raises:
        PhysrepError: settings that a system refuses, a full disk, or the folder holds another study's data.
    """
    seed = config.seed if seed is None else seed
    request = {
        "version": 2,
        # Under the names by which stored data have always been known.
        "sets": {name: _request(own) for name, own in config.systems.items()},
        "simulations": config.trajectories,
        **{key: getattr(config, key) for key in ("resolution", "frames", "initial_condition")},
        "seed": seed,
    }
    key = content_hash(request)
    if (folder / RECORD).is_file():
        return _open(folder, key, config)
    roots: dict[str, Path] = {}
    # Matched sets need their partner's files.
    for name, own in sorted(config.systems.items(), key=lambda item: item[1].matched_to is not None):
        roots[name] = _simulate(name, own, config, folder, roots, device, seed)
    simulations: list[dict[str, Any]] = []
    sets: dict[str, dict[str, Any]] = {}
    total = sum(own.trajectories or _count(own, config) for own in config.systems.values())
    shape = (total, config.frames, config.resolution, config.resolution)
    with atomic_write(folder / FIELDS, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for name, own in config.systems.items():
            for values, record, description in _read(name, own, config, roots[name]):
                file.write(np.ascontiguousarray(values).data)
                simulations.append(record)
                sets[name] = description
    write_json(folder / RECORD, {"key": key, "request": request, "simulations": simulations, "sets": sets})
    return _open(folder, key, config)


def _open(folder: Path, key: str, config: StudyConfig) -> StudyData:
    """What a folder holds, with sets and parameters in the order of the configuration and of the systems."""
    stored = read_record(folder / RECORD, "key", "sets", "simulations")
    if stored["key"] != key:
        raise PhysrepError(f"{folder}: holds the simulations of other settings; choose another --out.")
    sets = {name: dict(stored["sets"][name]) for name in config.systems}
    for own in sets.values():
        # JSON files have their keys sorted.
        own["parameters"] = {name: own["parameters"][name] for name in own["order"]}
    for record in stored["simulations"]:
        record["parameters"] = {name: record["parameters"][name] for name in sets[record["set"]]["order"]}
    return StudyData(np.load(folder / FIELDS, mmap_mode="r"), stored["simulations"], sets, key)


def _request(own: SetConfig) -> dict[str, Any]:
    settings = asdict(own)
    return {**settings, "simulations": settings.pop("trajectories")}


def _count(own: SetConfig, config: StudyConfig) -> int:
    partner = config.systems[own.matched_to] if own.matched_to else own
    return partner.trajectories or config.trajectories


def _simulate(
    name: str, own: SetConfig, config: StudyConfig, folder: Path, roots: dict[str, Path], device: str, seed: int
) -> Path:
    if own.system == FTCS:
        return _simulate_ftcs(folder / name, own, config, seed)
    if own.matched_to:
        settings = SimulationConfig(matched_to=str(roots[own.matched_to]))
    else:
        settings = settings_of_set(name, own, config, seed)
    # Starting worker processes takes longer than a small data set.
    small = _count(own, config) * (config.frames + own.skip) * (own.grid or config.resolution) ** 2 < SMALL
    return simulate(own.system, folder / name, settings, workers=1 if small else None, device=device)


def settings_of_set(name: str, own: SetConfig, config: StudyConfig, seed: int) -> SimulationConfig:
    """What is simulated for a set that is not matched to another."""
    system = SYSTEMS[own.system]
    family = own.initial_condition or config.initial_condition
    if own.initial_condition is None and family not in system.initial_conditions:
        family = system.initial_conditions[0]
    return SimulationConfig(
        trajectories=_count(own, config),
        resolution=[own.grid or config.resolution] * 2,
        frames=config.frames + own.skip,
        save_dt=own.save_dt,
        # Sets that are not matched share no starts.
        seed=trajectory_seed(seed, name) % 2**31,
        initial_condition=family,
        ranges=own.ranges,
    )


def _simulate_ftcs(folder: Path, own: SetConfig, config: StudyConfig, seed: int) -> Path:
    """The published data, α beyond the stability limit included."""
    from ..systems.linear.ftcs_heat import draw_ftcs, ftcs_heat

    root = folder / FTCS
    size, count = own.grid or config.resolution, _count(own, config)
    seeds = [trajectory_seed(seed, FTCS, number) for number in range(count)]
    for first in range(0, count, BLOCK):
        path = root / "data" / "train" / f"{FTCS}_{first // BLOCK:04d}.hdf5"
        if path.is_file():
            continue
        numbers = range(first, min(first + BLOCK, count))
        diffusivity, start = draw_ftcs([seeds[i] for i in numbers], size)
        result = ftcs_heat(diffusivity, start, config.frames + own.skip)
        write_well(path, result, {"trajectory_numbers": ",".join(map(str, numbers)), "seed": seed})
    return root


def _read(
    name: str, own: SetConfig, config: StudyConfig, root: Path
) -> Iterator[tuple[np.ndarray, dict[str, Any], dict[str, Any]]]:
    """Field, record and description of each simulation of a set, in the order of their numbers."""
    where: dict[int, tuple[Path, int]] = {}
    for path in sorted(root.glob("data/*/*.hdf5")):
        with open_hdf5(path) as file:
            numbers = str(file.attrs["trajectory_numbers"]).split(",")
        where.update({int(number): (path, row) for row, number in enumerate(numbers)})
    paired = own.matched_to or next((k for k, other in config.systems.items() if other.matched_to == name), None)
    pair_name = own.matched_to or name
    scales = {p.name: p.scale for p in SYSTEMS[own.system].parameters} if own.system in SYSTEMS else {}
    for number in sorted(where):
        path, row = where[number]
        with open_well(path) as file:
            say_uneven(path, uneven(file.time))
            channel = own.field or file.channels[0]
            values = file.read(row, own.skip, config.frames, channels=[channel])[0]
            parameters = {key: float(column[row]) for key, column in file.parameters.items()}
            description = {
                "equation": own.system,
                "field": channel,
                "dt": file.dt,
                "periodic": list(file.periodic),
                "parameters": {key: scales.get(key, "linear") for key in parameters},
                "order": [key for key in scales if key in parameters] or list(parameters),
            }
        factor = values.shape[1] // config.resolution
        if factor > 1:
            values = values.reshape(config.frames, config.resolution, factor, config.resolution, factor).mean((2, 4))
        record = {
            "set": name,
            "equation": own.system,
            "number": number,
            "pair": f"{pair_name}/{number}" if paired else None,
            "parameters": parameters,
        }
        yield values.astype(np.float32, copy=False), record, description


def write_training_data(data: StudyData, root: Path) -> Path:
    """The shown fields of all sets as one data set in The Well's format, to train encoders on.

    Its parameters are the number of the set and the first physical parameter of each simulation; learners without
    labels read neither.
    """
    if (root / "stats.yaml").is_file():
        return root
    names = list(data.sets)
    n, frames = data.fields.shape[-1], data.fields.shape[1]
    axis = torch.arange(n, dtype=torch.float64) / n
    splits = np.array(assign_splits(len(data), 0, (0.8, 0.1, 0.1)))
    for split in SPLITS:
        rows = np.flatnonzero(splits == split)
        whole = Trajectories(
            system="study",
            fields={CHANNEL: torch.from_numpy(np.asarray(data.fields[rows]))},
            parameters={
                "set": torch.tensor([float(names.index(data.simulations[i]["set"])) for i in rows]).double(),
                "first_parameter": torch.tensor(
                    [next(iter(data.simulations[i]["parameters"].values())) for i in rows], dtype=torch.float64
                ),
            },
            time=torch.arange(frames, dtype=torch.float64),
            coordinates={"x": axis, "y": axis},
            periodic=(True, True) if all(all(own["periodic"]) for own in data.sets.values()) else (False, False),
        )
        for number, first in enumerate(range(0, len(rows), 64)):
            part = select_trajectories(whole, list(range(first, min(first + 64, len(rows)))))
            write_well(root / "data" / split / f"study_{number:04d}.hdf5", part)
    write_stats(root)
    return root
