"""The five encoders of docs/own_encoder.md: each page's command gives a table with all floors."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from physrep.cli.main import main
from physrep.simulation import SimulationConfig, simulate

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own_encoder.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Five encoders of others\n", 1)[1].split("\n## ", 1)[0]
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^    (physrep score .*)$", SECTION, re.MULTILINE)]
FLOORS = ("Constant", "Field statistics", "Power spectra", "Classical", "Its random weights", "Frozen encoder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data set of the page, the module, its weights and its program."""
    place = tmp_path_factory.mktemp("theirs")
    (place / "theirs.py").write_text(re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0])
    settings = SimulationConfig(trajectories=24, resolution=[16, 32], frames=20, ranges={"Reynolds": [20, 90]})
    simulate("shear_flow", place / "data", settings, workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.syspath_prepend(str(place))
        import theirs  # pyright: ignore[reportMissingImports]

        torch.manual_seed(0)
        torch.save(theirs.OneVector(4).state_dict(), "weights.pth")
        theirs.export("weights.pth", "theirs.pt2", 4, 8, 16, 32)
        yield place
        sys.modules.pop("theirs", None)


def test_the_page_has_five() -> None:
    assert len(COMMANDS) == 5


QUICK = ("theirs:FramesFirst", "theirs.pt2")
"""Commands of the fast suite; `pytest -m slow` runs the others."""

CASES = [pytest.param(w, id=w[1], marks=[] if w[1] in QUICK else [pytest.mark.slow]) for w in COMMANDS]


@pytest.mark.parametrize("words", CASES)
def test_one_command_gives_a_table_with_floors(
    words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Fewer windows and one probe: the commands are the page's otherwise.
    assert main([*words, "--stride", "12", "--probes", "ridge", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in FLOORS)
    assert "The encoder is" in said and "the best floor" in said
