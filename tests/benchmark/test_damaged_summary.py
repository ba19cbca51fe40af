"""A finished benchmark whose description of the data has changed is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from physrep.benchmark.directory import Bench
from physrep.errors import PhysrepError
from physrep.files import read_json, write_json, write_record
from tests.helpers.bench_directory import write_bench


def test_a_changed_description_of_the_data_is_refused(tmp_path: Path) -> None:
    write_bench(tmp_path)
    path = tmp_path / "data_summary.json"
    content = read_json(path)
    write_record(path, content)
    assert Bench.read(tmp_path).data == content
    for name, value in (("dt", None), ("parameters", "x"), ("trajectories", [1])):
        write_json(path, {**read_json(path), name: value})
        with pytest.raises(PhysrepError, match=r"data_summary\.json: has changed since it was written"):
            Bench.read(tmp_path)
        write_record(path, content)
