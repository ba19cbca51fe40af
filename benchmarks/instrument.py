"""Is the instrument honest? Coverage of its intervals and its false and missed alarms, on three data sets.

    python benchmarks/instrument.py [OUT] [TRAJECTORIES] [DATA] [DOCUMENT]

The data sets: decaying turbulence of a solver that is not physrep's (`examples/estimator/vorticity.py`), the same with
5 % of noise in all of its data, and advected spots in an HDF5 layout of their own (`examples/own_data`). Each is fitted
by `physrep.ParameterEstimator` as a new user would, asked about new trajectories that it never saw, and about what it
must not trust. Fits are kept in OUT and taken from there when they are finished. The table goes to standard output as
Markdown, and, where a DOCUMENT is named, into it between the lines `<!-- instrument -->` and `<!-- end -->`. A second
table, between `<!-- widths -->` and `<!-- end of widths -->`, sets the intervals beside those of one width for all
values: what either covers of the new trajectories and of thirds by the truth, its mean width in standard deviations of
the training labels, and the mean interval score, width + 20 times the distance of a truth outside (Winkler), which is
the smaller the better. DATA names some of the data sets, with `+` between them; a DOCUMENT is written with all only.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import physrep
from physrep.readout import Readout

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples" / "estimator"))

from marked import write_between  # noqa: E402
from vorticity import DT, DX, POINTS, RANGE, decaying_flows  # noqa: E402

NEW = 500
"""New trajectories of each data set: a coverage of 90 % is then found within 2.6 points in 95 of 100 cases."""

MARKS = (("<!-- instrument -->", "<!-- end -->"), ("<!-- widths -->", "<!-- end of widths -->"))

Data = tuple[np.ndarray, Any]


def noisy(x: np.ndarray, share: float, seed: int) -> np.ndarray:
    """With Gaussian noise of this share of the standard deviation of all values."""
    noise = np.random.default_rng(seed).normal(size=x.shape)
    return (x + share * x.std() * noise).astype(np.float32)


def turbulence(share: float, count: int) -> tuple[dict[str, Any], Data, Data, dict[str, np.ndarray]]:
    """Settings of the estimator, data to fit, new data, and what is not to be trusted."""

    def draw(n: int, seed: int, **other: Any) -> Data:
        x, y = decaying_flows(n, seed, **other)
        return noisy(x, share, 100 + seed), {"viscosity": y}

    low, high = RANGE
    outside = {
        "parameter x 4": draw(50, 3, bounds=(4 * high, 6 * high))[0],
        "parameter / 4": draw(50, 4, bounds=(low / 6, low / 4))[0],
        "10 % noise more": noisy(draw(50, 5)[0], 0.1, 9),
        "50 % noise more": noisy(draw(50, 5)[0], 0.5, 9),
        "other equation (drag 1)": draw(50, 6, drag=1.0)[0],
        "other equation (drag 0.1)": draw(50, 6, drag=0.1)[0],
    }
    fine = draw(50, 7, points=2 * POINTS)[0]
    settings = {"dt": DT, "dx": DX, "channels": ["vorticity"]}
    return settings, draw(count, 1), draw(NEW, 2), {**outside, "other grid (dx / 2)": fine}


def spots(count: int, folder: Path) -> tuple[dict[str, Any], Data, Data, dict[str, np.ndarray]]:
    """Advected, spreading spots: own data with a fixed grid and two parameters."""
    make = runpy.run_path(str(ROOT / "examples" / "own_data" / "make_source.py"))["main"]
    file = folder / "source.h5"
    make(str(file), count + NEW, 14, 16)
    with h5py.File(file) as data:
        runs: list[Any] = list(data.values())
        runs = [run for run in runs if isinstance(run, h5py.Group)]
        x = np.stack([run["rho"][()] for run in runs])[:, :, None]
        y = {"diffusivity": np.array([run.attrs["kappa"] for run in runs]), "speed": [run.attrs["u"] for run in runs]}
        dt, dx = float(np.diff(data["seconds"][:2])[0]), float(np.diff(data["grid"][:2])[0])
    y = {name: np.asarray(values, dtype=np.float64) for name, values in y.items()}
    new = x[count:]
    outside = {
        "parameter (speed reversed)": new[:50, :, :, ::-1],
        "parameter (mass x 3)": 3 * new[:50],
        "10 % noise more": noisy(new[:50], 0.1, 1),
        "other equation (time reversed)": new[:50, ::-1],
        "other grid (2 dx)": new[:50, :, :, ::2, ::2],
    }
    known = (x[:count], {name: values[:count] for name, values in y.items()})
    outside = {name: np.ascontiguousarray(values) for name, values in outside.items()}
    return {"dt": dt, "dx": dx}, known, (new, {name: values[count:] for name, values in y.items()}), outside


def report(
    name: str, folder: Path, settings: dict[str, Any], known: Data, new: Data, outside: dict[str, np.ndarray]
) -> Iterator[tuple[int, str]]:
    """Rows of the first table and the second."""
    import pandas

    place = folder / name.replace(" ", "_").replace(",", "").replace("%", "percent")
    estimator = physrep.ParameterEstimator(**settings, out=str(place)).fit(known[0], pandas.DataFrame(known[1]))
    estimate, low, high = estimator.predict(new[0], return_interval=True)
    inside = [(low[:, k] <= y) & (y <= high[:, k]) for k, y in enumerate(new[1].values())]
    covered = ", ".join(f"{p} {own.mean():.1%}" for p, own in zip(new[1], inside, strict=True))
    best, readout = estimator.table_.iloc[0], estimator.instrument_.readout
    stated, words = readout.false_alarms, _words(estimator, new[0])
    errors = f"{readout.trajectories.n_valid} errors on {readout.trajectories.source}"
    called = ", ".join(f"{word} {words.count(word) / len(words):.1%}" for word in ("at the edge", "outside"))
    promised = f"(stated: {stated[0]:.1%} either, {stated[1]:.1%} outside)"
    chosen = f"{best['learner']}, {best['probe']}, {errors}"
    yield 0, f"| {name}: {len(new[0])} new | {chosen} | {covered} | {called} {promised} |"
    for row in _widths(readout, estimate, new[1]):
        yield 1, f"| {name}: {row}"
    for what, x in outside.items():
        words = _words(estimator, x) if "grid" not in what else _other_grid(estimator, x)
        said = {own: words.count(own) / len(words) for own in ("inside", "at the edge", "outside", "refused")}
        shown = ", ".join(f"{own} {share:.0%}" for own, share in said.items() if share)
        yield 0, f"| {name}: {what} | | | {shown} |"


def _widths(readout: Readout, estimate: np.ndarray, truth: dict[str, np.ndarray]) -> Iterator[str]:
    """One width and widths that follow the estimate, on the same new trajectories."""
    import torch

    names = readout.scaler.names
    order = [list(truth).index(parameter) for parameter in names]
    both = estimate, np.stack(list(truth.values()), axis=1)
    mean, true = (readout.scaler.transform(torch.tensor(values)[:, order], names) for values in both)
    errors, whole = (mean - true).abs().double().numpy(), readout.trajectories
    kinds = {"one": np.broadcast_to(whole.half_width, errors.shape), "follows": whole.widths_of(mean.numpy())}
    for k, parameter in enumerate(names):
        for kind, half in kinds.items():
            inside = (errors <= half)[np.argsort(true[:, k].numpy()), k]
            thirds = " | ".join(f"{part.mean():.1%}" for part in np.array_split(inside, 3))
            beyond = np.maximum(errors[:, k] - half[:, k], 0)
            score = (2 * half[:, k] + 2 / (1 - whole.level) * beyond).mean()
            yield (
                f"{parameter} | {kind} | {inside.mean():.1%} | {thirds} | {2 * half[:, k].mean():.3g} | {score:.3g} |"
            )


def _words(estimator: Any, x: np.ndarray) -> list[str]:
    return [answer.word for answer in estimator.ask(x)]


def _other_grid(estimator: Any, x: np.ndarray) -> list[str]:
    grid = estimator.instrument_.readout.background.grid
    dx = estimator.dx * grid["shape"][0] / x.shape[-1]
    asked = estimator.instrument_.recordings(x, dt=estimator.dt, dx=dx, channels=estimator.channels)
    try:
        return [estimator.instrument_.ask(recording.clip).word for recording in asked]
    except physrep.PhysrepError:
        return ["refused"]


def main(out: str = "runs/instrument", count: str = "600", only: str = "", document: str = "") -> None:
    """Print the rows of both tables."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Callable[[], Any]] = {
        "turbulence": lambda: turbulence(0.0, int(count)),
        "turbulence, 5 % noise": lambda: turbulence(0.05, int(count)),
        "spots": lambda: spots(int(count), folder),
    }
    tables = (
        ["| data | chosen on validation, intervals from | truths inside the 90 % interval | called strange |"],
        ["| data: parameter | width | inside | low third | middle | high | mean width | interval score |"],
    )
    for table in tables:
        table.append("|---" * (table[0].count("|") - 1) + "|")
    for name, make in made.items():
        if not only or name in only.split("+"):
            for table, line in report(name, folder, *make()):
                print(line, flush=True)
                tables[table].append(line)
    if document and not only:
        for marks, lines in zip(MARKS, tables, strict=True):
            write_between(document, marks, lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
