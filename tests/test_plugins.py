"""A package outside this repository adds one part of every kind: by entry points, and by import paths alone."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from physrep.analyses import ANALYSES
from physrep.benchmark import bench, read_config
from physrep.benchmark.directory import Bench
from physrep.errors import PhysrepError
from physrep.files import read_csv, read_json
from physrep.learners import LEARNERS
from physrep.metrics import METRICS
from physrep.probes import PROBES
from physrep.report import build_report, latex_table, markdown_table, text_table
from physrep.systems import SYSTEMS

PLUGIN = textwrap.dedent(
    '''
    """Ink that spreads in water.

        c_t = k (c_xx + c_yy)
    """

    import numpy as np
    import torch
    from physrep.analyses import Analysis
    from physrep.learners import JEPA, FieldStatistics
    from physrep.metrics import Metric
    from physrep.probes import RidgeProbe
    from physrep.systems.linear import Heat


    class Ink(Heat):
        name = "ink"


    class Twin(JEPA):
        colour = "#0a7d55"


    class Largest(FieldStatistics):
        label = "Largest value"

        def __init__(self, in_channels, num_frames=16):
            super().__init__(in_channels, num_frames)
            self.embed_dim = in_channels

        def encode(self, clip):
            return self.fields(clip, self.num_frames).amax((2, 3, 4)).unsqueeze(1)


    class Stiff(RidgeProbe):
        pass


    def mae(prediction, target):
        return np.abs(np.asarray(prediction) - np.asarray(target)).mean(0)


    def terms(prediction, target):
        return np.stack([np.ones_like(prediction), np.abs(prediction - target)], 1)


    MAE = Metric("mae", "MAE", mae, lambda sums: sums[..., 1, :] / sums[..., 0, :], True, terms)


    class TokenSize(Analysis):
        columns = ("run", "title", "learner", "encoder", "kind", "seed", "size")

        def rows(self, context):
            return [
                {**run.identity(), "size": float(np.square(context.stores(run)["test"].tokens).mean())}
                for run in context.runs
            ]
    '''
)
NAMES = {"systems": "Ink", "learners": "Twin", "floors": "Largest", "probes": "Stiff", "metrics": "MAE",
         "analyses": "TokenSize"}  # fmt: skip
BY_PATH = {group: f"ink_plugin:{name}" for group, name in NAMES.items()}
BY_NAME = {"systems": "ink", "learners": "twin", "floors": "largest", "probes": "stiff", "metrics": "mae",
           "analyses": "token_size"}  # fmt: skip
REGISTRIES = (SYSTEMS, LEARNERS, PROBES, METRICS, ANALYSES)


def install(folder: Path, points: str | None = None) -> None:
    """What pip would leave in site-packages; ``points`` are its entry points, default all of `BY_NAME`."""
    (folder / "ink_plugin.py").write_text(PLUGIN)
    information = folder / "ink_plugin-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: ink-plugin\nVersion: 1.0\n")
    groups: dict[str, list[str]] = {}
    for group, name in BY_NAME.items():
        groups.setdefault("learners" if group == "floors" else group, []).append(f"{name} = {BY_PATH[group]}")
    lines = [line for group, own in groups.items() for line in (f"[physrep.{group}]", *own)]
    (information / "entry_points.txt").write_text("\n".join(lines) if points is None else points)


def settings(parts: dict[str, str], jobs: int = 1) -> dict[str, Any]:
    small = {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]], "groups": 4}
    return {
        "system": parts["systems"],
        "simulation": {"trajectories": 20, "resolution": [16, 16], "frames": 8, "splits": [0.5, 0.25, 0.25]},
        "num_frames": 4,
        "eval_stride": 4,
        "encoder": "conv3d",
        "encoder_options": small,
        "training": {"steps": 3, "batch_size": 4, "checkpoint_every": 3, "log_every": 3, "probe_every": 0},
        "runs": [
            {"learner": parts["learners"], "name": "twin"},
            {"learner": parts["floors"], "name": "largest"},
            {"learner": "supervised"},
        ],
        "probes": {parts["probes"]: {}},
        "metrics": ["mse", "r2", parts["metrics"]],
        "analyses": {parts["analyses"]: {}},
        "n_resamples": 50,
        "jobs": jobs,
    }


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what registries learn from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    own = dict(SYSTEMS.own)
    monkeypatch.syspath_prepend(folder)
    for registry in REGISTRIES:
        registry.refresh()
    yield folder
    SYSTEMS.own = own
    sys.modules.pop("ink_plugin", None)
    monkeypatch.undo()
    for registry in REGISTRIES:
        registry.refresh()


@pytest.mark.parametrize("parts", [BY_NAME, BY_PATH], ids=["entry points", "import paths"])
def test_all_parts_of_a_plugin_count(parts: dict[str, str], site: Path, tmp_path: Path) -> None:
    registered = parts is BY_NAME
    install(site, None if registered else "")
    out = bench(read_config(settings(parts, 1 if registered else 2), "test"), tmp_path / "bench").parent
    probe = parts["probes"]
    summary = read_json(out / "runs" / "twin-s0" / "summary.json")
    label = "twin" if registered else "Twin"
    assert (summary["kind"], summary["label"], summary["colour"]) == ("learner", label, "#0a7d55")
    assert read_json(out / "runs" / "largest-s0" / "summary.json")["kind"] == "floor"
    assert (out / "data" / "ink" / "data" / "test" / "ink_0000.hdf5").is_file()

    rows = read_csv(out / "results.csv")
    assert {row["metric"] for row in rows} == {"mse", "r2", "mae"}
    assert {row["probe"] for row in rows} == {probe, "head"}
    assert {row["system"] for row in rows} == {parts["systems"]}

    calibration = read_csv(out / "calibration.csv")
    assert {row["floor_name"] for row in calibration} == {f"{parts['floors']} + {probe}"}
    assert len(calibration) == 4  # two levels, the diffusivity and the mean

    shown = Bench.read(out)
    heading, readout = ("MAE", "stiff") if registered else ("mae", "Stiff")
    for table in (text_table, markdown_table, latex_table):
        text = table(shown.rows, shown.identities)
        assert all(word in text for word in (label, "Largest value", readout, f"mean {heading}")), text

    page = build_report(out).read_text()
    title = "Token size" if registered else "Tokensize"
    for word in ("Largest value", "#0a7d55", f">{readout}<", f'data-metric="mae">{heading}<', f"<h2>{title}</h2>"):
        assert word in page, word
    assert "c_t = k (c_xx + c_yy)" in page
    sizes = read_csv(out / "analyses" / f"{parts['analyses']}.csv")
    assert {row["title"] for row in sizes} == {"twin", "largest", "supervised"}


def test_a_plugin_that_cannot_be_imported_is_named(site: Path) -> None:
    install(site)
    (site / "ink_plugin.py").write_text("import nothing_of_that_name")
    assert "stiff" in PROBES and "stiff" in list(PROBES)
    with pytest.raises(PhysrepError, match=r"'stiff' of the plugin ink-plugin cannot be imported \(No module"):
        PROBES["stiff"]


def test_a_plugin_does_not_replace_a_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "[physrep.probes]\nridge = ink_plugin:Stiff")
    assert "ink" not in PROBES and PROBES["ridge"].__name__ == "RidgeProbe"
    assert "'ridge' of the plugin ink-plugin is ignored, the name is taken" in capsys.readouterr().err


def test_what_is_no_metric_and_no_system_is_refused(site: Path) -> None:
    install(site, "")
    with pytest.raises(PhysrepError, match=r"'ink_plugin:mae' is a function; name a physrep.metrics.Metric"):
        bench(read_config({**settings(BY_PATH), "metrics": ["mse", "ink_plugin:mae"]}, "test"), site / "out")
    with pytest.raises(PhysrepError, match=r"is no physrep.systems.System"):
        SYSTEMS["ink_plugin:Stiff"]
    with pytest.raises(PhysrepError, match="mse among them"):
        bench(read_config({**settings(BY_PATH), "metrics": ["r2"]}, "test"), site / "out")
