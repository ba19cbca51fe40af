"""`physrep export`."""

from __future__ import annotations

from collections.abc import Sequence

from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Write a run as a program."""
    p = parser(
        "export",
        "Write RUN as a program that needs no physrep: raw fields (B,C,T,H,W) in, tokens out, with a JSON file that "
        "names channels, shape, normalisation and time step. It is loaded by another Python, which cannot import "
        "physrep, and compared with the run. `physrep score PROGRAM.pt2` takes it.",
    )
    p.add_argument("run", type=str, help="run directory, or hf:OWNER/NAME")
    p.add_argument("--out", type=str | None, default=None, help="the program; default RUN/encoder.pt2 or .onnx")
    p.add_argument("--format", type=str, default="torch", help="torch (torch.export) or onnx (needs physrep[onnx])")
    p.add_argument("--with-readout", action="store_true", help="give the physical parameters and their interval too")
    p.add_argument("--probe", type=str | None, default=None, help="whose readout it is; default the best on valid")
    p.add_argument("--data", type=str | None, default=None, help="data set; default that of the run")
    values = p.parse_args(list(arguments))
    if not values.run.startswith("hf:"):
        from ..run_directory import read_run_config

        read_run_config(values.run)
    from ..sharing import local_run, own_copy
    from ..sharing.export import export

    made = export(
        # Its default place is the run directory, and what was pulled into the cache stays as it was shared.
        own_copy(values.run) if values.out is None else local_run(values.run),
        values.out,
        format=values.format,
        with_readout=values.with_readout or values.probe is not None,
        probe=values.probe,
        data=values.data,
    )
    shape = " x ".join(map(str, made["input"]["shape"]))
    if made["input"]["shape"][0] == 1:
        print("its batch is fixed to one window, as the size of the batch is part of the encoder's operations")
    print(f"{made['program']}: fields {shape} -> {', '.join(made['outputs'])}; loaded without physrep, it differs from "
          f"the run by {made['difference']:.1g} standard deviations at most")  # fmt: skip
    return 0
