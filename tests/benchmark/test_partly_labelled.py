"""Some trajectories have labels, the others train what needs none: nothing is refused, and nothing is mixed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import physrep
from physrep.benchmark import bench, read_config
from physrep.cli.main import main
from physrep.data import assign_splits, open_clips, select_trajectories, write_stats, write_well
from physrep.data.config import DataConfig
from physrep.data.labelled import labelled
from physrep.data.splits import assign_labelled
from physrep.errors import PhysrepError
from physrep.files import read_json, read_rows
from physrep.learners.spectra import Spectra
from physrep.probes import RidgeProbe, evaluate
from physrep.probes.partial import PartialProbe
from physrep.readout import read_readout
from physrep.report import build_report
from physrep.streams import say_once
from physrep.tokens import LabelScaler, TokenStore, embed_splits
from physrep.training.config import TrainingConfig
from tests.helpers.small_data import TINY_ENCODER, decaying_waves, waves_bench

N = 60
SPLITS = np.array(assign_splits(N, 0, (0.6, 0.2, 0.2)))


def rows_of(split: str, known: np.ndarray | None = None) -> list[int]:
    return np.flatnonzero((split == SPLITS) & (True if known is None else known)).tolist()


def write(root: Path, labels: dict[str, np.ndarray], known: np.ndarray | None = None) -> Path:
    """Waves of all trajectories, or of the known ones alone, with these labels."""
    whole = decaying_waves(N)
    whole.parameters = {name: torch.from_numpy(values) for name, values in labels.items()}
    for split in ("train", "valid", "test"):
        write_well(root / "data" / split / "waves.hdf5", select_trajectories(whole, rows_of(split, known)))
    write_stats(root)
    return root


RATE = decaying_waves(N).parameters["rate"].numpy()
KNOWN = np.arange(N) % 3 != 1
OTHER = np.arange(N) % 5 > 1


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("partly") / "waves", {"rate": np.where(KNOWN, RATE, np.nan)})


@pytest.fixture(scope="module")
def finished(partly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    runs = [{"learner": "constant"}, {"learner": "spectra"}, {"learner": "jepa"}, {"learner": "supervised"}]
    analyses = {"similarity": {}, "efficiency": {"fractions": [0.5, 1.0]}}
    bench(read_config(waves_bench(partly, 3, runs, probes={"ridge": {}}, analyses=analyses), "a test"), out)
    return out


def labelled_alone(root: Path, known: np.ndarray, stats: physrep.data.ChannelStats) -> pd.DataFrame:
    """Rows of ridge on spectra of a data set that holds the labelled trajectories alone, in the units of the whole."""
    write(root / "alone", {"rate": RATE}, known)
    splits = {split: open_clips(root / "alone", split, stats=stats) for split in ("train", "valid", "test")}
    learner = Spectra(len(splits["train"].channels), 4)
    learner.set_normalisation(stats.channels, stats.mean.tolist(), stats.std.tolist())
    stores = embed_splits(learner.eval(), splits, root / "tokens", stride=4)
    scaler = LabelScaler.of_training(splits["train"])
    return evaluate(RidgeProbe(), stores, scaler, name="ridge", n_resamples=50)[0]


def test_scores_are_those_of_the_labelled_trajectories_alone(finished: Path, partly: Path, tmp_path: Path) -> None:
    alone = labelled_alone(tmp_path, KNOWN, DataConfig(path=str(partly)).open("train").stats)
    own = pd.DataFrame(read_rows(finished / "runs" / "spectra-s0" / "scores.json"))[alone.columns]
    pd.testing.assert_frame_equal(own, alone, check_exact=True)
    assert set(own["n_train_trajectories"]) == {len(rows_of("train", KNOWN))}
    test = own[own["split"] == "test"]
    assert set(test["n_trajectories"]) == {len(rows_of("test", KNOWN))} and KNOWN.sum() < N


def test_pretraining_takes_all_of_them_and_the_page_says_so(finished: Path, partly: Path) -> None:
    own = physrep.load_run(finished / "runs" / "jepa-s0")[0]
    assert torch.equal(own.field_mean.flatten(), open_clips(partly, "train").stats.mean)
    rows = pd.read_csv(finished / "results.csv")
    assert set(rows["run"]) == {"constant-s0", "spectra-s0", "jepa-s0", "supervised-s0"}
    assert np.isfinite(rows["value"]).all()
    counts = [f"{len(rows_of(s, KNOWN))} of {len(rows_of(s))} of {s}" for s in ("train", "valid", "test")]
    sentence = f"rate is known for {', '.join(counts)} trajectories"
    assert sentence in read_json(finished / "data_summary.json")["notes"][0]


def test_what_is_unlabelled_can_be_asked(finished: Path, partly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = partly / "data" / "test" / "waves.hdf5"
    assert main(["predict", str(finished / "runs" / "spectra-s0"), str(file), "--format", "csv"]) in (0, 3)
    assert "nan" not in capsys.readouterr().out
    found = physrep.load_readout(finished / "runs" / "spectra-s0").predict(file)
    assert len(found) == len(rows_of("test"))
    unknown = ~KNOWN[rows_of("test")]
    truth = RATE[rows_of("test")]
    assert np.abs(np.log(found["estimate"][unknown] / truth[unknown])).max() < 0.3


def test_labels_of_different_trajectories(tmp_path: Path) -> None:
    """Of every parameter the scores are those of that parameter alone: no trajectory is lost for the others' sake."""
    labels = {"rate": np.where(KNOWN, RATE, np.nan), "other": np.where(OTHER, 1 / RATE, np.nan)}
    data = write(tmp_path / "waves", labels)
    scores = {}
    for names in (None, ["rate"], ["other"]):
        settings = waves_bench(data, 3, [{"learner": "spectra"}], probes={"ridge": {}, "kernel_ridge": {}})
        settings["data"]["parameters"] = names
        out = tmp_path / "out" / "-".join(names or ["both"])
        bench(read_config(settings, "a test"), out)
        scores[out.name] = pd.DataFrame(read_rows(out / "runs" / "spectra-s0" / "scores.json"))
    key = ["probe", "split", "level", "parameter", "metric"]
    both = scores["both"].set_index(key)
    for name in ("rate", "other"):
        own = scores[name][scores[name]["parameter"] == name].set_index(key)
        for column in ("value", "n_trajectories", "n_train_trajectories"):
            assert both.loc[own.index, column].tolist() == own[column].tolist(), (name, column)
    readouts = {name: read_readout(tmp_path / "out" / name / "runs" / "spectra-s0", "ridge") for name in scores}
    assert isinstance(readouts["both"].probe, PartialProbe)
    k = readouts["both"].scaler.names.index("rate")
    widths = readouts["both"].trajectories.half_width[k], readouts["rate"].trajectories.half_width[0]
    assert widths[0] == pytest.approx(widths[1], rel=1e-6)
    assert readouts["both"].trajectories.coverage[k] == readouts["rate"].trajectories.coverage[0]
    store = TokenStore.open(tmp_path / "out" / "rate" / "runs" / "spectra-s0" / "tokens" / "test")
    predictions = [readouts[name].probe.predict(store.tokens) for name in ("both", "rate")]  # type: ignore[union-attr]
    assert torch.equal(predictions[0][:, [k]], predictions[1])
    page = build_report(tmp_path / "out" / "both").read_text(encoding="utf-8")
    assert page.count("what reads labels takes these") == 2 and ">nan" not in page.lower()


def test_too_few_labels_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    few = np.where(np.isin(np.arange(N), [*rows_of("train"), *rows_of("valid"), rows_of("test")[0]]), RATE, np.nan)
    data = write(tmp_path / "waves", {"rate": few})
    config = read_config(waves_bench(data, 3, [{"learner": "spectra"}]), "a test")
    with pytest.raises(PhysrepError, match=r"waves/test: rate is known for 1 of 12 trajectories"):
        bench(config, tmp_path / "out")
    assert not (tmp_path / "out" / "runs").exists()


def test_a_table_that_names_some_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "waves", {})
    lines = [f"{s},{k},{RATE[i]}" for s in ("train", "valid", "test") for k, i in enumerate(rows_of(s)) if KNOWN[i]]
    (tmp_path / "labels.csv").write_text("\n".join(["split,trajectory,rate", *lines]))
    say_once.cache_clear()
    run = tmp_path / "run"
    options = ["--labels", str(tmp_path / "labels.csv")]
    small = ["--num-frames", "4", "--options.encoder", "conv3d", "--training.steps", "3", "--training.batch-size", "2"]
    assert main(["pretrain", "jepa", "--data", str(data), "--out", str(run), *small]) == 0
    assert main(["probe", str(run), "--stride", "4", *options]) == 0
    said = capsys.readouterr()
    assert f"rate is known for {len(rows_of('train', KNOWN))} of {len(rows_of('train'))} of train" in said.err
    out = tmp_path / "fit"
    assert main(["fit", str(data), "--out", str(out), "--budget", "0", "--floors", "spectra", *options]) == 0
    assert main(["predict", str(out), str(data / "data" / "test")]) in (0, 3)


def test_a_supervised_learner_trains_on_what_has_labels(tmp_path: Path) -> None:
    labels = {"rate": np.where(KNOWN, RATE, np.nan), "other": np.where(OTHER, 1 / RATE, np.nan)}
    data = DataConfig(path=str(write(tmp_path / "waves", labels)))
    training = TrainingConfig(steps=6, batch_size=4, log_every=2, select="best", probe_every=0)
    run = physrep.pretrain("supervised", data, tmp_path / "run", num_frames=4, options=TINY_ENCODER, training=training)
    log = pd.read_csv(run / "metrics.csv")
    assert log["loss"].notna().sum() == 3 and np.isfinite(log["valid_loss"].dropna()).all()
    train = data.open("train")
    view = labelled({"train": train})["train"]
    assert view.numbers.tolist() == np.flatnonzero((KNOWN | OTHER)[rows_of("train")]).tolist()
    assert torch.equal(view.mean, train.mean) and not torch.equal(view.statistics.mean, train.mean)
    clip = view.clip(view.windows(4)[:3], 4)
    again = train.clip(np.stack([view.numbers[clip.trajectory.numpy()], clip.start.numpy()], 1), 4)
    assert torch.equal(clip.fields, again.fields)
    assert torch.equal(clip.parameters.nan_to_num(), again.parameters.nan_to_num())


@pytest.mark.filterwarnings("ignore:.* of .* trajectories lie outside:UserWarning")
def test_arrays_with_unknown_labels(tmp_path: Path) -> None:
    waves = decaying_waves(N)
    x = np.concatenate([waves.fields["tracer"].numpy()[:, :, None]] * 2, axis=2)
    y = np.where(np.arange(N) % 2 == 0, RATE, np.nan)
    estimator = physrep.ParameterEstimator("spectra", dt=0.1, dx=1 / 16, num_frames=4).fit(x, y)
    assert np.abs(np.log(estimator.predict(x[1::2]) / RATE[1::2])).mean() < 0.2


def test_every_split_has_its_share_of_labels() -> None:
    known = (np.arange(50) < 10)[:, None]
    assigned, count = assign_labelled(known, 0, (0.6, 0.2, 0.2))
    assert count == 10 and [assigned[:10].count(split) for split in ("train", "valid", "test")] == [6, 2, 2]
    assert [assigned.count(split) for split in ("train", "valid", "test")] == [30, 10, 10]
    assert assign_labelled(known | True, 3)[0] == assign_splits(50, 3)
