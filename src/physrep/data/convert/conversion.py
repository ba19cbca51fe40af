"""From foreign files to a data set in The Well's format: streamed, resumable, every bad trajectory named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import PhysrepError
from ...executors import writing
from ...files import file_fingerprint, read_record, write_json
from ...progress import Progress
from ...ranges import SEEDS, check_ranges, setting
from ..names import SPLITS
from ..single_precision import REMEDY, coarse, in_single
from ..splits import DEFAULT_FRACTIONS
from ..stats import frame_blocks, write_stats
from ..time_steps import say_uneven
from ..well import writing_well
from ..well_header import WellHeader
from .assemble import open_any
from .recording import ForeignRecording
from .source import close_files
from .split import split_trajectories

MARK = "conversion.json"


@dataclass
class ConvertConfig:
    """What to convert, and how.

    Attributes:
        fields, axes, parameters, numbers, dt, dx, periodic, name, test_folder, files_are: as in `open_any`.
        split: ``trajectory``, ``cell``, ``folder``, a name of a split, or a column of the parameter table; default
            folder if the source has folders train, valid, test, and trajectory otherwise.
        fractions: shares of train, valid and test.
        seed: of the shuffled splits.
        drop_bad: leave bad trajectories out; without it they end the conversion, all named at once.
        per_file: trajectories per file.
    """

    fields: list[str] | None = None
    axes: list[str] | None = None
    parameters: str | None = None
    numbers: list[str] | None = None
    dt: float | None = setting(None, above=0, at_most=1e30)
    dx: list[float] | None = setting(None, filled=True, above=0, at_most=1e30)
    periodic: list[str] | None = None
    name: str | None = None
    test_folder: str | None = None
    files_are: str | None = setting(None, choices=("trajectories", "frames"))
    split: str | None = None
    fractions: list[float] = setting(factory=lambda: list(DEFAULT_FRACTIONS), length=3, at_least=0, at_most=1)
    seed: int = setting(0, at_least=0, at_most=SEEDS)
    drop_bad: bool = False
    per_file: int = setting(64, at_least=1, at_most=10**6)


@dataclass(frozen=True)
class _Task:
    """A file to write and its trajectories, which have the same number of frames."""

    path: Path
    indices: tuple[int, ...]


class _Bad(Exception):
    """A trajectory that is being written turned out to be bad."""


def convert(
    source: str | Path,
    out: str | Path,
    config: ConvertConfig | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Convert foreign files to a data set in The Well's format, or finish a conversion that was interrupted.

    At no time more than some tens of megabytes of fields are in memory (a variable of an old ``.mat`` file, or a
    picture, is read as a whole). Bad trajectories are those with values that are not finite, with all fields constant,
    of another grid, time step or fields than most, with fewer than two frames, or that cannot be read.

    Args:
        source: see `open_any`.
        out: folder of the data set; it gets ``data/{train,valid,test}/*.hdf5`` and ``stats.yaml``.
        config: see `ConvertConfig`.
        say: takes every line on what was guessed, defaulted or left out.

    Returns:
        The data set's folder.

    Raises:
        PhysrepError: bad trajectories without ``drop_bad`` (the sentence names them all), options that do not fit, a
            full disk, or ``out`` holds another data set.
    """
    try:
        check_ranges(config or ConvertConfig())
        return _convert(Path(source), Path(out), config or ConvertConfig(), say)
    finally:
        close_files()


def _convert(source: Path, root: Path, config: ConvertConfig, say: Callable[[str], None] | None) -> Path:
    view = ("fields", "axes", "parameters", "numbers", "dt", "dx", "periodic", "name", "test_folder", "files_are")
    recording = open_any(source, **{key: getattr(config, key) for key in view})
    if say is None:
        say_uneven(source, recording.uneven)
        say = _unsaid
    for line in _description(recording):
        say(line)
    assigned, sentence = split_trajectories(
        config.split,
        len(recording),
        folders=recording.folders,
        parameters=recording.parameters,
        table=recording.table,
        fractions=config.fractions,
        seed=config.seed,
    )
    say(sentence)
    with writing(root, "physrep convert"):
        return _written(source, root, recording, assigned, config, say)


def _written(
    source: Path,
    root: Path,
    recording: ForeignRecording,
    assigned: Sequence[str],
    config: ConvertConfig,
    say: Callable[[str], None],
) -> Path:
    """Write what is not there yet, in a folder that no other one writes."""
    _claim(root, source, recording, config)
    tasks = _tasks(root, recording, assigned, config)
    bad = dict(recording.bad)
    pending = [task for task in tasks if not task.path.exists()]
    with Progress(sum(len(task.indices) for task in tasks), "convert", "trajectories") as progress:
        progress.advance(sum(len(task.indices) for task in tasks if task not in pending), "found")
        for task in pending:
            bad |= _write(task, recording, config, partial(progress.advance, note=task.path.name))
    if bad and not config.drop_bad:
        listed = "; ".join(f"{recording.place(i)}: {bad[i]}" for i in sorted(bad))
        raise PhysrepError(
            f"{source}: {len(bad)} of {len(recording)} trajectories are bad; mend them, or leave them out with "
            f"--drop-bad. They are: {listed}."
        )
    for text in recording.coarse.values():
        say(f"{text}; {REMEDY}")
    for index in sorted(bad):
        say(f"left out: {recording.place(index)}: {bad[index]}")
    if len(bad) == len(recording):
        raise PhysrepError(f"{source}: all {len(bad)} trajectories are bad, so there is nothing to convert.")
    if "train" in assigned and any(task.path.exists() for task in tasks if task.path.parent.name == "train"):
        if not (root / "stats.yaml").exists():
            write_stats(root)
    else:
        say("no training split, so there is no stats.yaml")
    return root


def _unsaid(line: str) -> None:
    """Whoever calls from Python and takes no lines hears of nothing but time steps that vary."""


def _description(recording: ForeignRecording) -> list[str]:
    fields = ", ".join(field.name + " (vector)" * field.order for field in recording.fields)
    grid = " x ".join(f"{axis} {n}" for axis, n in zip(recording.axes, recording.shape, strict=True))
    head = f"{recording.path}: {len(recording)} trajectories of {fields} on {grid}, time step {recording.dt:.6g}"
    if recording.parameters:
        head += f", parameters {', '.join(recording.parameters)}"
    return [head, *recording.notes]


def _claim(root: Path, source: Path, recording: ForeignRecording, config: ConvertConfig) -> None:
    """Mark the folder as this conversion's, or refuse to mix two data sets."""
    settings: dict[str, Any] = {key: value for key, value in asdict(config).items() if key != "drop_bad"}
    files = [file for file in (config.parameters,) if file is not None]
    settings |= {
        "source": str(source.resolve()),
        "trajectories": len(recording),
        "files": [file_fingerprint(file) for file in [*recording.files, *files]],
    }
    mark = root / MARK
    if mark.exists():
        stored = read_record(mark)
        different = sorted(key for key in {*stored, *settings} if stored.get(key) != settings.get(key))
        if different:
            raise PhysrepError(
                f"{root}: holds a conversion with other settings ({', '.join(different)}); choose another OUT."
            )
        return
    if (root / "data").exists():
        raise PhysrepError(f"{root}: holds data that were not converted by this command; choose another OUT.")
    write_json(mark, settings)


def _tasks(root: Path, recording: ForeignRecording, assigned: Sequence[str], config: ConvertConfig) -> list[_Task]:
    tasks = []
    for split in SPLITS:
        own = [i for i, name in enumerate(assigned) if name == split and i not in recording.bad]
        by_length: dict[int, list[int]] = {}
        for index in own:
            by_length.setdefault(recording.frames(index), []).append(index)
        number = 0
        for members in by_length.values():
            for first in range(0, len(members), config.per_file):
                path = root / "data" / split / f"{recording.name}_{number:04d}.hdf5"
                tasks.append(_Task(path, tuple(members[first : first + config.per_file])))
                number += 1
    return tasks


def _write(
    task: _Task, recording: ForeignRecording, config: ConvertConfig, advance: Callable[[], object]
) -> dict[int, str]:
    """Write a file; without ``drop_bad`` one with a bad trajectory is not kept. Returns the bad ones."""
    bad: dict[int, str] = {}
    try:
        _write_file(task.path, task.indices, recording, bad, advance)
    except _Bad:
        good = tuple(index for index in task.indices if index not in bad)
        if config.drop_bad and good:
            _write_file(task.path, good, recording, {}, lambda: None)
    return bad


def _write_file(
    path: Path, indices: Sequence[int], recording: ForeignRecording, bad: dict[int, str], advance: Callable[[], object]
) -> None:
    """Write these trajectories and put the bad ones into ``bad``; if there is one, the file is not kept."""
    frames = recording.frames(indices[0])
    rows = list(indices)
    header = WellHeader(
        recording.name,
        {field.name: field.order for field in recording.fields},
        {name: torch.from_numpy(values[rows]) for name, values in recording.parameters.items()},
        torch.from_numpy(recording.time(frames)),
        {axis: torch.from_numpy(recording.coordinates[axis]) for axis in recording.axes},
        recording.periodic,
        len(rows),
        {"converted_from": recording.path.resolve().name, "source_trajectories": ",".join(map(str, rows))},
        recording.units,
    )
    with writing_well(path, header) as writer:
        for row, index in enumerate(rows):
            problem = _copy(
                recording, index, frames, lambda name, at, block, row=row: writer.write(name, row, at, block)
            )
            if problem:
                bad[index] = problem
            advance()
        if bad:
            raise _Bad


def _copy(recording: ForeignRecording, index: int, frames: int, write: Callable[[str, int, np.ndarray], None]) -> str:
    """Copy one trajectory block by block; returns what is wrong with it."""
    varies, rounded = False, ""
    for field_ in recording.fields:
        components = len(recording.axes) if field_.order else 1
        low, high = np.inf, -np.inf
        for start, count in frame_blocks(frames, 4 * components * int(np.prod(recording.shape))):
            try:
                exact = recording.exact(index, field_.name, start, count)
                block = in_single(exact, field_.name)
            except PhysrepError as error:
                return str(error).removeprefix(f"{recording.place(index)}: ").removesuffix(".")
            finite = np.isfinite(block).reshape(len(block), -1).all(1)
            if not finite.all():
                return f"{field_.name} is not finite in frame {start + int(np.argmin(finite))}"
            low, high = min(low, float(exact.min())), max(high, float(exact.max()))
            write(field_.name, start, block)
        varies |= bool(np.float32(low) < np.float32(high))
        if problem := coarse(low, high):
            rounded = recording.coarse.setdefault(field_.name, f"{field_.name} of {recording.place(index)} {problem}")
    if varies:
        return ""
    return f"all fields are constant in single precision: {rounded}" if rounded else "all fields are constant"
