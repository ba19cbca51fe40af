"""YAML is read with every key once and within limits; what cannot be read is one sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from physrep.errors import PhysrepError
from physrep.files import read_yaml
from physrep.yaml_reader import DEPTH, SIZE, parse_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\nc:\n  d: 1\na: 3\n", "line 5: the key 'a' is given twice, first in line 1; keep one"),
        ("a: {b: 1, c: 2, b: 3}", "line 1: the key 'b' is given twice, first in line 1"),
        ("- x: 1\n  y: 2\n  x: 3\n", "line 3: the key 'x' is given twice, first in line 1"),
        ("a: [1", "line 1: .*fix it"),
        ("a: 2020-13-45", "cannot be read .*month"),
        ("a: " + "9" * 5000, "cannot be read .*digits"),
        ("[" * (DEPTH + 5) + "]" * (DEPTH + 5), f"nested deeper than {DEPTH}"),
        ("[" * 100_000, f"nested deeper than {DEPTH}"),
        (BOMB, "more than 200000 values"),
        ("a: &a [1, *a]", "an alias that holds itself"),
        ("a: !!python/object/apply:os.system [echo]", "could not determine a constructor"),
        ("? [1, 2]\n: 3", "unhashable"),
        ("a: \x00", "special characters are not allowed"),
        (b"a: \xff\xfe", "not text in UTF-8"),
        ("a" * (SIZE + 1), "longer than 4 MB"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str | bytes, message: str) -> None:
    started = time.process_time()
    with pytest.raises(PhysrepError, match=f"^x.yaml: .*{message}") as caught:
        parse_yaml(text, "x.yaml")
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 5


def test_the_rest_is_what_pyyaml_reads(tmp_path: Path) -> None:
    text = "base: &b {x: 1, y: [2.5, null, true, ~]}\nother: {<<: *b, x: 3}\nagain: *b\n"
    assert parse_yaml(text, "x") == yaml.safe_load(text)
    assert parse_yaml("", "x") is None
    for path in sorted((Path(__file__).parents[1] / "configs").glob("*.yaml")):
        assert read_yaml(path) == yaml.safe_load(path.read_text())
