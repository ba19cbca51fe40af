"""The parts of the page that show analyses, in the order of the page; those of plugins and of users come last.

A section is a function of the benchmark and the rows of ``analyses/NAME.csv`` (as text); it draws into
``bench.folder / "figures"`` and may return None if there is nothing to show. An empty table has no section, unless
``analyses/NAME_note.json`` says why it is empty. An analysis that is not among `SECTIONS` names its section's function
in ``Analysis.section``; without one its first rows are shown as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from ...analyses import ANALYSES
from ...benchmark.directory import Bench
from ...benchmark.run_lines import identified
from ...errors import PhysrepError
from ...files import read_csv
from ...registry import resolve
from ..section import Section
from .attention import attention_section
from .efficiency import efficiency
from .encoded import encoded_section
from .explain import explain_section
from .generalisation import generalisation_section
from .increment import increment
from .latent import LATENT_SECTIONS, bench_section
from .posterior import posterior_section
from .regimes import regimes_section
from .similarity import similarity_section
from .strength import strength
from .surrogates import surrogates
from .table import table_section
from .uncertainty import uncertainty
from .units import units

Maker = Callable[[Bench, list[dict[str, str]]], Section | None]

SECTIONS: dict[str, Maker] = {
    "units": units,
    "efficiency": efficiency,
    "strength": strength,
    "increment": increment,
    "surrogates": surrogates,
    "uncertainty": uncertainty,
    "posterior": posterior_section,
    "generalisation": generalisation_section,
    "regimes": regimes_section,
    "encoded": encoded_section,
    "similarity": similarity_section,
    "explain": explain_section,
    "attention": attention_section,
    **{name: partial(bench_section, name=name) for name in LATENT_SECTIONS},
}


def sections(bench: Bench) -> list[Section]:
    """Sections of all analyses that the benchmark holds."""
    found = []
    for name in [*SECTIONS, *further_analyses(bench)]:
        path = bench.folder / "analyses" / f"{name}.csv"
        if path.is_file() and ((rows := read_csv(path)) or path.with_name(f"{name}_note.json").is_file()):
            section = section_maker(name)(bench, identified(bench, rows))
            if section is not None:
                found.append(section)
    return found


def further_analyses(bench: Bench) -> list[str]:
    """Names of the analyses that a benchmark holds and this package does not, in the order of their files."""
    known = sorted(path.stem for path in (bench.folder / "analyses").glob("*.csv"))
    return [name for name in known if name not in SECTIONS and (bench.folder / "analyses" / f"{name}.json").is_file()]


def section_maker(name: str) -> Maker:
    """What makes the section of an analysis.

    Raises:
        PhysrepError: the analysis names a function that cannot be imported.
    """
    if name in SECTIONS:
        return SECTIONS[name]
    try:
        stated = resolve(name, ANALYSES, "analysis")
    except PhysrepError as error:
        # A page can be made where the plugin is not: its rows are all that is needed.
        return partial(table_section, name=name, note=f"The page shows rows only: {error}")
    path = str(getattr(stated, "section", ""))
    return cast(Maker, resolve(path, {}, "section")) if path else partial(table_section, name=name)
