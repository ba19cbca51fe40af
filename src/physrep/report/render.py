"""The templates of the pages; every page is one file that holds its style, script and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..benchmark.names import metric_name, probe_name
from ..formats import interval_digits, number, quantity


def render_page(template: str, **context: Any) -> str:
    """A page from a template of this folder, which finds the style of all pages as ``css``.

    Args:
        template: name of the file.
        context: what it is filled with; a name that it needs and does not find is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=False,
    )  # fmt: skip
    environment.globals.update(
        number=number,
        quantity=quantity,
        interval_digits=interval_digits,
        probe_name=probe_name,
        metric_name=metric_name,
    )
    return environment.get_template(template).render(css=(folder / "page.css").read_text(encoding="utf-8"), **context)
