"""Parts that a script defines for itself: usable there, named where they are missing."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from physrep.errors import PhysrepError
from physrep.registry import resolve


def test_a_part_of_a_script_is_said_to_be_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ModuleType("__main__")
    script.Mine = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", script)
    monkeypatch.setattr("physrep.registry._of_script", set())
    assert resolve("__main__:Mine", {}, "encoder") is dict
    assert "no program but this script can load a run" in capsys.readouterr().err
    with pytest.raises(PhysrepError, match="'__main__:Other': it was defined in a script, which is not this program"):
        resolve("__main__:Other", {}, "encoder")
