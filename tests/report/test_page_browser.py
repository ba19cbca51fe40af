"""The page in a real browser: no errors, filters, sorting, exact values, and a layout that fits a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from physrep.report import build_report
from tests.helpers.bench_directory import LEARNERS, write_bench

BROWSER = next((p for n in ("chromium", "chromium-browser", "google-chrome", "chrome") if (p := shutil.which(n))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed, so the page cannot be opened")

ERRORS = "<script>window.errors = []; window.onerror = function (text) { window.errors.push(text); };</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_report(write_bench(tmp_path_factory.mktemp("browser")))


def browse(page: Path, script: str = "", *more: str, size: str = "1280,800") -> tuple[Any, str]:
    """Open a copy of the page, run ``script`` (its ``result`` comes back), and return it with the browser's log."""
    text = page.read_text(encoding="utf-8").replace("<head>", f"<head>{ERRORS}")
    answer = "var note = document.createElement('pre'); note.id = 'result'; note.textContent = JSON.stringify({result:"
    answer += " result, errors: window.errors}); document.body.appendChild(note);"
    # Where the script itself fails there is no note, and the test ends with that.
    text = text.replace("</body>", f"<script>(function () {{ var result; {script}; {answer} }})();</script></body>")
    copy = page.with_name("copy.html")
    copy.write_text(text, encoding="utf-8")
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               f"--window-size={size}",
               f"--user-data-dir={page.parent / 'profile'}", "--enable-logging=stderr", *more]  # fmt: skip
    if not more:
        command.append("--dump-dom")
    done = subprocess.run([*command, copy.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    values = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")) if found else None
    return values, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


VISIBLE = """
function visible() {
  return Array.from(document.querySelectorAll("table.scores tr[data-probe]")).filter(function (row) {
    return row.getClientRects().length > 0 && row.checkVisibility();
  });
}
function choose(name, value) {
  var field = document.querySelector("form.filters").elements.namedItem(name);
  field.value = value;
  field.dispatchEvent(new Event("change", {bubbles: true}));
}
"""


def test_filters_sorting_and_exact_values(page: Path) -> None:
    script = (
        VISIBLE
        + """
    result = {folded: visible().length};
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
    Object.assign(result, {all: visible().length, filters: document.querySelector("form.filters").hidden});
    choose("level", "trajectory");
    result.level = visible().length;
    choose("probe", "attentive");
    result.attentive = visible().map(function (row) { return row.cells[1].textContent; });
    choose("metric", "r2");
    result.cells = Array.from(visible()[0].cells).filter(function (c) { return c.getClientRects().length; }).length;
    choose("metric", "");
    choose("probe", "*");
    var heads = document.querySelectorAll("table.scores")[0].querySelectorAll("thead th:not(.span)");
    var mean = heads[2];
    function name(row) { return row.cells[0].firstChild.nextSibling.textContent; }
    function names() { return visible().map(name); }
    result.before = names();
    mean.click(); result.sorted = names();
    mean.click(); result.reversed = names();
    mean.click(); result.after = names();
    var dot = document.querySelector("svg.dots use[data-tip]");
    dot.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: 300, clientY: 300}));
    result.tip = document.querySelector(".tip").textContent;
    result.tip_hidden = document.querySelector(".tip").hidden;
    var curve = document.querySelector("svg.curves path.curve"), svg = document.querySelector("svg.curves");
    var place = curve.getAttribute("d").match(/-?[\\d.]+/g).slice(6, 8).map(Number);
    var point = new DOMPoint(place[0], place[1]).matrixTransform(svg.getScreenCTM());
    svg.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: point.x, clientY: point.y}));
    result.curve = document.querySelector(".tip").textContent;
    result.value = [curve.dataset.name].concat(curve.dataset.values.split(" ")[3].split(","));
    """
    )
    values, log = browse(page, script)
    assert values is not None, "the script ended with an error"
    assert values["errors"] == [] and log == ""
    result = values["result"]
    count = sum(len(probes) for _, probes in LEARNERS.values())
    assert result["filters"] is False
    assert result["folded"] == count, "the table per window is folded"
    assert result["all"] == 2 * count and result["level"] == count
    assert result["attentive"] == ["attentive"] * 3
    assert result["cells"] == 2 + 3, "learner, probe, and R² of two parameters and their mean"
    assert sorted(result["before"]) == sorted(result["sorted"]) and result["after"] == result["before"]
    assert result["sorted"][0] == "Supervised" and result["sorted"][1] == "JEPA" and result["sorted"][-1] == "Constant"
    assert result["reversed"] == result["sorted"][::-1]
    assert result["tip"].startswith("Pooled pixels, attentive: mean MSE") and not result["tip_hidden"]
    assert result["curve"] == "{0} {2} at step {1}".format(*result["value"])


def test_a_phone_needs_no_sideways_scrolling_and_shows_the_answer(page: Path) -> None:
    script = """
    var verdict = document.querySelector(".verdict").getBoundingClientRect();
    var wide = document.documentElement.scrollWidth - window.innerWidth;
    var cells = document.querySelectorAll("table.scores tr.chosen")[0].cells;
    var mean = cells[2].getBoundingClientRect().right, first = getComputedStyle(cells[0]).position;
    result = {mean: mean, first: first, wide: wide, bottom: verdict.bottom, right: verdict.right};
    """
    values, _ = browse(page, script, size="500,800")
    assert values["result"]["wide"] <= 0
    # The column by which everything is ranked is in sight, and the names stay while the others are scrolled to.
    assert values["result"]["mean"] <= 400 and values["result"]["first"] == "sticky"
    assert 0 < values["result"]["bottom"] < 800 and values["result"]["right"] <= 500


def test_the_first_screen_is_drawn(page: Path) -> None:
    shot = page.with_name("shot.png")
    browse(page, "", f"--screenshot={shot}")
    with Image.open(shot) as image:
        pixels = np.asarray(image.convert("RGB")).astype(float)
    assert pixels.shape == (800, 1280, 3)
    assert pixels[:, :, :].mean() > 200, "dark text on white"


def test_in_print_all_rows_are_there_and_no_filters(page: Path) -> None:
    script = """
    result = {};
    Array.from(document.styleSheets[0].cssRules).forEach(function (rule) {
      Array.from(rule.cssRules || []).forEach(function (inner) {
        if (/[.]off|tr[.]group/.test(inner.selectorText) && inner.style.display === "none") {
          result[inner.selectorText] = rule.media.mediaText;
        }
        if (/[.]filters/.test(inner.selectorText) && inner.style.display === "none") {
          result.filters = rule.media.mediaText;
        }
      });
      if (/[.]off/.test(rule.selectorText)) { result[rule.selectorText] = "all"; }
    });
    """
    values, _ = browse(page, script)
    assert values["result"] == {".off": "screen", "table.sorted tr.group": "screen", "filters": "print"}
    pdf = page.with_name("print.pdf")
    browse(page, "", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    assert pdf.read_bytes().startswith(b"%PDF") and pdf.stat().st_size > 20_000
