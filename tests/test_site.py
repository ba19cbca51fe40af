"""The documentation as a site: every page has its place, links lead somewhere, notebooks run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def settings() -> dict:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site" / "hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/]+[.]md", yaml.safe_dump(settings()["nav"])))
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert listed == pages | {"index.md"}


def test_links_to_pages_stay_and_links_to_files_become_names(hooks: ModuleType) -> None:
    def linked(text: str, at: Path) -> str:
        return hooks.LINK.sub(lambda match: hooks._link(match, at), text)

    assert linked("[a](docs/results.md#x)", ROOT) == "[a](results.md#x)"
    assert linked("[a](../results.md)", ROOT / "docs" / "learners") == "[a](../results.md)"
    assert linked("[quick](../configs/quick.yaml)", ROOT / "docs") == "quick (`configs/quick.yaml`)"
    assert linked("[a](https://x.org) [b](#c)", ROOT) == "[a](https://x.org) [b](#c)"


def test_links_behind_indented_code_are_turned_too(hooks: ModuleType) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    text = "[a](docs/results.md)\n\n    make x  # [b](docs/results.md)\n\n[c](docs/results.md) [d](CONTRIBUTING.md)\n"
    found = hooks.on_page_markdown(text, page, None, None)
    assert found.count("](results.md)") == 2 and found.count("](docs/results.md)") == 1
    assert found.endswith("d (`CONTRIBUTING.md`)\n")


def test_the_reference_names_what_is_there(hooks: ModuleType) -> None:
    for modules in hooks.REFERENCE.values():
        for name in modules:
            assert ":::" in hooks._module(name), name


def test_the_picture_of_the_readme_is_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    rows = importlib.import_module("readme_picture").table((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(rows) >= 8 and {"Floors", "Learners"} <= set(rows["group"])
    assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    assert rows.set_index("name")["colour"].filter(like="JEPA").tolist() != ["#555555"]


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_its_notebooks_run(tmp_path: Path) -> None:
    for name in ("mkdocs", "material", "mkdocstrings", "jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(name)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900,
                          env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "operator discovery" in (tmp_path / "notebooks" / "quick_tour" / "index.html").read_text(encoding="utf-8")
