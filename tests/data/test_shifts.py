"""A split whose fields or labels have another size than those of train is said, in one line each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from physrep.data import write_well
from physrep.data.config import open_splits
from physrep.data.shifts import say_shifts, shifts

CHANGES = {
    "nothing": (lambda t: t, []),
    "unit of a field": (lambda t: replace(t, fields={**t.fields, "tracer": 1000 * t.fields["tracer"]}), ["tracer has"]),
    "offset": (lambda t: replace(t, fields={**t.fields, "tracer": 273 + t.fields["tracer"]}),
               ["tracer has the mean 27"]),
    "constant": (lambda t: replace(t, fields={**t.fields, "pressure": 0 * t.fields["pressure"] + 1}),
                 ["pressure has the mean 1 and the standard deviation 0,"]),
    "unit of a label": (lambda t: replace(t, parameters={**t.parameters, "Schmidt": 100 * t.parameters["Schmidt"]}),
                        ["Schmidt lies between 1"]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_what_has_another_size_than_in_train_is_said(change, split, dataset, trajectories, capsys):
    make, said = CHANGES[change]
    root = dataset()
    for path in (root / "data" / split).glob("*.hdf5"):
        write_well(path, make(trajectories(seed=7, n=6)))
    found = shifts(open_splits(root))
    assert len(found) == len(said)
    for line, words in zip(found, said, strict=True):
        assert f"/{split}: {words}" in line and "in train" in line
    say_shifts(open_splits(root))
    assert capsys.readouterr().err.count("look whether its values and units are right") == len(said)
