"""Analyses run once per request, and a typing error is found before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from physrep import analyses
from physrep.analyses import Analysis, Context, Rows
from physrep.analyses.run import check_analyses, run_analyses
from physrep.errors import PhysrepError

CALLS: list[int] = []


class Counted(Analysis):
    columns = ("question", "value")
    for_page = ("title",)

    def __init__(self, value: int = 1, title: str = "") -> None:
        self.value = value

    def rows(self, context: Context) -> Rows:
        CALLS.append(self.value)
        return [{"question": "how many", "value": self.value}]


class Scaler:
    def to_dict(self) -> dict[str, Any]:
        return {}


def context(folder: Path) -> Context:
    return Context("heat", cast(Any, None), {}, cast(Any, Scaler()), 8, 4, [], {"ridge": {}}, folder)


def test_a_request_is_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(analyses.ANALYSES, "counted", Counted)
    CALLS.clear()
    for options in ({}, {}, {"value": 2}, {"value": 2}, {"value": 2, "title": "of the page alone"}):
        run_analyses({"counted": options}, context(tmp_path))
    assert CALLS == [1, 2]
    assert (tmp_path / "analyses" / "counted.csv").read_text().split() == ["question,value", "how", "many,2"]


def test_an_analysis_that_stopped_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(analyses.ANALYSES, "counted", Counted)
    CALLS.clear()
    run_analyses({"counted": {}}, context(tmp_path))
    (tmp_path / "analyses" / "counted.csv").unlink()
    run_analyses({"counted": {}}, context(tmp_path))
    assert CALLS == [1, 1]


def test_typing_errors_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(analyses.ANALYSES, "counted", Counted)
    check_analyses({"counted": {"value": 3}})
    with pytest.raises(PhysrepError, match="there is no analysis 'countd'; did you mean 'counted'"):
        check_analyses({"countd": {}})
    with pytest.raises(PhysrepError, match="valeu"):
        check_analyses({"counted": {"valeu": 3}})
