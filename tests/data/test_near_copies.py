"""Copies that are not bit-equal are found by `check` and by the proof before a benchmark; independent flows are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.data import assert_no_leaks, check, write_stats, write_well
from physrep.data.config import DataConfig
from physrep.data.modes import difference, fingerprints
from physrep.errors import PhysrepError
from physrep.systems.description import Trajectories

N, FRAMES, GRID = 6, 24, 32


def smooth(n: int = N, seed: int = 0, rates: torch.Tensor | None = None) -> Trajectories:
    """Diffusing and drifting random fields whose spectrum falls off."""
    generator = torch.Generator().manual_seed(seed)
    k = torch.fft.fftfreq(GRID, 1 / GRID)
    k2 = k[:, None] ** 2 + k[None, : GRID // 2 + 1] ** 2
    drawn = torch.rand(n, generator=generator) * 0.01 + 0.005
    rate = drawn if rates is None else rates
    start = torch.fft.rfft2(torch.randn(n, GRID, GRID, generator=generator)) * torch.exp(-k2 / 32)
    time = 0.1 * torch.arange(FRAMES)
    decay = torch.exp(-(rate[:, None, None, None] * k2 + 1j * k[:, None]) * time[:, None, None])
    field = torch.fft.irfft2(start[:, None] * decay, s=(GRID, GRID))
    axis = torch.arange(GRID, dtype=torch.float64) / GRID
    return Trajectories(
        "drift", {"tracer": field, "twice": 2 * field.roll(3, 2) + 1}, {"rate": rate.double()},
        time.double(), {"x": axis, "y": axis}, (True, True),
    )  # fmt: skip


def _noisy(values: torch.Tensor) -> torch.Tensor:
    return values + 1e-6 * torch.randn(values.shape, generator=torch.Generator().manual_seed(1))


CHANGES = {
    "noise": _noisy,
    "rounded to float16": lambda values: values.half().float(),
    "rounded to 3 decimals": lambda values: (values * 1000).round() / 1000,
    "shifted by one point": lambda values: values.roll(1, 2),
    "shifted along both axes": lambda values: values.roll((5, 7), (2, 3)),
    "shifted in time": lambda values: torch.cat([values[:, 5:], values[:, -1:].expand(-1, 5, -1, -1)], 1),
    "shifted in space and time, rounded": lambda values: values.roll((9, 2), (1, 3)).half().float(),
}


def _write(root: Path, test: Trajectories) -> Path:
    for seed, split in enumerate(("train", "valid")):
        write_well(root / "data" / split / "a.hdf5", smooth(seed=seed))
    write_well(root / "data" / "test" / "a.hdf5", test)
    write_stats(root)
    return root


@pytest.mark.parametrize("relabelled", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_copies_that_are_not_bit_equal_are_found(change, relabelled, tmp_path):
    test, train = smooth(seed=2), smooth(seed=0)
    for name, values in test.fields.items():
        values[3] = CHANGES[change](train.fields[name][4:5])[0]
    test.parameters["rate"][3] = 0.5 if relabelled else train.parameters["rate"][4]
    root = _write(tmp_path / "drift", test)
    (fault,) = [fault for fault in check(root) if fault.severity == "error"]
    assert "trajectory 4 of train/a.hdf5" in fault.problem + fault.remedy and "rajectory 3" in str(fault)
    with pytest.raises(PhysrepError, match=r"of trajectory 3 of test is.* of trajectory 4 of train; scores would be"):
        assert_no_leaks(DataConfig(path=str(root)).open_splits())


def test_independent_trajectories_are_no_copies(tmp_path):
    root = _write(tmp_path / "drift", smooth(seed=2))
    assert check(root) == []
    assert assert_no_leaks(DataConfig(path=str(root)).open_splits()) == 0


def test_shared_starts_are_an_error_unless_allowed_and_then_counted(tmp_path, capsys):
    test = smooth(seed=0, rates=torch.linspace(0.02, 0.03, N))
    for values in test.fields.values():
        values += 1e-6 * torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
    root = _write(tmp_path / "drift", test)
    (fault,) = check(root)
    assert fault.severity == "error" and f"{N} pairs start from the same frame" in fault.problem
    assert [f.severity for f in check(root, allow_shared_starts=True)] == ["warning"]
    splits = DataConfig(path=str(root)).open_splits()
    with pytest.raises(PhysrepError, match=r"or set data\.allow_shared_starts: true"):
        assert_no_leaks(splits)
    assert assert_no_leaks(splits, allow_shared_starts=True) == N
    assert f"{N} pairs of trajectories of different splits start from the same frame" in capsys.readouterr().err


def test_copies_are_refused_even_where_shared_starts_are_allowed(tmp_path):
    root = _write(tmp_path / "drift", smooth(seed=0))
    assert any(fault.severity == "error" for fault in check(root, allow_shared_starts=True))
    with pytest.raises(PhysrepError, match="scores would be too good"):
        assert_no_leaks(DataConfig(path=str(root)).open_splits(), allow_shared_starts=True)


def test_the_fingerprint_is_invariant_to_shifts_and_knows_flows_apart():
    fields = smooth(seed=0).fields["tracer"][:, 0].numpy()[None]
    own, shifted = fingerprints(fields), fingerprints(np.roll(fields, (3, 11), (2, 3)))
    np.testing.assert_allclose(own, shifted, atol=1e-5)
    apart = difference(own[:, None], own[None])
    np.testing.assert_allclose(np.diag(apart), 0)
    assert apart[~np.eye(N, dtype=bool)].min() > 0.3
    # A profile along one axis, as every layer has it, is no evidence.
    layer = np.broadcast_to(np.tanh(np.linspace(-3, 3, GRID)), (1, 2, GRID, GRID))
    assert np.isinf(difference(*fingerprints(layer)))
