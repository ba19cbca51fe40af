"""The equation of operator discovery on the page: terms as MathML that can break, what varies, and what theta moves."""

from __future__ import annotations

import json
import xml.etree.ElementTree as xml
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from safetensors.numpy import save_file

from physrep.learners.operator_discovery.mathml import equation_markup
from physrep.learners.operator_discovery.notation import LATEX, PLAIN, write_channel, write_term
from physrep.report.sections.discovery import discovery_sections

TERMS = [
    {"name": "d_xx(tracer)", "constant": 0.02, "directions": [0.01, 0.0], "low": 0.01, "high": 0.05, "stability": 1.0,
     "equivalents": []},
    {"name": "d_x(tracer velocity_x)", "constant": -1.0, "directions": [0.0, 0.0], "low": -1.0, "high": -1.0,
     "stability": 1.0, "equivalents": []},
]  # fmt: skip
RECORD = {
    "curve": [{"grade": 1, "directions": p, "score": s} for p, s in ((0, -0.1), (1, -2.0), (2, -9.0))],
    "best": 2,
    "equation": [
        {"channel": "tracer", "residual": 1e-4, "terms": TERMS, "centred": False},
        {"channel": "pressure", "residual": 0.9, "terms": [], "centred": False},
    ],
}


def test_equation_is_well_formed_and_every_term_can_go_to_a_new_line() -> None:
    root = xml.fromstring(equation_markup(RECORD))
    (line,) = root.findall("p")
    formulas = line.findall("math")
    assert len(formulas) == 3, "the left side and two terms"
    assert ["".join(own.itertext()) for own in formulas] == ["∂ttracer=", "[0.01,0.05]∂xxtracer",
                                                            "−∂x(tracervelocityx)"]  # fmt: skip
    assert [own.get("class") for own in formulas] == [None, "varies", None]
    assert write_term("d_xx(velocity_x)", PLAIN) == "∂xx velocity x"
    assert write_term("tracer velocity_x", PLAIN) == "tracer · velocity x"
    assert write_term("d_x(tracer velocity_x)", LATEX) == r"\partial_x (\mathrm{tracer}\, \mathrm{velocity}_{x})"
    # An underscore that LaTeX would take for a second subscript.
    assert write_channel("magnetic_field_x", LATEX) == r"\mathrm{magnetic\_field}_{x}"


def test_section_says_what_was_found(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "od-s0"
    folder.mkdir(parents=True)
    save_file({"found": np.frombuffer(json.dumps(RECORD).encode(), np.uint8).copy()}, folder / "weights.safetensors")
    run = SimpleNamespace(name="od-s0", folder=folder, learner="operator_discovery",
                          identity=SimpleNamespace(label="Operator discovery"))  # fmt: skip
    (section,) = discovery_sections(cast(Any, SimpleNamespace(folder=tmp_path, runs={"od-s0": run})))
    assert "2 parameters that vary" in section.sentences[0] and "1 of 2 equations" in section.sentences[0]
    assert section.sentences[1].startswith("pressure: no equation in this library, 90%")
    (table,) = section.tables
    assert table.frame[["term", "θ₁", "θ₂"]].to_numpy().tolist() == [["∂xx tracer", 0.01, 0.0]]
    assert [heading for heading, _ in section.folded] == ["As text", "As LaTeX"] and len(section.pictures) == 1
    judged = RECORD | {"repeatability": [0.9, 0.1], "parameters": 1}
    save_file({"found": np.frombuffer(json.dumps(judged).encode(), np.uint8).copy()}, folder / "weights.safetensors")
    (section,) = discovery_sections(cast(Any, SimpleNamespace(folder=tmp_path, runs={"od-s0": run})))
    assert "1 parameter that varies" in section.sentences[0] and "1 of the 2 directions" in section.sentences[1]
    folder.joinpath("weights.safetensors").write_bytes(b"broken")
    assert discovery_sections(cast(Any, SimpleNamespace(folder=tmp_path, runs={"od-s0": run}))) == []
