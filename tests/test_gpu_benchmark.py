"""The small GPU benchmark runs on the CPU: the script must not be the fault that is met on a card lent for minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "gpu.py"


def run(out: Path, *sections: str) -> list[dict[str, object]]:
    chosen = ["--sections", *sections] if sections else []
    command = [sys.executable, str(SCRIPT), "--small", "--out", str(out), *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert (out / "results.md").read_text().splitlines()[0].endswith(" 0 failed or with an error.")
    return json.loads((out / "results.json").read_text())


def test_two_sections_fill_the_table(tmp_path: Path):
    rows = run(tmp_path, "card", "depthwise")
    assert {row["section"] for row in rows} == {"card", "depthwise"}
    assert sum(row["name"] == "matrix product" for row in rows) == 4
    checks = [row for row in rows if "ok" in row]
    assert len(checks) >= 12 and all(row["ok"] for row in checks)


@pytest.mark.slow
def test_all_sections(tmp_path: Path):
    rows = run(tmp_path)
    names = {row["name"] for row in rows}
    assert {"golden cases", "learner jepa convnext3d", "attentive probe", "jepa ratio", "bench shear_flow"} <= names


def test_a_failing_section_is_named_and_stops_nothing(tmp_path: Path):
    """On a machine without the device the sections fail, the table is still written, the status tells."""
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path), "--sections", "depthwise", "card"]
    done = subprocess.run([*command, "--device", "xpu:9"], capture_output=True, text=True, check=False)
    rows = json.loads((tmp_path / "results.json").read_text())
    assert done.returncode == 1
    assert [row["section"] for row in rows if "outcome" in row] == ["depthwise", "card"]
    assert any("error" in row for row in rows)
