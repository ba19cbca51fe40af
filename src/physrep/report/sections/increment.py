"""What representations add to the best floor."""

from __future__ import annotations

from ...benchmark.directory import Bench
from ...benchmark.names import probe_name
from ...benchmark.run_lines import line_score, lines
from ..section import Section, Table


def increment(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """A table: the floor joined with each representation, and the paired difference."""
    mean = [row for row in rows if row["parameter"] == "mean"]
    if not mean:
        return None
    floor, body, gains = mean[0]["floor"], [], []
    for probe in dict.fromkeys(row["probe"] for row in mean):
        own = [row for row in mean if row["probe"] == probe]
        for line in lines(own):
            both, difference = (line_score(own, line, quantity=q) for q in ("joined", "difference"))
            if difference.high < 0:
                gains.append(f"{line.name} ({probe_name(probe)})")
            alone = line_score(own, line, quantity="floor")
            body.append([line.name, probe_name(probe), alone, both, difference])
    said = (
        f"Beside {floor}, these add something: {', '.join(gains)}."
        if gains
        else f"No representation adds anything to {floor} that its interval shows."
    )
    header = ["Beside the floor", "Probe", f"{floor} alone", "joined", "difference"]
    caption = (
        "Test MSE per trajectory, mean over parameters, one probe for the floor's numbers alone and for them with the "
        "moments of the tokens beside; difference on the same resampled trajectories, below 0 better."
    )
    return Section("increment", f"What is added to {floor}?", [said], [], [Table.of(header, body, caption)])
