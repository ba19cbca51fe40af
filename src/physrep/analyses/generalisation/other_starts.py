"""The test trajectories once more, from starts of another family."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from ...data import ClipDataset
from ...data.splits import assign_splits
from ...files import content_hash, read_json, write_json
from ...simulation import MARK, SimulationConfig
from ...simulation.dataset import simulate_tasks
from ...simulation.file import FileTask
from ...simulation.request import Request, resolve_request
from ...systems import SYSTEMS
from .study import ShiftStudy

FOLDER = "generalisation_data"
PER_FILE = 16


def other_starts(study: ShiftStudy, family: str | None = None) -> tuple[ClipDataset, np.ndarray, str] | str:
    """Simulate the chosen test trajectories with the same parameters and seeds, but starts of another family.

    The data lie in ``analyses/generalisation_data``, file by file; files that are there are not simulated again.

    Args:
        study: its chosen test trajectories are simulated.
        family: of the starts; default the first that differs from that of the data.

    Returns:
        The data set, the test trajectory that has the parameters of each of its trajectories, and the family; or a
        sentence that says why there is none.
    """
    request = other_request(study, family)
    if isinstance(request, str):
        return request
    settings = request.settings
    name = settings["initial_condition"]
    assigned = assign_splits(settings["trajectories"], settings["seed"], settings["splits"])
    members = [number for number, split in enumerate(assigned) if split == "test"]
    if len(members) != study.test.n_trajectories:
        return "The test split is not the one that was simulated, so no other starts were simulated for it."
    numbers = [members[i] for i in study.trajectories]
    claim = {**settings, "numbers": numbers}
    root = study.context.out / "analyses" / FOLDER / f"{settings['system']}-{name}-{content_hash(claim)}"
    tasks = []
    for first in range(0, len(numbers), PER_FILE):
        part = tuple(numbers[first : first + PER_FILE])
        tasks.append(
            FileTask(
                root / "data" / "test" / f"{settings['system']}_{part[0]:06d}.hdf5", part, settings.get("test_seed")
            )
        )
    write_json(root / MARK, claim)
    simulate_tasks(tasks, request, device=study.context.device, label=f"simulate {settings['system']}, {name}")
    view = replace(study.context.data, path=str(root), root="", parameters=list(study.test.parameter_names))
    dataset = view.open("test", study.train.stats)
    return dataset, study.trajectories, name


def other_request(study: ShiftStudy, family: str | None) -> Request | str:
    """The request of the benchmark's data with another family of starts, or why there is none."""
    path = str(study.context.data.path)
    if "://" in path or not (Path(path) / MARK).is_file():
        return "The data were not simulated here, so there are no trajectories from other starts."
    settings = read_json(Path(path) / MARK)
    if settings.get("matched_to") is not None:
        return "The data are the matched partner of another data set, whose starts they share."
    own, known = settings["initial_condition"], SYSTEMS[settings["system"]].initial_conditions
    others = [name for name in known if name != own]
    if not others:
        return f"{settings['system']} has one family of starts only."
    config = SimulationConfig(**{f.name: settings[f.name] for f in fields(SimulationConfig) if f.name in settings})
    return resolve_request(settings["system"], replace(config, initial_condition=family or others[0]))
