"""A small benchmark with all four analyses, from real files to the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physrep.analyses.regime_rules import REGIMES, Regimes
from physrep.benchmark import bench, read_config
from physrep.benchmark.directory import Bench
from physrep.files import read_csv
from physrep.report import build_report
from physrep.report.sections import sections
from tests.helpers.small_data import waves_bench, write_waves

NAMES = ("encoded", "similarity", "regimes", "explain")
RULES = Regimes(
    ("weak", "strong"),
    ("kinetic_energy",),
    lambda frames: (frames["kinetic_energy"].mean(1) > 0.05).astype(int),
    "weak below an energy of 0.05",
)


def settings(data: Path) -> dict[str, Any]:
    runs = [{"learner": name} for name in ("constant", "statistics", "random", "jepa")]
    return waves_bench(data, 8, runs, probes={"ridge": {}}, seeds=[0, 1], analyses={name: {} for name in NAMES})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = write_waves(tmp_path_factory.mktemp("data"), n=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(REGIMES, "waves", RULES)
        out = bench(read_config(settings(data), "test"), tmp_path_factory.mktemp("bench")).parent
        before = {name: (out / "analyses" / f"{name}.csv").stat().st_mtime_ns for name in NAMES}
        bench(read_config(settings(data), "test"), out)
    assert {name: (out / "analyses" / f"{name}.csv").stat().st_mtime_ns for name in NAMES} == before
    return out


def test_analyses_are_jobs_and_give_the_same_tables_side_by_side(finished: Path, tmp_path: Path) -> None:
    from physrep.files import read_yaml

    names = ("encoded", "similarity")
    out = tmp_path / "bench"
    shutil.copytree(finished, out)
    for name in names:
        (out / "analyses" / f"{name}.json").unlink()
        (out / "analyses" / f"{name}.csv").unlink()
        (out / "analyses" / f"{name}.log").unlink()
    stored: Any = read_yaml(finished / "config.yaml")
    data = (finished / stored["data"]["path"]).resolve()
    config = read_config(settings(data) | {"analyses": {name: {} for name in names}, "jobs": 2}, "test")
    for _ in range(2):
        bench(config, out)
    for name in names:
        assert (out / "analyses" / f"{name}.log").read_text().count(" finished") == 1
        for ours, theirs in zip(
            read_csv(out / "analyses" / f"{name}.csv"), read_csv(finished / "analyses" / f"{name}.csv"), strict=True
        ):
            for column, value in theirs.items():
                same = ours[column] == value or float(ours[column]) == pytest.approx(float(value), rel=1e-5, abs=1e-7)
                assert same, (name, column, ours, theirs)


def test_every_run_is_in_every_table(finished: Path) -> None:
    runs = {"statistics-s0", "random-s0", "random-s1", "jepa-s0", "jepa-s1"}
    folder = finished / "analyses"
    assert {row["run"] for row in read_csv(folder / "encoded.csv")} == runs | {"parameters"}
    assert {row["run_a"] for row in read_csv(folder / "similarity.csv")} == runs
    assert {row["run"] for row in read_csv(folder / "regimes.csv")} == runs | {"majority"}
    explained = read_csv(folder / "explain.csv")
    assert {row["run"] for row in explained if row["question"] == "map"} == runs
    assert {row["run"] for row in explained if row["question"] == "layer"} == runs - {"statistics-s0"}
    assert len({row["run"] for row in explained if row["question"] == "saliency"}) == 1


def test_the_energy_of_waves_is_in_their_statistics(finished: Path) -> None:
    value = next(
        float(row["value"])
        for row in read_csv(finished / "analyses" / "encoded.csv")
        if (row["run"], row["quantity"], row["metric"]) == ("statistics-s0", "kinetic_energy", "r2")
    )
    assert value > 0.99


def test_shares_of_the_sensitivity_add_up_and_blocks_are_in_order(finished: Path) -> None:
    rows = read_csv(finished / "analyses" / "explain.csv")
    for metric in ("share_of_channel", "share_of_frame"):
        own = [float(row["value"]) for row in rows if row["metric"] == metric]
        assert len(own) in (3, 4) and sum(own) == pytest.approx(1.0, abs=1e-6)
    stages = [
        r["item"] for r in rows if r["run"] == "jepa-s0" and r["question"] == "layer" and r["parameter"] == "mean"
    ]
    assert stages == ["input", "stages.0", "stages.1", "head"]
    with np.load(finished / "analyses" / "explain_saliency.npz") as file:
        assert file["sensitivity"].shape == (3, 1, 3, 4, 16, 16)


def test_the_page_shows_all_four(finished: Path) -> None:
    page = build_report(finished)
    text = page.read_text(encoding="utf-8")
    for name in NAMES:
        assert f'<section id="{name}">' in text
    assert "macro-F1" in text and "CKA" in text
    assert page.stat().st_size < 10e6
    figures = {path.name for path in (finished / "figures").iterdir()}
    assert {"encoded.png", "similarity.png", "regimes.png", "explain_saliency.png", "explain_layers.png",
            "explain_map.png"} <= figures  # fmt: skip


def test_a_single_regime_is_a_sentence_on_the_page(finished: Path) -> None:
    folder = finished / "analyses"
    columns = (folder / "regimes.csv").read_text().splitlines()[0]
    for name in ("encoded", "similarity", "explain"):
        (folder / f"{name}.csv").unlink()
    (folder / "regimes.csv").write_text(columns + "\n")
    (folder / "regimes_note.json").write_text('{"sentences": ["There is one regime only."]}')
    (section,) = sections(Bench.read(finished))
    assert section.sentences == ["There is one regime only."] and not section.pictures
