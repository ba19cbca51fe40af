"""`physrep pull`."""

from __future__ import annotations

from collections.abc import Sequence

from .arguments import parser, require_places


def run(arguments: Sequence[str]) -> int:
    """Fetch a shared run or data set."""
    p = parser(
        "pull",
        "Fetch a run or a data set that `physrep push` shared, and check it against its hashes. A data set that was "
        "interrupted goes on where it stopped.",
    )
    p.add_argument(
        "source", type=str,
        help="hf:OWNER/NAME or hf:OWNER/NAME@REVISION, hf:datasets/OWNER/NAME, https://ADDRESS, or a folder",
    )  # fmt: skip
    p.add_argument("out", type=str, help="folder to make")
    values = p.parse_args(list(arguments))
    require_places([] if values.source.startswith("hf:") else [values.source])
    from ..sharing import pull

    out = pull(values.source, values.out)
    if (out / "data").is_dir():
        print(f"{out}: read {out / 'README.md'}; next: physrep check {out}")
        return 0
    print(f"{out}: read {out / 'README.md'}; next: physrep predict {out} FILES, or physrep probe {out} --data DATA")
    return 0
