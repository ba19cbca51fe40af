"""Standard streams are told at once what is told at once without physrep."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

PROGRAM = """
import sys
from physrep.streams import outlive_readers
outlive_readers()
print("said", file=getattr(sys, sys.argv[1]))
sys.stdin.read()
"""


@pytest.mark.parametrize(("flags", "stream"), [(["-u"], "stdout"), (["-u"], "stderr"), ([], "stderr")])
def test_what_is_unbuffered_stays_so(flags: list[str], stream: str) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *flags, "-c", PROGRAM, stream], stdin=pipe, stdout=pipe, stderr=pipe) as one:
        told = getattr(one, stream)
        # The program waits: a line that lies in a buffer would not come.
        timer = threading.Timer(120, one.kill)
        timer.start()
        assert told.readline() == b"said\n"
        timer.cancel()
        assert one.stdin is not None and one.poll() is None
        one.stdin.close()
