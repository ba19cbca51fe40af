"""The parts of the page that show analyses, in the order of the page.

A section is a function of the benchmark and the rows of ``analyses/NAME.csv`` (as text); it draws into
``bench.folder / "figures"`` and may return None if there is nothing to show. An empty table has no section, unless
``analyses/NAME_note.json`` says why it is empty.
"""

from __future__ import annotations

from collections.abc import Callable

from ...benchmark.directory import Bench, read_table
from ..section import Section
from .attention import attention_section
from .efficiency import efficiency
from .encoded import encoded_section
from .explain import explain_section
from .generalisation import generalisation_section
from .regimes import regimes_section
from .rows import identified
from .similarity import similarity_section
from .strength import strength
from .uncertainty import uncertainty
from .units import units

SECTIONS: dict[str, Callable[[Bench, list[dict[str, str]]], Section | None]] = {
    "units": units,
    "efficiency": efficiency,
    "strength": strength,
    "uncertainty": uncertainty,
    "generalisation": generalisation_section,
    "regimes": regimes_section,
    "encoded": encoded_section,
    "similarity": similarity_section,
    "explain": explain_section,
    "attention": attention_section,
}


def sections(bench: Bench) -> list[Section]:
    """Sections of all analyses that the benchmark holds."""
    found = []
    for name, make in SECTIONS.items():
        path = bench.folder / "analyses" / f"{name}.csv"
        if path.is_file() and ((rows := read_table(path)) or path.with_name(f"{name}_note.json").is_file()):
            section = make(bench, identified(bench, rows))
            if section is not None:
                found.append(section)
    return found
