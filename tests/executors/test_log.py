"""The log of a job never ends its work."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from physrep.executors import JobLog


def test_messages_stand_between_start_and_end(tmp_path: Path) -> None:
    with JobLog(tmp_path / "log", 0):
        logging.getLogger("physrep").warning("in between")
    started, between, finished = (tmp_path / "log").read_text().splitlines()
    assert "started" in started and between == "WARNING in between" and "finished" in finished


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("place", ["/dev/full", "/proc/nowhere/log"])
def test_a_full_or_missing_disk_loses_the_log_alone(place: str, capfd: pytest.CaptureFixture[str]) -> None:
    with JobLog(Path(place), 0):
        logging.getLogger("physrep").warning("lost")
    assert capfd.readouterr().err in ("", "lost\n")
