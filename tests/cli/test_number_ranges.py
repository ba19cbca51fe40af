"""Numbers of the command line that no library can take are refused before anything starts."""

from __future__ import annotations

import pytest

from physrep.cli.main import main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", ".", "--time-limit", "1e30"], "--time-limit is 1e+30; it must be at most 1e+09"),
        (["check", ".", "--time-limit", "-1"], "--time-limit is -1.0; it must be at least 0"),
        (["leaderboard", ".", "--n-resamples", str(2**71)], f"--n-resamples is {2**71}; it must be at most 1e+07"),
        (["predict", ".", ".", "--draws", "3"], "--draws is 3; it must be at least 20"),
        (["predict", ".", ".", "--stride", "0"], "--stride is 0; it must be at least 1"),
        (["status", ".", "--lines", "-1"], "--lines is -1; it must be at least 0"),
        (["simulate", "shear_flow", "--out", "x", "--frame", str(-(2**71))], "it must be at least -9.22337e+18"),
        (["fit", ".", "--out", "x", "--seed", str(2**71)], "it must be at most 1.84467e+19"),
    ],
)
def test_a_number_out_of_range_is_named(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr()
    assert sentence in told.err + told.out and not list(tmp_path.iterdir())
