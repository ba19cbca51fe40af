"""``--plan`` says what would be done and what is there, and writes nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from physrep.cli.main import main
from physrep.nn.conv_stack import ConvStack3D
from physrep.plans import THERE, PlanStep, plan_text
from physrep.training.clip_shape import ClipShape
from physrep.training.costs import training_flops
from physrep.training.estimate import estimate_costs
from physrep.training.measured import Pass, pass_cost
from physrep.training.operations import OperationCounter

SHAPE = ClipShape(("a", "b"), (128, 96), (0.1, 0.1), (True, True), 0.1, ("p",), "unknown")
OPTIONS = {"encoder": "conv3d", "encoder_options": {}}


def test_operations_and_tokens_are_those_of_the_full_size() -> None:
    from physrep.run_directory import build_learner

    found = estimate_costs("jepa", OPTIONS, 4, SHAPE, True)
    learner = build_learner({"learner": "jepa", "options": OPTIONS, "in_channels": 2, "num_frames": 4})
    learner.set_normalisation(("a", "b"), [0.0] * 2, [1.0] * 2)
    clip = SHAPE.clip(learner.train_frames, SHAPE.points, "cpu")
    assert found.train_flops == pytest.approx(training_flops(learner, clip), rel=1e-6)
    with torch.no_grad():
        tokens = learner.encode(SHAPE.clip(4, SHAPE.points, "cpu"))
    assert (found.tokens, found.width) == tuple(tokens.shape[1:])
    assert 0 < found.train_seconds < 60 and found.train_memory > 0


def test_depthwise_convolutions_count_alike_on_meta_and_in_a_real_step() -> None:
    from physrep.run_directory import build_learner

    shape = ClipShape(("a", "b"), (32, 32), (0.1, 0.1), (True, True), 0.1, ("p",), "unknown")
    options = {"encoder": "convnext3d", "encoder_options": {"dims": [8, 16, 32, 64, 64], "num_res_blocks": [1] * 5}}
    found = estimate_costs("supervised", options, 16, shape, True)
    config = {"learner": "supervised", "options": options, "in_channels": 2, "parameters": {"p": "linear"}}
    learner = build_learner({**config, "num_frames": 16})
    learner.set_normalisation(("a", "b"), [0.0] * 2, [1.0] * 2)
    real = training_flops(learner, shape.clip(16, shape.points, "cpu"))
    # The real step takes both gradients as forward convolutions of padded fields, a little more on a small grid.
    assert real == pytest.approx(found.train_flops, rel=0.2)


@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize("transposed", [False, True])
def test_either_gradient_of_a_convolution_costs_what_the_convolution_does(groups: int, transposed: bool) -> None:
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    layer, x = kind(8, 8, 3, groups=groups), torch.zeros(2, 8, 10, 10, requires_grad=True)
    with OperationCounter() as forward:
        y = layer(x)
    with OperationCounter() as backward:
        y.sum().backward()
    points = 100 if transposed else 64
    assert forward.total == 2 * 2 * points * 9 * 8 * 8 // groups
    assert backward.total == 2 * forward.total


def test_operations_are_counted_as_torch_counts_them_and_in_adjoint_methods_too() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    with FlopCounterMode(display=False) as theirs, OperationCounter() as counter:
        layer(torch.zeros(3, 5, 16, requires_grad=True)).sum().backward()
    once = theirs.get_total_flops()
    assert counter.total == once > 0

    class Adjoint(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
            ctx.save_for_backward(x)
            return layer(x)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
            with torch.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                return torch.autograd.grad(layer(x), x, gradient)[0]

    with OperationCounter() as counter:
        Adjoint.apply(torch.zeros(3, 5, 16, requires_grad=True)).sum().backward()  # pyright: ignore[reportOptionalMemberAccess]
    # One more forward pass than the step above, and no gradients of weights.
    assert once / 2 < counter.total < once * 1.1


def test_learners_with_one_encoder_are_timed_once() -> None:
    known: dict[Any, float] = {}
    first = estimate_costs("random", OPTIONS, 4, SHAPE, False, known=known)
    assert len(known) == 1
    key = next(iter(known))
    known[key] = 123.0
    second = estimate_costs("jepa", OPTIONS, 4, SHAPE, True, known=known)
    assert second.encode_seconds == 123.0 / 2 and second.encode_flops == first.encode_flops
    wider = {"encoder": "conv3d", "encoder_options": {"dims": [16, 32, 64, 64]}}
    other = estimate_costs("random", wider, 4, SHAPE, False, known=known)
    assert other.encode_seconds != 123.0 / 2


def test_short_passes_are_timed_on_more_clips_than_two() -> None:
    seen: list[int] = []

    def clip(points: Sequence[int], device: str, clips: int = 2) -> Any:
        seen.append(clips)
        return SHAPE.clip(4, points, device, clips)

    module = torch.nn.Linear(1, 1)
    call = lambda own, clip: own(clip.fields.flatten()[:, None]).sum()  # noqa: E731
    cost = pass_cost(Pass(module, call, clip, SHAPE.points), "cpu")  # pyright: ignore[reportArgumentType]
    assert seen == [2, 2, 8]
    begun = time.perf_counter()
    call(module, SHAPE.clip(4, SHAPE.points, "cpu"))
    assert 0 < cost.seconds < 50 * (time.perf_counter() - begun)


def test_a_learner_that_needs_real_numbers_is_scaled_and_says_so() -> None:
    class Asking(ConvStack3D):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert math.isfinite(float(x.sum()))
            return super().forward(x)

    import sys

    sys.modules[__name__].__dict__["Asking"] = Asking
    found = estimate_costs("random", {"encoder": f"{__name__}:Asking"}, 4, SHAPE, False)
    assert "scaled" in found.note and found.encode_flops > 0


def test_the_sum_counts_jobs_and_leaves_out_what_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        PlanStep("a", seconds=7200),
        PlanStep("b", seconds=60),
        PlanStep("c", seconds=math.nan),
        PlanStep("d", THERE),
    ]
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0.5, 0.5))
    lines = plan_text("plan", steps, "cpu", jobs=2).splitlines()
    assert "2 h" in next(row for row in lines if row.startswith("all, 2"))
    assert lines[-1].endswith("not in the sum: c")
    monkeypatch.setattr("os.getloadavg", lambda: (900.0, 0.5, 0.5))
    busy = plan_text("plan", steps, "cpu", jobs=2).splitlines()
    assert busy[:-1] == lines and "load 900.0" in busy[-1]


def test_bench_plans_and_then_finds_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(
        "system: heat\nsimulation: {trajectories: 12, resolution: [16, 16], frames: 6}\nnum_frames: 4\neval_stride: 2\n"
        "training: {steps: 2, batch_size: 2}\njobs: 1\n"
        "runs: [{learner: constant}, {learner: statistics}, {learner: next_frame}]\n"
    )
    command = ["bench", str(config), "--out", str(tmp_path / "out")]
    assert main([*command, "--plan"]) == 0
    text = capsys.readouterr().out
    assert "train next_frame-s0, 2 steps" in text and "embed statistics-s0, 24 windows" in text
    assert not (tmp_path / "out").exists()
    assert main(command) == 0
    capsys.readouterr()
    assert main([*command, "--plan"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert all("there" in row for row in rows if row.startswith(("simulate", "cache", "run", "analysis")))
    assert not any(row.startswith(("train", "embed")) for row in rows)


def test_simulate_pretrain_and_study_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heat = [
        "simulate",
        "heat",
        "--out",
        str(tmp_path),
        "--trajectories",
        "12",
        "--resolution",
        "16",
        "16",
        "--frames",
        "6",
    ]
    assert main([*heat, "--plan"]) == 0 and "simulate 12 x heat" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())
    assert main(heat) == 0
    train = ["pretrain", "next_frame", "--data", str(tmp_path / "heat"), "--out", str(tmp_path / "run"), "--plan"]
    assert main([*train, "--encoder", "conv3d", "--num_frames", "4", "--training.steps", "5"]) == 0
    assert "train next_frame, 5 steps" in capsys.readouterr().out and not (tmp_path / "run").exists()
    assert main(["study", "study_heat", "--plan", "--trajectories", "8", "--resolution", "16"]) == 0
    assert "heat: simulate 8 x heat" in capsys.readouterr().out
