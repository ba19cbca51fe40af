"""Nested cross-validation as the protocol of a benchmark, and the study's questions to any of its runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import torch
from torch import Tensor

from physrep.analyses.latent import read_latent
from physrep.benchmark import bench, read_config
from physrep.benchmark.directory import Bench
from physrep.benchmark.grid import expand
from physrep.errors import PhysrepError
from physrep.files import read_csv
from physrep.probes import Probe, evaluate_nested
from physrep.report.sections import sections
from physrep.tokens import LabelScaler, TokenStore
from physrep.tokens.protocol import NestedCV, divide, read_protocol
from tests.helpers.small_data import TINY_ENCODER, write_waves


def config(path: Path, protocol: dict[str, Any], **more: Any) -> dict[str, Any]:
    runs = [
        {"learner": "constant"},
        {"learner": "statistics"},
        {"learner": "video_pixels", "options": {"groups": [["tracer"]], "source": "gray16"}},
        {"learner": "random", **TINY_ENCODER},
    ]
    return {"system": "waves", "data": {"path": str(path)}, "num_frames": 4, "eval_stride": 2, "runs": runs,
            "n_resamples": 50, "jobs": 1, "scales": {"rate": "log"}, "protocol": protocol, "analyses": {},
            **more}  # fmt: skip


class Spy(Probe):
    """Remembers the labels that it was fitted on, and says those that it is asked about."""

    seen: ClassVar[list[tuple[set[float], set[float], set[float]]]] = []

    def fit(self, tokens: Any, labels: Tensor, tokens_valid: Any, labels_valid: Tensor) -> Self:
        self.known = ({round(v, 4) for v in np.asarray(tokens)[:, 0, 0].tolist()},
                      {round(v, 4) for v in np.asarray(tokens_valid)[:, 0, 0].tolist()})  # fmt: skip
        self.calls = 0
        return self

    def predict(self, tokens: Any) -> Tensor:
        asked = {round(v, 4) for v in np.asarray(tokens)[:, 0, 0].tolist()}
        self.calls += 1
        if self.calls == 2:  # valid first, then test
            self.seen.append((*self.known, asked))
        return torch.from_numpy(np.asarray(tokens)[:, 0, :1]).float()


def test_no_trajectory_is_on_two_sides_and_each_is_in_test_once_per_seed() -> None:
    Spy.seen = []
    labels = np.linspace(1, 2, 30)
    stores = {}
    for split, rows in (("train", slice(0, 16)), ("valid", slice(16, 22)), ("test", slice(22, 30))):
        own = labels[rows].repeat(3)
        stores[split] = TokenStore(
            own[:, None, None].astype(np.float32), own[:, None], np.arange(len(own)) // 3,
            np.tile([0, 2, 4], len(own) // 3), ("p",),
        )  # fmt: skip
    scaler = LabelScaler.fit(labels[:, None], ["p"], {"p": "linear"})
    protocol = NestedCV(folds=5, seeds=2, pool=["train", "valid", "test"])
    firsts = {split: store.labels[::3, 0] for split, store in stores.items()}
    rows, predictions = evaluate_nested(Spy, stores, scaler, divide(protocol, firsts, "x"), name="spy", n_resamples=20)
    assert len(Spy.seen) == 10
    for train, valid, test in Spy.seen:
        assert not (train & test or train & valid or valid & test) and len(train | valid | test) == 30
    for seed in range(2):
        asked = [value for _, _, test in Spy.seen[5 * seed : 5 * seed + 5] for value in test]
        assert len(asked) == len(set(asked)) == 30
    assert Spy.seen[:5] != Spy.seen[5:]
    assert set(rows["n_trajectories"]) == {30}
    assert np.array_equal(predictions["test"].trajectory, np.arange(30).repeat(3))


def test_a_benchmark_in_nested_cross_validation_scores_all_runs_on_the_same_simulations(tmp_path: Path) -> None:
    path = write_waves(tmp_path)
    nested = {"nested_cv": {"folds": 3, "seeds": 2, "pool": ["train", "valid", "test"]}}
    out = tmp_path / "out"
    bench(read_config(config(path, nested), "x"), out)
    rows = [row for row in read_csv(out / "results.csv") if row["split"] == "test" and row["level"] == "trajectory"]
    assert {row["n_trajectories"] for row in rows} == {"24"} and len({row["run"] for row in rows}) == 4
    value = {(row["learner"], row["metric"]): float(row["value"]) for row in rows if row["parameter"] == "mean"}
    # A planted rate is read by statistics, and not by a constant.
    assert value["statistics", "r2"] > 0.9 and abs(value["constant", "r2"]) < 0.2
    split = tmp_path / "split"
    bench(read_config(config(path, {"split": {}}), "x"), split)
    assert {row["n_trajectories"] for row in read_csv(split / "results.csv") if row["split"] == "test"} != {"24"}


@pytest.mark.parametrize(
    "protocol", [{"split": {}}, {"nested_cv": {"folds": 3, "seeds": 2, "pool": ["train", "test"]}}]
)
def test_the_questions_of_the_study_are_put_to_every_run_of_a_benchmark(
    tmp_path: Path, protocol: dict[str, Any]
) -> None:
    analyses = {name: {} for name in ("parameters", "koopman", "falsification", "classification", "spatial_head")}
    out = tmp_path / "out"
    bench(read_config(config(write_waves(tmp_path), protocol, analyses=analyses), "x"), out)
    names = {"statistics-s0", "video_pixels-s0", "random-s0"}
    rows, arrays = read_latent(out, "koopman")
    assert {row["modality"] for row in rows} == names
    assert {row["set"] for row in rows} == {"waves"} and any(key.startswith("spectrum/") for key in arrays)
    read = {row["modality"]: row for row in read_latent(out, "parameters")[0] if row["metric"] == "r2"
            and row["level"] == "simulation"}  # fmt: skip
    assert set(read) == names and read["statistics-s0"]["value"] > 0.9
    assert len(read["statistics-s0"]["splits"]) == (1 if "split" in protocol else 2)
    tested = len(np.unique(read_latent(out, "parameters")[1]["waves/rate/simulation/statistics-s0"][0]))
    assert tested == (len(read_csv_test(out)) if "split" in protocol else 19)
    assert {row["level"] for row in read_latent(out, "falsification")[0]} == {"video_pixels-s0"}
    page = {section.name: section for section in sections(Bench.read(out))}
    assert {"parameters", "koopman", "falsification"} <= set(page) and "classification" not in page
    text = " ".join(str(cell) for table in page["koopman"].tables for cell in table.texts().to_numpy().ravel())
    assert all(name in text for name in ("Field statistics", "Pixels of the pictures", "Random encoder"))
    assert page["falsification"].tables[0].frame.columns[2] == "verdict" and len(page["parameters"].pictures) == 2
    # What cannot be asked is said.
    assert not read_latent(out, "classification")[0] and not read_latent(out, "spatial_head")[0]
    note = json.loads((out / "analyses" / "classification_note.json").read_text())
    assert "one set" in note["sentences"][0]


def read_csv_test(out: Path) -> set[int]:
    with np.load(out / "runs" / "statistics-s0" / "predictions_ridge.npz") as found:
        return set(found["test.trajectory"].tolist())


def test_bad_protocols_are_one_sentence(tmp_path: Path) -> None:
    for values, match in (
        ({"splits": {}}, "did you mean 'split'"),
        ({"split": {}, "nested_cv": {}}, "give one of"),
        ({"nested_cv": {"folds": 2}}, "at least 3 folds"),
        ({"nested_cv": {"pool": ["tests"]}}, "name some of"),
        ({"nested_cv": {"fold": 4}}, "did you mean 'folds'"),
    ):
        with pytest.raises(PhysrepError, match=match):
            read_protocol(values)
    with pytest.raises(PhysrepError, match="too few for 4 folds"):
        divide(NestedCV(), {"train": [1.0] * 20, "valid": [1.0], "test": [1.0, 2.0, 3.0]}, "x")
    values = config(tmp_path, {"nested_cv": {"pool": ["train", "test"]}})
    values["runs"].append({"learner": "supervised", **TINY_ENCODER})
    with pytest.raises(PhysrepError, match="trained on the labels"):
        expand(read_config(values, "x"))
