"""Hooks of mkdocs: the home page is README.md, notebooks are run, and the reference is written from docstrings.

docs/ stays readable on a forge: its pages are plain Markdown with links to files of the repository, and notebooks are
Markdown with code blocks. What a site needs beyond that is made here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = {
    "Simulation and systems": ["physrep.simulation", "physrep.systems"],
    "Data": ["physrep.clip", "physrep.data", "physrep.data.config", "physrep.data.convert"],
    "Learners": ["physrep.learners.base", "physrep.learners.jepa", "physrep.learners.operator_discovery"],
    "Encoders": ["physrep.nn"],
    "Training": ["physrep.training.config", "physrep.training.pretrain"],
    "Tokens": ["physrep.tokens"],
    "Probes": ["physrep.probes"],
    "Metrics": ["physrep.metrics"],
    "Readout": ["physrep.readout"],
    "Analyses": ["physrep.analyses.base"],
    "Benchmark": ["physrep.benchmark"],
    "Report": ["physrep.report", "physrep.report.draw", "physrep.report.section"],
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_config(config: Any) -> Any:
    """Name the generated pages of the reference in the navigation."""
    pages = [{title: _address(title)} for title in REFERENCE]
    config.nav = [{"Reference": pages} if "Reference" in entry else entry for entry in config.nav]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the home page, and one page of the reference per room."""
    home = (ROOT / "README.md").read_text(encoding="utf-8")
    files.append(File.generated(config, "index.md", content=home))
    for title, modules in REFERENCE.items():
        parts = [f"# {title}", *(_module(name) for name in modules)]
        files.append(File.generated(config, _address(title), content="\n\n".join(parts) + "\n"))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to other pages at the site, and turn those to files of the repository into names."""
    at = ROOT if page.file.src_uri == "index.md" else ROOT / "docs" / Path(page.file.src_uri).parent
    if page.file.src_uri.startswith("notebooks/"):
        markdown = run_notebook(markdown, page.file.src_uri)
    parts = re.split(r"(^```.*?^```$|^    [^\n]*$)", markdown, flags=re.M | re.S)
    return "".join(part if k % 2 else LINK.sub(lambda m: _link(m, at), part) for k, part in enumerate(parts))


def run_notebook(text: str, name: str) -> str:
    """Run the code blocks of a page one after another, and put what they show behind them.

    Raises:
        nbclient.exceptions.CellExecutionError: a block fails; the build ends with it.
    """
    import tempfile

    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.reads(text, fmt="md")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}},
                                extra_arguments=["--log-level=40"])  # fmt: skip
        client.execute()
    return "\n\n".join(_cell(cell) for cell in notebook.cells) + "\n"


def _cell(cell: Any) -> str:
    if cell.cell_type != "code":
        return cell.source
    shown = [f"```python\n{cell.source}\n```"]
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream" and output.name == "stdout":
            shown.append(f"```text\n{output.text.rstrip()}\n```")
        elif "image/png" in data:
            picture = data["image/png"].strip()
            shown.append(f'<img alt="what the block above draws" src="data:image/png;base64,{picture}">')
        elif "text/html" in data:
            # Without the frame's own style and class a table is one of the theme's, which scrolls in itself.
            html = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.S)
            shown.append(html.replace(' border="1" class="dataframe"', ""))
        elif "text/plain" in data:
            shown.append(f"```text\n{data['text/plain']}\n```")
    return "\n\n".join(shown)


def _link(match: re.Match[str], at: Path) -> str:
    mark, text, target = match.groups()
    if re.match(r"[a-z]+:|#", target):
        return match[0]
    path, _, anchor = target.partition("#")
    place = Path(os.path.normpath(at / path))
    if place.is_relative_to(ROOT / "docs") and place.is_file():
        way = os.path.relpath(place, ROOT / "docs" if at == ROOT else at)
        return f"{mark}[{text}]({way}{'#' + anchor if anchor else ''})"
    if place == ROOT / "README.md":
        return f"[{text}]({os.path.relpath(ROOT / 'docs' / 'index.md', at)})"
    name = place.relative_to(ROOT) if place.is_relative_to(ROOT) else Path(path)
    return text if text.strip("`") == str(name) else f"{text} (`{name}`)"


def _address(title: str) -> str:
    return f"reference/{title.lower().replace(' ', '_')}.md"


def _module(name: str) -> str:
    """A module and its public names; a package shows those that it exports."""
    import importlib

    names = getattr(importlib.import_module(name), "__all__", None)
    places = [_place(name, own) for own in names or []]
    lines = [f"## `{name}`", ""]
    if names is None:
        return "\n".join([*lines, f"::: {name}", "    options: {show_root_heading: false, heading_level: 3}"])
    for place in dict.fromkeys(place for place in places if place):
        lines += [f"::: {place}", "    options: {heading_level: 3}", ""]
    return "\n".join(lines)


def _place(package: str, name: str) -> str:
    """Where a class or a function is written; nothing for constants and modules, which carry no docstring."""
    import importlib
    import inspect

    found = getattr(importlib.import_module(package), name)
    known = (inspect.isclass(found) or inspect.isfunction(found)) and found.__module__.startswith("physrep.")
    return f"{found.__module__}.{found.__qualname__}" if known else ""
