"""A list on the command line is taken in both spellings, by every command."""

from __future__ import annotations

import pytest

from physrep.cli.arguments import parser, split_overrides


@pytest.mark.parametrize("words", [["--grid", "32", "64"], ["--grid", "[32, 64]"], ["--grid=[32,64]"]])
def test_an_option_that_takes_several(words: list[str]) -> None:
    p = parser("x", "")
    p.add_argument("--grid", type=int, nargs="+")
    p.add_argument("--name", type=str)
    p.add_argument("--shares", type=float, nargs=2)
    values = p.parse_args([*words, "--name", "[a]", "--shares", "[0.5, 1e-3]"])
    assert (values.grid, values.name, values.shares) == ([32, 64], "[a]", [0.5, 1e-3])


@pytest.mark.parametrize("words", [["32", "64"], ["[32, 64]"]])
def test_a_dotted_setting(words: list[str]) -> None:
    plain, found = split_overrides(["--data.resolution", *words, "config.yaml", "--training.steps", "5", "--out", "3"])
    assert found == {"data.resolution": [32, 64], "training.steps": 5}
    assert plain == ["config.yaml", "--out", "3"]
