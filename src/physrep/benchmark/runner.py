"""From a configuration to results.csv and report.html: the grid of runs, finished ones skipped."""

from __future__ import annotations

from concurrent.futures import as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analyses import Context, FrozenRun
from ..analyses.run import check_analyses, run_analyses
from ..data.config import DataConfig, parameter_scales
from ..devices import resolve_device
from ..errors import PhysrepError
from ..files import read_json, write_csv, write_json, write_yaml
from ..learners.identity import identity_of_summary
from ..processes import cores, process_pool
from ..ranges import check_ranges
from ..run_directory import environment, read_summary
from ..tokens.protocol import read_protocol
from .config import BenchConfig, Run, expand
from .run import SCORES, execute
from .samples import describe_data, save_samples
from .seeds import over_seeds, write_over_seeds

if TYPE_CHECKING:
    from ..data import ClipDataset

COLUMNS = (
    "system", "learner", "encoder", "probe", "level", "parameter", "split", "metric", "value", "ci_low", "ci_high",
    "n_trajectories", "n_train_trajectories", "seed", "run",
)  # fmt: skip
"""Columns of results.csv."""


def bench(config: BenchConfig, out: str | Path, *, device: str = "cpu") -> Path:
    """Run a benchmark, or finish one: simulate, train, embed, probe, score, report.

    Every step writes its result atomically and is skipped when its result is there, so the call can be killed at any
    moment and repeated; the table comes out the same.

    Args:
        config: the benchmark.
        out: its folder.
        device: ``cpu`` (runs side by side in processes) or ``cuda`` (one after the other).

    Returns:
        The path of results.csv. Beside it lie config.yaml, report.html, figures, calibration.csv, runs/ and, unless
        the configuration names a data set, data/.

    Raises:
        PhysrepError: bad configuration or data, or the folder holds runs with other settings.
    """
    out = Path(out)
    check_ranges(config)
    device = resolve_device(device)
    grid = expand(config)
    check_analyses(config.analyses)
    write_yaml(out / "config.yaml", config.as_dict())
    data, splits = prepare_data(config, out, device)
    write_json(out / "environment.json", environment())
    _run_all(grid, config, data, splits, out, device)
    rows = collect(grid, out)
    write_results(out / "results.csv", rows)
    write_over_seeds(
        out / "over_seeds.csv", over_seeds(grid, config.system, out / "runs", config.resamples, config.metrics)
    )
    from .calibration import calibration, write_calibration

    identities = {run.name: identity_of_summary(read_summary(out / "runs" / run.name), run.learner) for run in grid}
    write_calibration(out / "calibration.csv", calibration(rows, identities))
    if config.analyses:
        run_analyses(config.analyses, _context(grid, config, data, splits, out, device))
    return out / "results.csv"


def prepare_data(config: BenchConfig, out: Path, device: str) -> tuple[DataConfig, dict[str, ClipDataset]]:
    """The data set, simulated if need be, and its splits, proved disjoint, their caches built; opened this once."""
    from ..data import assert_disjoint, assert_no_leaks
    from ..simulation import simulate

    data = config.data.located(config.system)
    if not data.path:
        data.path = str(simulate(config.system, out / "data", config.simulation, device=device))
    assert_disjoint(data.path)
    splits = data.open_splits()
    shared = assert_no_leaks(splits, data.allow_shared_starts)
    scales = parameter_scales(splits["train"], config.scales)
    write_json(out / "data_summary.json", describe_data(config, data, splits, scales, shared))
    save_samples(out / "samples.npz", splits["test"])
    return data, splits


def _run_all(
    grid: list[Run], config: BenchConfig, data: DataConfig, splits: dict[str, ClipDataset], out: Path, device: str
) -> None:
    jobs = config.jobs or cores()
    # The long ones first, so that the cores finish together.
    order = sorted(grid, key=lambda run: -_cost(run))
    folder = out / "runs"
    # What starts from another run waits for it.
    waves = [wave for wave in ([r for r in order if not r.start], [r for r in order if r.start]) if wave]
    if device != "cpu" or jobs == 1:
        for run in (run for wave in waves for run in wave):
            execute(run, config, data, folder / run.name, device, splits)
        return
    threads = max(1, cores() // jobs)
    with process_pool(min(jobs, len(order)), threads) as pool:
        for wave in waves:
            futures = [pool.submit(_execute_here, run, config, data, folder / run.name) for run in wave]
            for future in as_completed(futures):
                future.result()


_OPENED: list[tuple[DataConfig, dict[str, ClipDataset]]] = []
"""The splits that this worker process has open."""


def _execute_here(run: Run, config: BenchConfig, data: DataConfig, folder: Path) -> None:
    """`execute` in a worker process, which opens the splits for its first run and keeps them."""
    if not _OPENED or _OPENED[0][0] != data:
        _OPENED[:] = [(data, data.open_splits())]
    execute(run, config, data, folder, "cpu", _OPENED[0][1])


def _context(
    grid: list[Run], config: BenchConfig, data: DataConfig, splits: dict[str, ClipDataset], out: Path, device: str
) -> Context:
    from ..tokens import LabelScaler

    train = splits["train"]
    scales = parameter_scales(train, config.scales)
    frozen = []
    for run in grid:
        folder = out / "runs" / run.name
        if run.learner != "constant":
            kind = read_summary(folder)["kind"]
            title = run.name.removesuffix(f"-s{run.seed}")
            frozen.append(FrozenRun(run.name, title, run.learner, run.encoder, run.seed, kind, folder))
    return Context(
        config.system,
        data,
        splits,
        LabelScaler.fit(train.parameters, train.parameter_names, scales),
        config.num_frames,
        config.eval_stride,
        frozen,
        config.probes,
        out,
        device,
        config.resamples,
        read_protocol(config.protocol),
    )


def _cost(run: Run) -> int:
    return run.trained * run.training.steps * run.training.batch_size * run.training.accumulate


def collect(grid: list[Run], out: Path) -> list[dict[str, Any]]:
    """Rows of all runs, in the order of the grid.

    Raises:
        PhysrepError: a run has no scores.
    """
    rows: list[dict[str, Any]] = []
    for run in grid:
        path = out / "runs" / run.name / SCORES
        if not path.is_file():
            raise PhysrepError(f"{path}: is missing; run `physrep bench` again.")
        rows += read_json(path)
    return rows


def write_results(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the long table."""
    write_csv(path, COLUMNS, ({column: row[column] for column in COLUMNS} for row in rows))
