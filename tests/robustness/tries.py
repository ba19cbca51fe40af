"""What all campaigns share: one try of a command or of a function, odd values, damaged bytes."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from physrep.cli.main import main
from physrep.errors import PhysrepError

CODES = {0, 1, 2, 3}
LIMIT = 90
"""Seconds after which a try counts as hanging."""


class Hangs(BaseException):
    """A try took longer than `LIMIT`; no barrier may catch it."""


@contextlib.contextmanager
def time_limit(seconds: int = LIMIT) -> Iterator[None]:
    """End what is inside after so long: by an exception, or, where a library does not return, the whole process."""

    def ended(number: int, frame: Any) -> None:
        raise Hangs(f"takes longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ended)
    faulthandler.dump_traceback_later(seconds + 30, exit=True, file=sys.__stderr__ or 2)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def call(arguments: list[str], allowed: set[int] | None = None) -> str | None:
    """What was wrong with a command's end; None if nothing was.

    Args:
        arguments: of `physrep`.
        allowed: exit codes; default all that are documented for a command that nobody stops.
    """
    out, err = io.StringIO(), io.StringIO()
    shown = " ".join(word[:60] for word in arguments[:9])
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), time_limit():
            code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:
        return f"{shown}: {type(error).__name__}: {str(error)[:300]}"
    text = err.getvalue()
    if code not in (CODES if allowed is None else allowed) or "Traceback" in text or "unforeseen" in text:
        return f"{shown}: code {code}: {text[-400:]}"
    # A sentence names what is wrong; an exception that was only passed on names a class.
    if code == 2 and not (text + out.getvalue()).strip():
        return f"{shown}: code 2 without a sentence"
    return None


def ask(name: str, function: Callable[[], object]) -> str | None:
    """What was wrong with a call in Python: any exception that is no `PhysrepError`."""
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(), time_limit():
            warnings.simplefilter("ignore")
            function()
    except PhysrepError:
        return None
    except BaseException as error:
        return f"{name}: {type(error).__name__}: {str(error)[:300]}"
    return None


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in another folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def damaged(generator: random.Random, data: bytes) -> bytes:
    """``data`` with bytes flipped, cut off, doubled or put in."""
    kind, place = generator.randrange(5), generator.randrange(max(1, len(data)))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + generator.randbytes(generator.randrange(1, 9)) + data[place:]
    if kind == 2:
        return data[:place] + data[place + generator.randrange(1, 60) :]
    changed = bytearray(data)
    for _ in range(generator.randrange(1, 9) if data else 0):
        changed[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(changed)


ODD = [
    *(None, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", "x", "../x", "$\\frac{1}{$", [], {}, [[]], [None]),
    *(True, {"a": None}, "\x00", "9" * 50, [1, "x"], {"learner": "jepa"}, "ü" * 300),
]


def odd(generator: random.Random, value: object) -> object:
    """Plain data in which one value, somewhere, is another, or is missing."""
    if isinstance(value, dict) and value and generator.random() < 0.85:
        key = generator.choice(list(value))
        if generator.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: odd(generator, value[key])}
    if isinstance(value, list) and value and generator.random() < 0.8:
        place = generator.randrange(len(value))
        return [*value[:place], odd(generator, value[place]), *value[place + 1 :]]
    return generator.choice(ODD)
