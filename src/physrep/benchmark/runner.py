"""From a configuration to results.csv and report.html: the grid of runs, finished ones skipped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analyses.run import check_analyses
from ..data.config import DataConfig, data_content, parameter_scales
from ..data.labelled import labelled, say_known
from ..devices import resolve_device
from ..environment import environment
from ..errors import PhysrepError
from ..executors import LOG, Job, Terms, hold, writing
from ..files import content_hash, read_rows, write_csv, write_json, write_record
from ..learners.identity import identity_of_summary
from ..ranges import check_ranges
from ..run_directory import read_summary
from .analysed import analyse
from .config import BenchConfig
from .finished import LEASE, data_key, is_recorded, record_finished, request_key
from .grid import SAME_OPERATIONS, PlannedRun, expand
from .open_bench import OpenBench
from .places import write_bench_config
from .run import SCORES, execute
from .samples import describe_data, save_samples
from .search import FOLDER as SEARCHES
from .search import chosen_grid, is_searched, search_one, searched, write_search
from .seeds import over_seeds, write_over_seeds
from .system_name import with_system
from .untrained import COLUMNS as TWIN_COLUMNS
from .untrained import Twin, find_twins, record_untrained, score_twin, with_twins

if TYPE_CHECKING:
    from ..data import ClipDataset

COLUMNS = (
    "system", "learner", "encoder", "probe", "level", "parameter", "split", "metric", "value", "ci_low", "ci_high",
    "n_trajectories", "n_train_trajectories", "seed", "run", *TWIN_COLUMNS,
)  # fmt: skip
"""Columns of results.csv."""


def bench(
    config: BenchConfig, out: str | Path, *, device: str = "cpu", devices: int = 1, executor: str = "process"
) -> Path:
    """Run a benchmark, or finish one: simulate, train, embed, probe, score, report.

    Every step writes its result atomically and is skipped when its result is there, so the call can be killed at any
    moment and repeated; the table comes out the same. Several calls on one folder, from any machines that see it, share
    the runs.

    Args:
        config: the benchmark.
        out: its folder.
        device: ``cpu`` (runs side by side in processes), ``cuda`` (one process per GPU, side by side) or ``cuda:N``.
        devices: processes that train each run together, see `physrep.pretrain`; runs then follow one after the other.
        executor: what carries the simulation's files and the runs, see `physrep.executors.open_engine`.

    Returns:
        The path of results.csv. Beside it lie config.yaml, report.html, figures, calibration.csv, runs/ and, unless
        the configuration names a data set, data/.

    Raises:
        PhysrepError: bad configuration or data, or the folder holds runs with other settings.
    """
    out = Path(out)
    check_ranges(config)
    config.data.check_out(out)
    config = with_system(config)
    device = resolve_device(device)
    grid = expand(config)
    check_analyses(config.analyses)
    # Heads of one benchmark share its runs; what a cluster is asked for changes none.
    asked = content_hash({**config.as_dict(), "cluster": None})
    with writing(out, "physrep bench", asked, _terms(config)):
        return _bench(config, grid, out, device, devices, executor)


def _bench(config: BenchConfig, grid: list[PlannedRun], out: Path, device: str, devices: int, executor: str) -> Path:
    write_bench_config(out, config)
    work = prepare_data(config, out, device, executor)
    write_json(out / "environment.json", environment())
    grid = _searched(grid, work)
    _run_all(grid, work, devices)
    twins = _untrained(grid, work)
    with hold(out / "tables_lease", _terms(config), f"{out}: tables"):
        _write_tables(grid, twins, config, out)
    analyse(grid, work)
    return out / "results.csv"


def _write_tables(
    grid: list[PlannedRun],
    twins: Mapping[str, Twin],
    config: BenchConfig,
    out: Path,
) -> None:
    """What is made of all runs together."""
    rows = collect(grid, out)
    with_twins(rows, grid, twins, out)
    write_results(out / "results.csv", rows)
    write_over_seeds(
        out / "over_seeds.csv", over_seeds(grid, config.system, out / "runs", config.n_resamples, config.metrics)
    )
    from .calibration import calibration, write_calibration

    identities = {run.name: identity_of_summary(read_summary(out / "runs" / run.name), run.learner) for run in grid}
    write_calibration(out / "calibration.csv", calibration(rows, identities, out / "runs"))


def prepare_data(config: BenchConfig, out: Path, device: str, executor: str = "process") -> OpenBench:
    """The data set, simulated if need be, and its splits, proved disjoint, their caches built; opened this once."""
    from ..simulation import simulate

    data = config.data.located(config.system)
    if not data.path:
        options: Any = {"device": device, "executor": executor, "cluster": config.cluster}
        data.path = str(simulate(config.system, out / "data", config.simulation, **options))
    # One head after the other: the later ones find the caches, and what was read for them.
    with hold(out / "data_lease", _terms(config), f"{out}: caches and checks of the data"):
        return OpenBench(config, data, out, device, executor, _open_checked(config, data, out))


def _open_checked(config: BenchConfig, data: DataConfig, out: Path) -> dict[str, ClipDataset]:
    from ..data import assert_disjoint, assert_no_leaks
    from ..data.shifts import say_shifts

    assert_disjoint(data.path)
    splits = data.open_splits()
    say_shifts(splits)
    _check_labels(splits, config)
    shared = assert_no_leaks(splits, data.allow_shared_starts)
    scales = parameter_scales(splits["train"], config.scales)
    write_record(out / "data_summary.json", describe_data(config, data, splits, scales, shared))
    save_samples(out / "samples.npz", splits["test"])
    return splits


def _check_labels(splits: Mapping[str, ClipDataset], config: BenchConfig) -> None:
    """Refuse labels that no probe could be fitted to before anything is trained; say which are unknown."""
    from ..tokens import LabelScaler

    if splits["train"].parameter_names:
        labelled(splits)
        if config.analyses:
            labelled(splits, every=True)
        scaler = LabelScaler.of_training(splits["train"], config.scales)
        for dataset in splits.values():
            scaler.transform(dataset.parameters, dataset.parameter_names, unknown="keep")
        say_known(splits)


def _terms(config: BenchConfig) -> Terms:
    return Terms(config.cluster.heartbeat, config.cluster.expiry)


def _run_all(grid: list[PlannedRun], work: OpenBench, devices: int) -> None:
    # Floors first, as all else is read against them; then the long ones, so that the cores finish together.
    order = sorted(grid, key=lambda run: (run.title.endswith(SAME_OPERATIONS), run.trained, -_cost(run)))
    # What starts from another run waits for it.
    waves = [wave for wave in ([r for r in order if not r.init_from], [r for r in order if r.init_from]) if wave]
    identity = data_key(work.splits)
    jobs = [[_job(run, work, devices, identity) for run in wave] for wave in waves]
    work.do(jobs, 1 if devices > 1 else work.config.jobs)


def _job(run: PlannedRun, work: OpenBench, devices: int, identity: str) -> Job:
    folder = work.folder(run)
    arguments = (run, work, devices, request_key(run, work.config, identity, devices))
    return Job(run.name, _execute, arguments, folder / LEASE, _is_finished, folder / LOG)


def _searched(grid: list[PlannedRun], work: OpenBench) -> list[PlannedRun]:
    """The grid with the settings that the search chose, one job per learner; without a search the grid itself."""
    wanted, folder = searched(grid, work.config), work.out / SEARCHES
    content = data_content(work.splits["train"]) if wanted else ""
    if wanted:
        jobs = [
            Job(title, search_one, (title, run, work, content), folder / f"{title}_lease", is_searched,
                folder / f"{title}.log")
            for title, run in wanted.items()
        ]  # fmt: skip
        work.do([jobs], work.config.jobs)
    trials = {title: search_one(title, run, work, content) for title, run in wanted.items()}
    write_search(work.out / "search.csv", trials)
    return chosen_grid(grid, trials)


def _untrained(grid: list[PlannedRun], work: OpenBench) -> dict[str, Twin]:
    """The untrained twins of all runs, one job for each that no other run has scored."""
    twins, wanted = find_twins(grid, work)
    jobs = [
        Job(f"{run.name} untrained", score_twin, (run, work, folder), folder.with_name(f"{folder.name}_lease"),
            _twin_is_scored, folder.with_name(f"{folder.name}.log"))
        for folder, run in wanted.items()
    ]  # fmt: skip
    if jobs:
        work.do([jobs], work.config.jobs)
    return twins


def _twin_is_scored(run: PlannedRun, work: OpenBench, folder: Path) -> bool:
    return (folder / SCORES).is_file()


def _execute(run: PlannedRun, work: OpenBench, devices: int, key: str) -> None:
    execute(run, work, devices)
    record_untrained(run, work)
    record_finished(work.folder(run), key)


def _is_finished(run: PlannedRun, work: OpenBench, devices: int, key: str) -> bool:
    return is_recorded(work.folder(run), key)


def _cost(run: PlannedRun) -> int:
    return run.trained * run.training.steps * run.training.batch_size * run.training.accumulate_grad_batches


def collect(grid: list[PlannedRun], out: Path) -> list[dict[str, Any]]:
    """Rows of all runs, in the order of the grid.

    Raises:
        PhysrepError: a run has no scores.
    """
    rows: list[dict[str, Any]] = []
    for run in grid:
        path = out / "runs" / run.name / SCORES
        if not path.is_file():
            raise PhysrepError(f"{path}: is missing; run `physrep bench` again.")
        rows += read_rows(path)
    return rows


def write_results(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the long table; cells of the untrained twin are empty where none was run, as in a fit."""
    twin = dict.fromkeys(TWIN_COLUMNS, "")
    write_csv(path, COLUMNS, ({column: {**twin, **row}[column] for column in COLUMNS} for row in rows))
