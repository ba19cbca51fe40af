"""`physrep equation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import PhysrepError
from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Print the equation that a run of operator_discovery found."""
    p = parser("equation", "Print the equation that operator_discovery found, in the units of the fields, with what it "
               "left open.")  # fmt: skip
    p.add_argument(
        "run",
        type=str | None,
        nargs="?",
        default=None,
        help="run directory, e.g. runs/quick/runs/NAME-s0, or hf:OWNER/NAME",
    )
    p.add_argument("--format", type=str, default="text", choices=["text", "latex"], help="text or latex")
    values = p.parse_args(arguments)
    if values.run is None:
        raise PhysrepError("RUN is missing; name a run directory of operator_discovery.")
    from ..run_directory import load_run

    if values.run.startswith("hf:"):
        from ..sharing import local_run

        values.run = local_run(values.run)
    learner: Any = load_run(values.run)[0]
    record = getattr(learner, "record", None)
    if not isinstance(record, dict) or "equation" not in record:
        raise PhysrepError(f"{values.run}: holds no equation; give a run of learner operator_discovery.")
    from ..learners.operator_discovery.printing import as_latex, as_text

    print(as_latex(record) if values.format == "latex" else as_text(record))
    return 0
