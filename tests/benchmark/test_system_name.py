"""A table calls own data by their name, and never silently by that of another system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from physrep.benchmark import BenchConfig, bench
from physrep.benchmark.config import RunConfig
from physrep.benchmark.plan import plan_bench
from physrep.benchmark.system_name import with_system
from physrep.data import write_stats, write_well
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_csv
from physrep.fitting.fit import fit_instrument
from physrep.systems import Trajectories
from physrep.training.pretrain import pretrain


@pytest.fixture
def own(tmp_path: Path) -> Path:
    draw = torch.Generator().manual_seed(0)
    for split, count in {"train": 6, "valid": 3, "test": 3}.items():
        rate = torch.rand(count, generator=draw, dtype=torch.float64) + 0.5
        fields = {"height": torch.randn(count, 8, 8, 8, generator=draw) * rate.float().view(-1, 1, 1, 1)}
        axes = {"x": torch.arange(8.0), "y": torch.arange(8.0)}
        path = tmp_path / "lake" / "data" / split / "a.hdf5"
        write_well(path, Trajectories("lake", fields, {"wind": rate}, torch.arange(8.0), axes, (False, False)))
    write_stats(tmp_path / "lake")
    return tmp_path / "lake"


def test_own_data_keep_their_name(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = BenchConfig(
        data=DataConfig(path=str(own)), num_frames=4, eval_stride=4, runs=[RunConfig("statistics")], analyses={}, jobs=1
    )
    rows = read_csv(bench(config, tmp_path / "out"))
    assert {row["system"] for row in rows} == {"lake"}
    assert "system: lake" in (tmp_path / "out" / "config.yaml").read_text()
    assert "the files call" not in capsys.readouterr().err
    assert with_system(replace(config, system="pond")).system == "pond", "a name of one's own is nobody's system"
    assert "the files call" not in capsys.readouterr().err
    assert with_system(replace(config, system="shear_flow")).system == "shear_flow"
    assert "the files call their system lake, the configuration shear_flow" in capsys.readouterr().err


def test_nothing_is_written_among_the_data(own: Path, tmp_path: Path) -> None:
    data = DataConfig(path=str(own))
    before = sorted(own.rglob("*"))
    for out in (own, own / "data", own / "data" / "train" / "run"):
        for work in (
            lambda out=out: bench(BenchConfig(data=data, runs=[RunConfig("statistics")]), out),
            lambda out=out: pretrain("jepa", data, out, num_frames=4),
            lambda out=out: fit_instrument(data, out),
        ):
            with pytest.raises(PhysrepError, match="is a folder of the data set; choose another --out"):
                work()
    assert sorted(own.rglob("*")) == before
    data.check_out(own / "runs")
    data.check_out(tmp_path)


def test_a_data_set_that_is_not_at_hand_can_be_planned_for(tmp_path: Path) -> None:
    named = DataConfig(dataset="active_matter")
    assert with_system(BenchConfig(data=named)).system == "active_matter"
    config = BenchConfig(system="active_matter", data=named, num_frames=4, runs=[RunConfig("constant")], analyses={})
    assert with_system(config).system == "active_matter"
    assert "not found" in plan_bench(config, "nowhere")
    with pytest.raises(PhysrepError, match="'active_matter' is wanted, but it is not said where it lies"):
        bench(config, tmp_path)


def test_without_data_and_name_shear_flow_is_simulated() -> None:
    assert with_system(BenchConfig()).system == "shear_flow"
