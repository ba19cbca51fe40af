"""The fused pointwise operator is torch's, in value and all gradients; without it, or on request, torch's is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import JEPA
from physrep.nn import fused_pointwise as fused
from physrep.nn.convnext3d import ResidualBlock
from physrep.training.costs import encoding_flops, training_flops
from tests.helpers.learner_clips import make_clip

needs_compiler = pytest.mark.skipif(fused.compiled_library() is None, reason="no g++ here")


def block_and_input(dim: int, dtype: torch.dtype = torch.float32) -> tuple[ResidualBlock, torch.Tensor]:
    torch.manual_seed(dim)
    block = ResidualBlock(dim, 3, 0.5, 3)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return block.to(dtype), torch.randn(2, 3, 5, 7, dim).to(dtype).requires_grad_()


def results(block: ResidualBlock, x: torch.Tensor) -> list[torch.Tensor]:
    y = block(x)
    generator = torch.Generator().manual_seed(1)
    upstream = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, [x, *block.parameters()], upstream)]


@needs_compiler
@pytest.mark.parametrize("dim", [16, 32, 48, 64, 80, 128])
@pytest.mark.parametrize("threads", [1, 3])
def test_value_and_gradients(dim: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """210 positions: whole tiles and a part of one."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    block, x = block_and_input(dim)
    assert fused.fits(x, x)
    found = results(block, x)
    exact = results(*[value.double().detach().requires_grad_() if isinstance(value, torch.Tensor) else value.double()
                      for value in (block, x)][:2])  # fmt: skip
    for value, truth in zip(found, exact, strict=True):
        assert float((value.double() - truth).norm() / truth.norm()) < 1e-6


@needs_compiler
def test_large_and_small_inputs_and_runs_repeat() -> None:
    """gelu far out on both sides; the same bits twice."""
    block, x = block_and_input(16)
    with torch.no_grad():
        block.pwconv1.weight.mul_(40)
    found, again = results(block, x), results(block, x)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    exact = results(block.double(), x.double().detach().requires_grad_())
    for value, truth in zip(found, exact, strict=True):
        assert value.isfinite().all() and float((value.double() - truth).norm() / truth.norm()) < 3e-6


@needs_compiler
def test_what_it_does_not_take() -> None:
    x = torch.zeros(1, 16)
    assert fused.fits(x, x) and not fused.fits(x.double(), x.double()) and not fused.fits(x[:, :8], x[:, :8])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not fused.fits(x, x)


def test_costs_count_the_same_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter sees torch's operators only: a budget of operations must not depend on a compiler."""
    learner = JEPA(2, 2, encoder_options={"dims": (16, 32), "num_res_blocks": (1, 1)})
    clip = make_clip(2, 4)
    clip.fields, clip.channels = clip.fields[:, :2], clip.channels[:2]
    counts = []
    for choice in ("1", "0"):
        monkeypatch.setenv("PHYSREP_FUSED", choice)
        counts.append((training_flops(learner, clip), encoding_flops(learner, clip.frames(0, 2))))
    assert counts[0] == counts[1] and min(counts[0]) > 0


def test_opting_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSREP_FUSED", "0")
    block, x = block_and_input(16)
    assert not fused.fits(x, x) and block(x).isfinite().all()


def test_a_compiler_that_fails_is_named_and_torch_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHYSREP_CACHE", str(tmp_path))
    monkeypatch.setattr(fused, "FLAGS", ["--no-such-flag"])
    fused.compiled_library.cache_clear()
    try:
        block, x = block_and_input(16)
        if fused.shutil.which("g++"):
            assert block(x).isfinite().all() and not list(tmp_path.rglob("*.so"))
            assert "not compiled" in capsys.readouterr().err
    finally:
        fused.compiled_library.cache_clear()


@pytest.mark.parametrize("what", ["no home", "full disk"])
def test_without_a_place_for_the_library_torch_takes_over(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> Path:
        raise PhysrepError(what)

    monkeypatch.setenv("PHYSREP_CACHE", str(tmp_path))
    monkeypatch.setattr(fused, "cache_home" if what == "no home" else "atomic_path", fails)
    assert fused.compiled_library.__wrapped__() is None
    said = capsys.readouterr().err
    assert said == "" if fused.shutil.which("g++") is None else f"not compiled ({what})" in said


@needs_compiler
@pytest.mark.parametrize("tokens", [3, 60])
def test_the_second_half_of_a_transformers_block(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In value and all gradients; with fewer tokens than channels the operator is not taken."""
    torch.manual_seed(0)
    norm, first, second = torch.nn.LayerNorm(32, 1e-6), torch.nn.Linear(32, 128), torch.nn.Linear(128, 32)
    x = torch.randn(2, tokens, 32, requires_grad=True)
    wanted = [x, *norm.parameters(), *first.parameters(), *second.parameters()]
    called = []
    monkeypatch.setattr(fused, "_call", lambda *given, call=fused._call: called.append(given[0]) or call(*given))
    y = fused.residual_mlp(x, norm, first, second)
    plain = x + second(torch.nn.functional.gelu(first(norm(x))))
    along = torch.randn_like(y)
    torch.testing.assert_close(y, plain, rtol=1e-5, atol=1e-5)
    for found, expected in zip(*(torch.autograd.grad(z, wanted, along) for z in (y, plain)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert called == (["forward", "backward"] if tokens == 60 else [])
