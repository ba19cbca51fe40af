"""A learner that joins windows is asked under every shift for what the windows of a level say together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from physrep.analyses import Context, FrozenRun
from physrep.analyses.generalisation import probed, shift
from physrep.analyses.generalisation.probed import ProbedRun
from physrep.analyses.generalisation.shift import predict_windows
from physrep.analyses.generalisation.study import ShiftStudy
from physrep.analyses.generalisation.window_length import fewer_windows
from physrep.learners.joined import joined_tokens
from physrep.run_directory import learner_config, prepare_learner, save_learner
from physrep.tokens import embed_splits
from tests.helpers import planted_shifts


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ProbedRun:
    folder = tmp_path_factory.mktemp("joined")
    context = planted_shifts.context(planted_shifts.write_planted(folder, 60), folder / "bench", ())
    settings = learner_config(
        "tests.helpers.joining_learner:Weighing", {}, planted_shifts.FRAMES, context.splits["train"],
        planted_shifts.SCALES, context.data, 0,
    )  # fmt: skip
    learner, where = prepare_learner(settings, context.splits["train"]), folder / "bench" / "runs" / "weighing-s0"
    save_learner(where, learner, settings)
    embed_splits(learner.eval(), context.splits, where / "tokens", stride=planted_shifts.STRIDE)
    frozen = FrozenRun("weighing-s0", "weighing", "weighing", "none", 0, "learner", where)
    return ProbedRun(replace(context, runs=[frozen]), frozen, "ridge")


def expected(run: ProbedRun, context: Context, rows: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """What the probe says of these test windows, read together, straight from the learner."""
    learner = run.learner
    clip = context.splits["test"].clip(rows, learner.num_frames)
    clip = replace(clip, fields=gain * clip.fields)
    tokens = joined_tokens(learner, learner.evidence(clip), clip.trajectory)  # pyright: ignore[reportArgumentType]
    return run.probe.predict(tokens).double().numpy()


def test_a_shift_joins_whole_trajectories_whatever_the_batches(run: ProbedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift, "BATCH", 4)
    study = ShiftStudy(run.context)
    windows = study.windows(run.learner.num_frames)
    assert len(windows) == 3 * len(np.unique(windows[:, 0]))
    found = predict_windows(
        run, study.test, windows, 1, lambda clip: iter([("", "twice", replace(clip, fields=2 * clip.fields))])
    )["", "twice"]
    np.testing.assert_allclose(found, expected(run, run.context, windows, 2.0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(run.clean_at(windows), run.clean, rtol=1e-4, atol=1e-5)


def test_windows_that_are_not_given_do_not_count(run: ProbedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probed, "BATCH", 4)
    windows = ShiftStudy(run.context).windows(run.learner.num_frames)
    some = windows[np.arange(len(windows)) % 3 != 1]
    clean = run.clean_at(some)
    np.testing.assert_allclose(clean, expected(run, run.context, some), rtol=1e-4, atol=1e-5)
    assert np.abs(clean[::2] - run.clean[::3]).max() > 1e-3
    by_level = {outcome.level: outcome for outcome in fewer_windows(ShiftStudy(run.context), run)}
    assert set(by_level) == {"1 of 3", "2 of 3"}
    truth = run.labels["test"].double().numpy()[::3]
    alone = np.stack([expected(run, run.context, windows[first::3]) for first in range(3)])
    np.testing.assert_allclose(by_level["1 of 3"].error, ((alone - truth) ** 2).mean(0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(by_level["1 of 3"].reference, (run.clean[::3] - truth) ** 2, rtol=1e-6)
    assert by_level["2 of 3"].error.shape == truth.shape
