import json

import numpy as np
import pytest
import torch

from physrep.errors import PhysrepError
from physrep.tokens import LabelScaler, paper_label_statistics
from tests.helpers.golden import golden_directory, tensors


def label_cases():
    directory = golden_directory()
    cases = json.loads((directory / "index.json").read_text())["cases"] if directory else []
    found = [case for case in cases if "normalize_labels" in (case.get("class") or "")]
    runs = [pytest.param(case, output, id=f"{case['case']}-{output}") for case in found for output in case["outputs"]]
    return runs or [pytest.param({}, "", marks=pytest.mark.skip(reason="no golden label case"))]


@pytest.mark.golden
@pytest.mark.parametrize("case,output", label_cases())
def test_golden(golden, case, output):
    stored = tensors(golden, case)
    dataset = next(name for name in case["constructor_arguments"] if output.startswith(name))
    stated = case["constructor_arguments"][dataset]
    if output.endswith("_disco_order"):
        names = case["disco_order_statistics"][dataset]["order"].split(",")
        raw = stored["input"][output.removesuffix("_disco_order")]
    else:
        names, raw = stated["order"].split(","), stored["input"][output]
    before = raw.clone()
    scaled = paper_label_statistics(dataset, names).transform(raw, stated["order"].split(","))
    expected, rule = stored["output"][output], case["outputs"][output]
    assert scaled.dtype == expected.dtype
    if raw.dtype == torch.float64:
        torch.testing.assert_close(scaled, expected, rtol=1e-12, atol=1e-15)
    else:
        torch.testing.assert_close(scaled, expected, rtol=rule["suggested_rtol"], atol=rule["suggested_atol"])
    assert torch.equal(raw, before)


VALUES = torch.tensor([[10.0, 1.0], [1000.0, 3.0]], dtype=torch.float64)
SCALES = {"Re": "log", "Sc": "linear", "other": "log"}


def test_by_hand():
    scaler = LabelScaler.fit(VALUES, ("Re", "Sc"), SCALES)
    assert scaler.mean == (2.0, 2.0) and scaler.std == (1.0, 1.0)
    assert scaler.transform(VALUES, ("Re", "Sc")).tolist() == [[-1.0, -1.0], [1.0, 1.0]]


def test_columns_are_found_by_name():
    scaler = LabelScaler.fit(VALUES, ("Re", "Sc"), SCALES)
    swapped = torch.stack([VALUES[:, 1], torch.full((2,), torch.nan), VALUES[:, 0]], dim=1)
    assert torch.equal(scaler.transform(swapped, ("Sc", "unused", "Re")), scaler.transform(VALUES, ("Re", "Sc")))


def test_inverse_and_plain_data():
    values = np.random.default_rng(0).uniform(1, 50, size=(20, 2))
    scaler = LabelScaler.fit(values, ("Re", "Sc"), SCALES)
    again = LabelScaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    assert again == scaler
    np.testing.assert_allclose(scaler.inverse(scaler.transform(values, ("Re", "Sc"))), values)
    assert LabelScaler.from_dict(scaler.to_dict(), ["Sc"]).names == ("Sc",)


@pytest.mark.parametrize(
    "values,names,scales,message",
    [
        (VALUES, ("Re", "Nu"), SCALES, "no scale is known for parameter 'Nu'"),
        (VALUES, ("Re", "Sc"), {"Re": "ln", "Sc": "log"}, "scale 'ln'"),
        (-VALUES, ("Re", "Sc"), SCALES, "not positive"),
        (VALUES * torch.nan, ("Re", "Sc"), SCALES, "'Re' is unknown"),
        (torch.full((7, 2), 0.3), ("Re", "Sc"), SCALES, "only one value"),
        (VALUES[:, 0], ("Re", "Sc"), SCALES, "shape"),
    ],
)
def test_faults_of_fit(values, names, scales, message):
    with pytest.raises(PhysrepError, match=message):
        LabelScaler.fit(values, names, scales)


def test_faults_of_names():
    scaler = LabelScaler.fit(VALUES, ("Re", "Sc"), SCALES)
    with pytest.raises(PhysrepError, match="'Sc' is not among the labels"):
        scaler.transform(VALUES, ("Re", "Pr"))
    with pytest.raises(PhysrepError, match="no label statistics for 'heat'"):
        paper_label_statistics("heat")
    with pytest.raises(PhysrepError, match="no label statistics for parameter 'Prandtl'"):
        paper_label_statistics("shear_flow", ["Prandtl"])
