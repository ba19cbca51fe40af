"""Names that hurt: of fields, parameters, data sets, files, labels and runs; through `check`, `bench` with its page,
LaTeX and CSV, and `predict` with its page."""

from __future__ import annotations

import contextlib
import csv
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import yaml

import physrep
from tests.helpers.small_data import write_waves
from tests.robustness.odd_yaml import ENCODER
from tests.robustness.tries import ask, call

# fmt: off
NAMES = [
    "$\\frac{1}{$", "$x^{2}$", "a_b_c", "a%b", "\\input{/etc/passwd}", "#&{}~^", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "&lt;b&gt;", "\"quoted\"", "it's", "`ls`", "$(ls)", "a;b", "a,b", "a\tb",
    "a\nb", "../x", "/etc/x", "..", ".", "a/b", "a\\b", "~", "-o", "--out", "😀", "\u202egnp.exe", "עברית", "ß",
    "x" * 300, "ü" * 150, "mean", "MEAN", "split", "file", "trajectory", "start", "value", "run", "learner",
    "nan", "None", "True", "yes", "no", "on", "null", "~", "1e3", "1", "0x10", "2020-01-01", "12:30", "=1+1",
    "@SUM(A1)", "+1", "-1", "", " ", " x", "x ", "a b", "a: b", "{a}", "[a]", "*a", "&a", "!a", "%d", "{0}",
    "a=b", "class", "__proto__", "constructor", "]]>", "--></style>", "</script>", "\x00", "\x1b[31m", "\u200b",
    "é", "é", "🇩🇪", "con", "tracer", "rate",
]
# fmt: on
WHERE = ("field", "vector", "parameter", "data set", "file", "axis", "label", "class", "run", "title", "folder")
TOGETHER = 3
"""Names of one try: a benchmark and its page take seconds."""


def names(folder: Path, number: int) -> str | None:
    """Data with hostile names in some places are refused in one sentence, or benchmarked, shown and read again."""
    generator = random.Random(number)
    chosen = {where: generator.choice(NAMES) for where in generator.sample(WHERE, TOGETHER)}
    place = folder / "names"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    data = write_waves(place, n=12, frames=10)
    run: dict[str, Any] = {"learner": "statistics"}
    config: dict[str, Any] = {"data": {"path": str(data)}, "num_frames": 4, "eval_stride": 3, "jobs": 1}
    config |= {"n_resamples": 5}
    for where in sorted(chosen, key=WHERE.index):
        with contextlib.suppress(ValueError, OSError, RuntimeError, UnicodeError):
            # Neither HDF5 nor the file system has all of these names.
            _rename(where, chosen[where], data, run, config)
    config |= {"analyses": {}, "runs": [{"learner": "constant"}, run]}
    (place / "b.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    shown = ", ".join(f"{where} {name[:40]!r}" for where, name in chosen.items())
    out = place / "out"
    questions: list[Callable[[], str | None]] = [
        lambda: call(["check", config["data"]["path"]]),
        lambda: call(["bench", str(place / "b.yaml"), "--out", str(out), "--device", "cpu"]),
    ]
    if number % 4 == 0:
        words = ["pretrain", "random", "--data", config["data"]["path"], "--out", str(place / "run"), *ENCODER]
        questions += [
            lambda: call(words),
            lambda: call(["probe", str(place / "run"), "--stride", "3", "--device", "cpu"]),
        ]
    for question in questions:
        fault = question()
        if fault:
            return f"{shown}: {fault}"
    if (out / "results.csv").is_file():
        faults = [call(["report", str(out), "--format", form], {0}) for form in ("text", "markdown", "latex")]
        faults += [
            ask("read_results", lambda: physrep.read_results(out)),
            _page(out / "report.html", [*chosen.values()]),
        ]
        for fault in (*faults, _table(out / "results.csv"), _predicted(place, out, data)):
            if fault:
                return f"{shown}: {fault}"
    known = {"waves", "b.yaml", "out", "run", "answers", "labels.csv", Path(config["data"]["path"]).name}
    left = sorted(path.name for path in place.iterdir() if path.name not in known)
    return f"{shown}: has left {left}" if left else None


def _rename(where: str, name: str, data: Path, run: dict[str, Any], config: dict[str, Any]) -> None:
    """Put the name where it is to be."""
    if where in ("run", "title"):
        run["name" if where == "run" else "learner"] = name
        return
    if where == "folder":
        config["data"]["path"] = str(shutil.move(data, data.with_name(name)))
        return
    if where in ("label", "class"):
        head, cell = (name, "1") if where == "label" else ("regime", name)
        with open(data.parent / "labels.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["split", "trajectory", head])
            for split, count in (("train", 8), ("valid", 2), ("test", 2)):
                table.writerows(
                    [split, i, i if where == "label" else (cell if i % 2 else "other")] for i in range(count)
                )
        config["data"]["labels"] = str(data.parent / "labels.csv")
        return
    for path in sorted(data.rglob("*.hdf5")):
        if where == "file":
            path.rename(path.with_name(f"{name}.hdf5"))
            continue
        with h5py.File(path, "r+") as file:
            if where == "data set":
                file.attrs["dataset_name"] = name
            elif where == "parameter":
                file.attrs["simulation_parameters"] = [name]
                file.attrs[name] = file.attrs["rate"]
                file["scalars"].attrs["field_names"] = [name]
                file["scalars"].move("rate", name)
            elif where == "axis":
                file["dimensions"].attrs["spatial_dims"] = [name, "y"]
                file["dimensions"].move("x", name)
            else:
                group, old = ("t0_fields", "tracer") if where == "field" else ("t1_fields", "velocity")
                file[group].attrs["field_names"] = [name]
                file[group].move(old, name)


def _page(path: Path, chosen: list[str]) -> str | None:
    """Whether a name stands on the page as it is where it would be markup."""
    text = path.read_text(encoding="utf-8")
    if any("<" in name and name != "</script>" and name in text for name in chosen):
        return "the page holds a name as markup"
    # JSON inside of a script must not end it.
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    kinds = re.findall(r"<script[^>]*type=\"application/json\"[^>]*>(.*?)</script>", text, re.DOTALL)
    for one in kinds:
        json.loads(one)
    return None if scripts or "<script" not in text else "a script of the page does not end"


def _table(path: Path) -> str | None:
    """Whether a cell of the table would be run by a spreadsheet."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for cell in row.values():
                if str(cell)[:1] in ("=", "@", "+") or (
                    str(cell)[:1] == "-" and not re.fullmatch(r"-[\d.e+-]+|-inf", str(cell))
                ):
                    return f"a cell of results.csv is {cell[:30]!r}"
    return None


def _predicted(place: Path, out: Path, data: Path) -> str | None:
    runs = sorted((out / "runs").glob("statistics*")) or sorted((out / "runs").iterdir())
    files = sorted((data if data.exists() else place).rglob("*.hdf5"))[:1]
    return call(["predict", str(runs[-1]), *map(str, files), "--out", str(place / "answers"), "--device", "cpu"])
