"""The LaTeX table: well-formed, escaped, and bold only where a label-free score is best."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from physrep.cli.main import main
from physrep.report.latex import escape, latex_table
from tests.benchmark.test_leaderboard import FIRST
from tests.helpers.bench_directory import read_csv
from tests.helpers.study_directory import write_study


def cells(table: str) -> list[list[str]]:
    lines = [line.strip() for line in table.splitlines() if re.search(r"(?<!\\)&", line)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\"))] for line in lines]


def check_structure(table: str) -> None:
    """What a compiler would stumble over: environments, braces, dollars, and columns per row."""
    open_ = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", table):
        if what == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    bare = re.sub(r"\\[\\{}$&%#_]", "", table)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0 and bare.count("$") % 2 == 0
    assert not re.search(r"[%#_~]", re.sub(r"R\^2|\\label\{.*?\}", "", bare)), "a special character is bare"
    for tabular in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end", table, re.DOTALL):
        rows = [line for line in tabular[1].splitlines() if line.strip().endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(tabular[0])}


def test_table_of_a_study(tmp_path: Path) -> None:
    runs = {**FIRST, "odd": ("m_x:A_&B%", "c#1_{^}", "learner", {0: 0.3})}
    folder = write_study(tmp_path / "study", "active_matter", runs)
    table = latex_table(read_csv(folder / "results.csv"))
    check_structure(table)
    assert r"active\_matter" in table and r"A\_\&B\%" in table and r"MSE zeta\_0" in table
    assert {r"\toprule", r"\midrule", r"\bottomrule"} <= set(re.findall(r"\\\w+rule", table))
    header, *rows = cells(table)
    assert header[:2] == ["Learner", "Probe"]
    column = header.index("MSE mean")
    bold = [row[0] for row in rows if r"\textbf" in row[column]]
    assert bold == [next(row[0] for row in rows if "conv3d" in row[0] and row[0].startswith("JEPA"))]
    ceiling = next(row for row in rows if row[0].startswith("Supervised"))
    assert ceiling[column].startswith("0.010") and r"\textbf" not in "".join(ceiling)
    assert re.search(r"\{\\scriptsize \[[\d.]+, [\d.]+\]\}", ceiling[column])


def test_every_special_character_is_harmless() -> None:
    check_structure(escape("\\ & % $ # _ { } ~ ^ < > | − – ²"))
    assert escape("50 %_a") == r"50 \%\_a" and escape("\\") == r"\textbackslash{}"


def test_command_prints_latex_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_study(tmp_path / "study", "flow", {"jepa": FIRST["jepa"]})
    assert main(["report", str(folder), "--format", "latex"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(r"\begin{table}") and printed.rstrip().endswith(r"\end{table}")
    check_structure(printed)
    assert main(["report", str(folder), "--format", "word"]) == 2
    assert "latex" in capsys.readouterr().err
