"""Shifts find what was planted: who loses nothing, who loses exactly then, and who only seems to know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physrep.analyses import Context, Rows
from physrep.analyses.generalisation import Generalisation
from physrep.analyses.generalisation.analysis import chosen_runs
from physrep.analyses.generalisation.scoring import ratio_interval
from physrep.analyses.run import run_analyses
from physrep.clip import Clip
from physrep.errors import PhysrepError
from tests.helpers import planted_shifts

KINDS = ("truth", "one_channel", "piecewise", "plane", "roughness", "one_size")


@pytest.fixture(scope="module", autouse=True)
def seeing() -> Iterator[None]:
    """The planted encoders are oracles: they may see the labels that are hidden from every learner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clip, "blind", lambda clip: clip)
        yield


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("planted")
    return planted_shifts.context(planted_shifts.write_planted(folder), folder / "bench", KINDS)


@pytest.fixture(scope="module")
def rows(bench: Context) -> Rows:
    return Generalisation().rows(bench)


def cells(rows: Rows, title: str, shift: str, parameter: str = "mean") -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of one encoder under one shift by subject and level."""
    return {
        (row["subject"], row["level"]): row
        for row in rows
        if (row["title"], row["shift"], row.get("parameter")) == (title, shift, parameter)
    }


def test_a_token_that_is_the_parameter_degrades_nowhere(rows: Rows) -> None:
    scored = [row for row in rows if row["title"] == "truth" and "value" in row]
    assert {row["shift"] for row in scored} >= {
        "extrapolation", "combinations", "noise", "missing_fields", "resolution", "time_step", "window_length",
    }  # fmt: skip
    assert max(row["value"] for row in scored) < 1e-6
    assert min(row["constant"] for row in scored if row["shift"] == "noise") > 0.5


def test_an_encoder_of_one_channel_loses_exactly_that(rows: Rows) -> None:
    found = cells(rows, "one_channel", "missing_fields", "first")
    assert found["b", "missing"]["value"] == pytest.approx(found["b", "missing"]["reference"], rel=1e-6)
    assert found["b", "missing"]["reference"] < 1e-3
    # With the channel at its training mean the probe says the mean of the labels: as good as a constant.
    assert found["a", "missing"]["value"] == pytest.approx(found["a", "missing"]["constant"], rel=0.02)


def test_what_bends_beyond_the_seen_range_fails_there_and_not_in_the_reference(rows: Rows) -> None:
    found = cells(rows, "piecewise", "extrapolation", "first")
    high, low = found["first", "highest 30 %"], found["first", "lowest 30 %"]
    assert high["reference"] < 1e-5 and high["value"] > 0.3
    assert low["value"] < 1e-5
    assert cells(rows, "piecewise", "extrapolation", "second")["second", "highest 30 %"]["value"] < 1e-3


def test_what_bends_in_one_quadrant_fails_there_only(rows: Rows) -> None:
    found = cells(rows, "plane", "combinations")
    assert len(found) == 4
    high = found.pop(("first and second", "high first, high second"))
    assert high["value"] > 0.05 and high["reference"] < 1e-3
    assert max(row["value"] for row in found.values()) < 1e-3


def test_noise_harms_a_roughness_more_and_more(rows: Rows) -> None:
    found = cells(rows, "roughness", "noise", "first")
    assert [level for _, level in found] == ["1 %", "2 %", "5 %", "10 %", "20 %"]
    ratios = [row["ratio"] for row in found.values()]
    assert all(1 < a < b for a, b in pairwise(ratios)) and found["", "1 %"]["ratio_low"] > 1
    # Noise of variance v adds 2 v to the mean squared difference, so the error of the root grows as v squared at first.
    values = [row["value"] for row in found.values()]
    assert values[1] / values[0] == pytest.approx(2**4, rel=0.5)


def test_encoding_anew_gives_the_stored_scores(bench: Context) -> None:
    tiny = Generalisation({"noise": {"levels": [1e-9]}}, max_trajectories=None).rows(bench)
    for title in ("one_channel", "roughness"):
        (row,) = cells(tiny, title, "noise").values()
        clean = cells(tiny, title, "clean")["", ""]
        assert row["value"] == pytest.approx(clean["value"], rel=1e-3)
        assert row["reference"] == pytest.approx(clean["value"], rel=1e-6)


def test_a_coarser_grid_keeps_means_and_is_refused_in_words(rows: Rows) -> None:
    # Means are those of the modes that both grids hold.
    found = cells(rows, "one_channel", "resolution", "first")
    for level in ("as it is", "interpolated back"):
        assert found["4x4 points", level]["value"] == pytest.approx(found["4x4 points", level]["reference"], rel=1e-2)
    # Differences to the neighbour are larger where neighbours are further apart.
    assert cells(rows, "roughness", "resolution", "first")["4x4 points", "as it is"]["ratio"] > 3
    assert list(cells(rows, "one_size", "resolution")) == [("4x4 points", "interpolated back")]
    notes = [row["note"] for row in rows if row["shift"] == "resolution" and row.get("note")]
    assert len(notes) == 1 and "one_size cannot read fields of 4x4 points" in notes[0]


def test_time_steps_that_fit_and_those_that_do_not(bench: Context) -> None:
    found = Generalisation({"time_step": {"factors": [2, 5]}}).rows(bench)
    assert list(cells(found, "truth", "time_step")) == [("", "dt x 2")]
    assert {row.get("note") for row in found} - {None} == {
        "Trajectories of 12 frames hold no window of 4 frames that are 5 apart."
    }


def test_levels_of_window_length(rows: Rows) -> None:
    assert list(cells(rows, "one_channel", "window_length")) == [
        ("windows averaged", "1 of 3"), ("windows averaged", "2 of 3"),
        ("frames available", "1 of 4"), ("frames available", "2 of 4"),
    ]  # fmt: skip


def test_a_finished_analysis_is_not_made_again(bench: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"generalisation": {"shifts": {"missing_fields": {}}}}
    run_analyses(request, bench)
    monkeypatch.setattr(Generalisation, "rows", lambda *_: pytest.fail("made again"))
    run_analyses(request, bench)
    assert (bench.out / "analyses" / "generalisation.csv").read_text().startswith("run,title,learner")


def test_typing_errors_are_named() -> None:
    with pytest.raises(PhysrepError, match="there is no shift 'noize'; did you mean 'noise'"):
        Generalisation({"noize": {}})
    with pytest.raises(PhysrepError, match="has no option 'level'"):
        Generalisation({"noise": {"level": [0.1]}})
    with pytest.raises(PhysrepError, match="there is no probe 'rigde'"):
        Generalisation(probe="rigde")


def test_the_first_seed_or_those_named(bench: Context) -> None:
    from dataclasses import replace

    one = bench.runs[0]
    runs = [one, replace(one, seed=1, name="truth-s1"), bench.runs[1]]
    assert [run.name for run in chosen_runs(runs, None)] == ["truth-s0", "one_channel-s0"]
    assert [run.name for run in chosen_runs(runs, [1])] == ["truth-s1", "one_channel-s0"]


def test_ratio_by_hand() -> None:
    reference = np.random.default_rng(0).random((30, 2))
    for got in ratio_interval(4 * reference, reference, 200):
        np.testing.assert_allclose(got, 4)
    value, low, high = ratio_interval(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]]), 500)
    np.testing.assert_allclose([value, low, high], [[2, 2], [1, 1], [3, 3]])
    assert math.isnan(ratio_interval(reference, 0 * reference, 10)[0][0])


def test_other_starts_are_of_the_same_parameters_and_made_once(tmp_path: Path) -> None:
    from physrep.analyses.generalisation.other_starts import other_starts
    from physrep.analyses.generalisation.study import ShiftStudy
    from physrep.simulation import SimulationConfig, simulate

    config = SimulationConfig(trajectories=24, resolution=[16, 16], frames=8, splits=[0.5, 0.2, 0.3], per_file=4)
    data = simulate("heat", tmp_path / "data", config, workers=1)
    bench = planted_shifts.context(data, tmp_path / "bench", ("truth",), {"diffusivity": "log"})
    study = ShiftStudy(bench, max_trajectories=4)
    found = other_starts(study)
    assert not isinstance(found, str)
    dataset, partner, family = found
    assert family != "diverse" and len(dataset) == 4
    np.testing.assert_allclose(dataset.parameters.numpy(), study.test.parameters.numpy()[partner], rtol=1e-12)
    first = study.test.clip(np.stack([partner, 0 * partner], 1), 1).fields
    assert (dataset.clip(np.stack([np.arange(4), np.zeros(4, int)], 1), 1).fields - first).abs().mean() > 0.01
    times = {path: path.stat().st_mtime_ns for path in (bench.out / "analyses").rglob("*.hdf5")}
    assert len(times) == 1
    other_starts(study)
    assert times == {path: path.stat().st_mtime_ns for path in (bench.out / "analyses").rglob("*.hdf5")}
    (row,) = [r for r in Generalisation({"initial_condition": {}}, max_trajectories=4).rows(bench)
              if r["shift"] == "initial_condition" and r["parameter"] == "mean"]  # fmt: skip
    # The truth does not depend on the start; its token is a diffusivity whose logarithm is only nearly linear.
    assert row["level"] == family and row["value"] == pytest.approx(row["reference"], rel=1e-6)


def test_data_of_others_have_no_other_starts(bench: Context) -> None:
    found = Generalisation({"initial_condition": {}}).rows(bench)
    assert "The data were not simulated here" in next(row["note"] for row in found if row.get("note"))


@pytest.mark.parametrize("probe", ["knn", "attentive"])
def test_other_probes_read_the_same_encoders(probe: str, bench: Context) -> None:
    from dataclasses import replace

    one = [run for run in bench.runs if run.title == "one_channel"]
    attentive = {"epochs": 1, "batch_size": 64, "learning_rates": [1e-3], "weight_decays": [0.01]}
    options: dict[str, dict[str, Any]] = {"knn": {}, "attentive": attentive}
    part = replace(bench, runs=one, probes={"ridge": {}, probe: options[probe]})
    found = Generalisation({"missing_fields": {}}, probe=probe).rows(part)
    assert {row["probe"] for row in found} == {probe}
    row = cells(found, "one_channel", "missing_fields", "first")["b", "missing"]
    assert row["value"] == pytest.approx(row["reference"], rel=1e-4)


def test_the_probe_chosen_on_valid(bench: Context) -> None:
    from dataclasses import replace

    from physrep.files import write_json

    one = bench.runs[0]
    common = {"level": "trajectory", "parameter": "mean", "split": "valid", "metric": "mse"}
    scores = [{**common, "probe": "ridge", "value": 0.3}, {**common, "probe": "knn", "value": 0.2}]
    write_json(one.folder / "scores.json", scores)
    part = replace(bench, runs=[one], probes={"ridge": {}, "knn": {}})
    assert {row["probe"] for row in Generalisation({"missing_fields": {}}, probe="chosen").rows(part)} == {"knn"}


def test_a_gain_is_one_factor_of_a_trajectory() -> None:
    from types import SimpleNamespace

    import torch

    from physrep.analyses.generalisation.gain import GainShift

    clip = Clip(
        fields=torch.ones(3, 2, 2, 4, 4), parameters=torch.zeros(3, 1), channels=("a", "b"), parameter_names=("p",),
        dt=1.0, dx=(1.0, 1.0), periodic=(True, True), trajectory=torch.tensor([5, 5, 6]),
        start=torch.tensor([0, 8, 0]),
    )  # fmt: skip
    study: Any = SimpleNamespace(seed=0)
    found = {level: shifted.fields for _, level, shifted in GainShift((1.5, 4.0)).variants(study, clip)}
    assert list(found) == ["up to x 1.5", "up to x 4"]
    for factor, fields in zip((1.5, 4.0), found.values(), strict=True):
        gains = fields[:, 0, 0, 0, 0]
        assert torch.equal(fields, gains.view(3, 1, 1, 1, 1).expand_as(fields))
        assert gains[0] == gains[1] != gains[2] and gains.min() >= 1 / factor and gains.max() <= factor
    apart = next(GainShift((2.0,), shared=False).variants(study, clip))[2].fields
    assert apart[0, 0, 0, 0, 0] != apart[0, 1, 0, 0, 0]
    with pytest.raises(PhysrepError, match="gain factors"):
        GainShift((0.5,))


def test_shifts_of_fields_in_space() -> None:
    from types import SimpleNamespace

    import torch

    from physrep.analyses.generalisation.gain import GainShift
    from physrep.analyses.generalisation.noise import NoiseShift
    from physrep.analyses.generalisation.resolution import Resolution
    from physrep.analyses.generalisation.window_length import WindowLength

    points = torch.arange(12) * 2 * math.pi / 12
    wave = torch.cos(points).expand(1, 1, 4, 8, 6, 12) * torch.arange(1, 5).view(-1, 1, 1, 1)
    index = torch.zeros(1, dtype=torch.long)
    clip = Clip(wave, torch.zeros(1, 0), ("a",), (), 1.0, (1.0,) * 3, (True,) * 3, index, index)
    study: Any = SimpleNamespace(seed=0, train=SimpleNamespace(std=torch.ones(1)))
    coarse, back = (shifted for _, _, shifted in Resolution().variants(study, clip))
    assert coarse.fields.shape[3:] == (4, 3, 6) and coarse.dx == (2.0,) * 3
    torch.testing.assert_close(coarse.fields, wave[..., ::2, ::2, ::2], rtol=0, atol=1e-5)
    torch.testing.assert_close(back.fields, wave, rtol=0, atol=1e-5)
    noisy = next(NoiseShift((0.1,)).variants(study, clip))[2].fields
    assert float((noisy - wave).std()) == pytest.approx(0.1, rel=0.05)
    short = next(WindowLength((0.5,)).variants(study, clip))[2].fields
    assert torch.equal(short[:, :, 2:], wave[:, :, 1:2].expand(-1, -1, 2, -1, -1, -1))
    louder = next(GainShift((2.0,)).variants(study, clip))[2].fields / wave
    assert float(louder.min()) == pytest.approx(float(louder.max()), rel=1e-5)
