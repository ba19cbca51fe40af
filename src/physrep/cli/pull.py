"""`physrep pull`."""

from __future__ import annotations

from collections.abc import Sequence

from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Fetch a shared run."""
    p = parser("pull", "Fetch a run that `physrep push` shared, and check it against its hashes.")
    p.add_argument("source", type=str, help="hf:OWNER/NAME or hf:OWNER/NAME@REVISION, https://ADDRESS, or a folder")
    p.add_argument("out", type=str, help="run directory to make")
    values = p.parse_args(list(arguments))
    from ..sharing import pull

    out = pull(values.source, values.out)
    print(f"{out}: read {out / 'README.md'}; next: physrep predict {out} FILES, or physrep probe {out} --data DATA")
    return 0
