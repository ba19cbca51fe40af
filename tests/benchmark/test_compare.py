"""Several studies in one table: nothing lost, nothing twice, nothing overwritten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from physrep.benchmark.compare import compare
from physrep.benchmark.directory import Bench
from physrep.benchmark.leaderboard import leaderboard
from physrep.benchmark.studies import read_studies
from physrep.errors import PhysrepError
from physrep.report import build_report
from physrep.report import page as page_module
from tests.benchmark.test_leaderboard import FIRST, SECOND
from tests.helpers.bench_directory import read_csv
from tests.helpers.study_directory import write_study
from tests.report.test_report_page import read_page


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "save_figure", lambda *_, **__: "data:image/png;base64,")


def test_rows_are_those_of_the_studies(tmp_path: Path) -> None:
    flow = write_study(tmp_path / "flow", "flow", FIRST)
    heat = write_study(tmp_path / "heat", "heat", SECOND, data_seed=1)
    done = compare([flow, heat], tmp_path / "all")
    assert done.duplicates == []
    rows = read_csv(tmp_path / "all" / "results.csv")
    for study, folder in (("flow", flow), ("heat", heat)):
        own = [{**row, "run": row["run"].removeprefix(f"{study}.")} for row in rows if row["study"] == study]
        assert [{k: v for k, v in row.items() if k != "study"} for row in own] == read_csv(folder / "results.csv")
    build_report(tmp_path / "all")
    page, text = read_page(tmp_path / "all" / "report.html")
    assert {system for system, _ in page.tables} == {"flow", "heat"} and "leaderboard" in page.sections
    assert "physrep comparison" in text
    assert not re.search(r"(samples\.npz|data_summary\.json) is absent", text)
    # What was copied is enough for paired comparisons and for the same leaderboard.
    bench = Bench.read(tmp_path / "all")
    pick = {(entry.system, entry.learner, entry.encoder): entry for entry in bench.entries}
    assert bench.difference(pick["flow", "jepa", "conv3d"], pick["flow", "statistics", "none"]) is not None
    assert leaderboard(read_studies([tmp_path / "all"])) == leaderboard(read_studies([flow, heat]))


def test_one_system_from_two_studies(tmp_path: Path) -> None:
    first = write_study(tmp_path / "first", "flow", FIRST)
    changed = {**FIRST, "jepa": ("jepa", "conv3d", "learner", {0: 0.15}), "new": ("mpp", "", "learner", {0: 0.5})}
    second = write_study(tmp_path / "second", "flow", changed)
    done = compare([first, second], tmp_path / "all")
    assert len(done.duplicates) == 3 and all("of second is the same as in first" in text for text in done.duplicates)
    bench = Bench.read(tmp_path / "all")
    assert len(bench.entries) == 6
    names = {entry.label for entry in bench.entries}
    assert {"JEPA (conv3d, first)", "JEPA (conv3d, second)", "JEPA (vit3d)", "Supervised"} <= names
    assert bench.identities["second.new-s0"].kind == "learner"
    compare([first, second], tmp_path / "all")  # again into the same folder


def test_what_must_not_be_done_is_refused(tmp_path: Path) -> None:
    first = write_study(tmp_path / "first", "flow", FIRST)
    before = (first / "results.csv").read_bytes()
    other = write_study(tmp_path / "other", "heat", SECOND)
    with pytest.raises(PhysrepError, match="holds a benchmark of its own"):
        compare([first, other], first)
    assert (first / "results.csv").read_bytes() == before
    with pytest.raises(PhysrepError, match="given twice"):
        compare([first, tmp_path / "x" / ".." / "first"], tmp_path / "all")
    compare([first], tmp_path / "all")
    with pytest.raises(PhysrepError, match="itself a comparison"):
        compare([tmp_path / "all", other], tmp_path / "more")
    with pytest.raises(PhysrepError, match=r"results\.csv"):
        compare([tmp_path / "nowhere"], tmp_path / "more")


def test_folders_of_one_name_get_that_of_their_parent(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a" / "run", "flow", FIRST)
    b = write_study(tmp_path / "b" / "run", "heat", SECOND)
    assert [study.name for study in read_studies([a, b])] == ["a-run", "b-run"]
