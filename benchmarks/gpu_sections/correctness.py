"""The GPU against the CPU: every solver, every learner in three precisions, the golden cases, the probe."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpu_sections.cases import CHANNELS, FRAMES, LEARNER_CASES, SIZE, SIZES, make_clip
from gpu_sections.common import Report, relative, set_tf32
from physrep.clip import Clip
from physrep.learners import LEARNERS, Learner, VICReg
from physrep.learners.sigreg import SIGReg
from physrep.systems import SYSTEMS

TESTS = Path(__file__).resolve().parents[2] / "tests"


def run(report: Report) -> None:
    """All comparisons; solvers and learners on small grids, where rounding has not grown yet."""
    golden = _start_golden(report)
    _regularisers(report)
    _solvers(report)
    _learners(report)
    _probe(report)
    if golden is not None:
        _finish_golden(report, golden)


def _solvers(report: Report) -> None:
    """Every system, option and family of starts: two intervals between frames."""
    for name, system in SYSTEMS.items():
        resolution = tuple(min(n, 16 if len(system.axes) == 3 else 32) for n in system.resolution)
        seeds = [11, 12, 13]
        choices: list[dict[str, Any]] = [{}]
        choices += [{option: value} for option, values in system.options.items() for value in values[1:]]
        cases = [(family, {}) for family in system.initial_conditions]
        cases += [(system.initial_conditions[0], chosen) for chosen in choices[1:]]
        for family, chosen in cases[:1] if report.small else cases:
            for dtype in (torch.float64, torch.float32):
                label = " ".join([name, family, *(f"{k}={v}" for k, v in chosen.items())])
                with report.case(f"solver {label}") as go:
                    if not go:
                        continue
                    limits = system.option_limits(resolution, system.check_options(chosen))
                    # Outside those limits a grid of this size resolves nothing that is worth comparing.
                    parameters = system.draw_parameters(seeds, resolution, limits)
                    found = [
                        system.simulate(
                            parameters, seeds, resolution=resolution, frames=3, save_dt=system.save_dt,
                            initial_condition=family, options=chosen, dtype=dtype, device=device,
                        )
                        for device in (report.device, "cpu")
                    ]  # fmt: skip
                    ours, reference = found
                    error = max(relative(ours.fields[key], reference.fields[key]) for key in reference.fields)
                    agree = ours.failed == reference.failed
                    tolerance = 1e-9 if dtype == torch.float64 else 2e-4
                    # A trajectory that fails on both is NaN on both: compare what is finite.
                    if reference.failed and agree:
                        sound = [row for row in range(len(seeds)) if row not in reference.failed]
                        error = max(
                            relative(ours.fields[key][sound], reference.fields[key][sound]) for key in reference.fields
                        )
                    kind = str(dtype).removeprefix("torch.")
                    report.check(f"solver {label}", error, tolerance, dtype=kind, failed=len(reference.failed))


def _learners(report: Report) -> None:
    """Loss, gradients and encodings of every learner: float32, TF32 and bfloat16 against float32 on the CPU."""
    modes = (("float32", False, None, 2e-4), ("tf32", True, None, 3e-2), ("bfloat16", False, torch.bfloat16, 1.5e-1))
    for name, (kind, options) in LEARNER_CASES.items():
        with report.case(f"learner {name}") as go:
            if not go:
                continue
            torch.manual_seed(0)
            # Drop path and batch statistics draw on the device or depend on the batch: evaluation mode is exact.
            learner = LEARNERS[kind](len(CHANNELS), FRAMES, **options).eval()
            clip = make_clip(4, learner.train_frames, SIZES.get(name, SIZE))
            expected = _values(learner, clip, "cpu", None)
            for mode, tf32, autocast, tolerance in modes if report.cuda else modes[:1]:
                set_tf32(tf32)
                found = _values(copy.deepcopy(learner).to(report.device), clip, report.device, autocast)
                for key, value in found.items():
                    report.check(f"learner {name}", relative(value, expected[key]), tolerance, of=key, mode=mode)
            set_tf32(False)
            if report.cuda and "convnext3d" in name:
                os.environ["PHYSREP_GPU_KERNELS"] = "triton"
                found = _values(copy.deepcopy(learner).to(report.device), clip, report.device, None)
                del os.environ["PHYSREP_GPU_KERNELS"]
                for key, value in found.items():
                    report.check(
                        f"learner {name}, triton", relative(value, expected[key]), 2e-4, of=key, mode="float32"
                    )


def _values(learner: Learner, clip: Clip, device: str, autocast: torch.dtype | None) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}
    clip = clip.to(device)
    with torch.autocast(device, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
        if learner.trainable:
            torch.manual_seed(1)
            loss = learner.loss(clip)["loss"]
            own = [p for p in learner.parameters() if p.requires_grad]
            found = torch.autograd.grad(loss, own, allow_unused=True)
            gradients = [g.flatten().float().cpu() for g in found if g is not None]
            values["loss"], values["gradient"] = loss.detach().float().cpu(), torch.cat(gradients)
        with torch.no_grad():
            values["encoding"] = learner.encode(clip.frames(0, learner.num_frames)).float().cpu()
    return values


def _regularisers(report: Report) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 64, 9, 32, generator=generator, dtype=torch.float64)
    for name, module in (("vicreg", VICReg()), ("sigreg", SIGReg())):
        # SIGReg computes in float32 whatever it is given.
        for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12 if name == "vicreg" else 1e-5)):
            with report.case(name) as go:
                if go:
                    module.eval()
                    values = []
                    for device in (report.device, "cpu"):
                        a = x.to(device, dtype, copy=True).requires_grad_()
                        b = y.to(device, dtype)
                        loss = module(a, b)["loss"]
                        loss.backward()
                        assert a.grad is not None
                        values.append(torch.cat([loss.detach().cpu().view(1), a.grad.cpu().flatten()]))
                    report.check(name, relative(*values), tolerance, dtype=str(dtype).removeprefix("torch."))


def _probe(report: Report) -> None:
    """The attentive probe recovers a planted parameter, alike on both."""
    from physrep.probes.attentive_fit import AttentiveProbeFit

    with report.case("attentive probe", 5) as go:
        if not go:
            return
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randn(320, 9, 32, generator=generator)
        labels = tokens.mean(1)[:, :2] * 3
        parts = tokens[:256], labels[:256], tokens[256:], labels[256:]
        found = []
        for device in (report.device, "cpu"):
            probe = AttentiveProbeFit(epochs=5, num_heads=4, device=device).fit(*parts)
            found.append((probe.best_params_["valid_mse"], probe.predict(parts[2])))
        report.check("attentive probe", relative(found[0][1], found[1][1]), 2e-2, valid_mse=found[0][0])


def _start_golden(report: Report) -> subprocess.Popen[str] | None:
    """The golden tests on the device, in a process of their own beside the other comparisons."""
    folder = os.environ.get("PHYSREP_GOLDEN", "")
    if not (Path(folder) / "index.json").is_file():
        report.row("golden cases", skipped="PHYSREP_GOLDEN names no folder with an index.json")
        return None
    environment = {**os.environ, "PHYSREP_GOLDEN": str(Path(folder).resolve()), "PHYSREP_TEST_DEVICE": report.device}
    rooms = [str(TESTS / "nn"), str(TESTS / "learners")]
    chosen = ["-k", "test_encoder or test_predictor"] if report.small else []
    command = [sys.executable, "-m", "pytest", "-m", "golden", "-p", "no:cacheprovider", "--tb=line", *chosen]
    return subprocess.Popen(
        [*command, *rooms],
        env=environment,
        cwd=TESTS.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish_golden(report: Report, process: subprocess.Popen[str]) -> None:
    try:
        output, _ = process.communicate(timeout=max(5.0, report.left()))
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    (report.out / "golden.log").write_text(output)
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (passed|failed|skipped|error)", output)}
    bad = counts.get("failed", 0) + counts.get("error", 0)
    for line in [line for line in output.splitlines() if "Error" in line or line.startswith("FAILED")][:12]:
        report.row("golden case", note=line[-300:])
    report.row("golden cases", ok=process.returncode == 0 and counts.get("passed", 0) > 0 and not bad, **counts)
