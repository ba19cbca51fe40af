"""From a configuration to the page: simulate, render, embed, analyse, write. Every step is skipped when it is there."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ..analyses.latent import read_latent
from ..analyses.run import check_analyses, run_analyses
from ..devices import resolve_device
from ..environment import environment
from ..errors import PhysrepError
from ..executors import writing
from ..files import read_yaml, write_json, write_yaml
from ..learners.rendered import Rendered
from ..learners.rendering import render
from ..renamed import current_names
from ..streams import say_line
from .answers import StudyTable
from .config import SetConfig, StudyConfig
from .context import latent_context
from .data import StudyData, prepare
from .embed import colour_scales, embed_study, open_encoders
from .page import write_study_page
from .summaries import write_summaries
from .videos import SENTENCES, save_video


def study(config: StudyConfig, out: str | Path, *, device: str = "cpu") -> str:
    """Run a study, or finish one; returns its answers and where everything lies.

    Killed at any moment and called again, it goes on and ends in the same numbers.

    Args:
        config: the study.
        out: its folder.
        device: where encoders run, ``cpu`` or ``cuda``.

    Raises:
        PhysrepError: bad settings, a full disk, or the folder holds another study.
    """
    out = Path(out)
    check_analyses({name: config.settings.get(name, {}) for name in config.analyses})
    device = resolve_device(device)
    with writing(out, "physrep study"):
        return _study(config, out, device)


def _study(config: StudyConfig, out: Path, device: str) -> str:
    _claim(out, config)
    data = prepare(config, out / "simulations", device)
    encoders, notes = open_encoders(config, data, out, device)
    for note in notes:
        say_line(f"physrep study: {note}")
    if config.reference not in encoders:
        raise PhysrepError(f"the reference {config.reference!r} is not available: {' '.join(notes)}")
    folder = out / "embeddings"
    tokens = {name: embed_study(name, own, config, data, folder) for name, own in encoders.items()}
    coloured = {
        colours: {
            name: embed_study(name, own, config, data, folder, colours)
            for name, own in encoders.items()
            if isinstance(own, Rendered)
        }
        for colours in config.render.nuisance
    }
    asked = {name: config.settings.get(name, {}) for name in config.analyses}
    run_analyses(asked, latent_context(config, data, encoders, tokens, coloured, out))
    rows: list[dict[str, Any]] = []
    predictions: dict[str, np.ndarray] = {}
    for name in config.analyses:
        found, arrays = read_latent(out, name)
        rows += found
        predictions.update(arrays)
    if not any(config.encoders[name].kind == "vjepa2" for name in encoders):
        notes.append("No pretrained V-JEPA 2 was at hand, so the verdicts are about the encoder that each line names.")
    videos, sentence = _videos(config, data, out / "videos")
    if sentence:
        notes.append(sentence)
    write_json(out / "environment.json", environment())
    table = StudyTable(config, rows, predictions, data, out)
    answers = write_summaries(config, data, table, notes, out)
    page = write_study_page(config, data, table, answers, notes, videos, out)
    places = [f"page    {page}", f"numbers {out / 'fit_metrics.json'}", f"figures {out / 'figures'}"]
    return "\n".join(
        ["", *(f"- {a.question} {a.verdict}. {a.text}" for a in answers), *(f"note: {n}" for n in notes), "", *places]
    )


def _claim(out: Path, config: StudyConfig) -> None:
    """Refuse a folder that holds a study with other simulations; other encoders and analyses are welcome."""
    path = out / "config.yaml"
    if path.is_file():
        asked = config.as_dict()
        stored = current_names(read_yaml(path), asked, None)
        known = [f.name for f in fields(SetConfig)]
        stored["systems"] = {k: current_names(own, known, None) for k, own in (stored.get("systems") or {}).items()}
        for key in ("resolution", "frames", "trajectories", "systems", "seed", "initial_condition"):
            if stored.get(key) != asked[key]:
                raise PhysrepError(f"{out}: holds a study with another {key!r}; choose another --out.")
    write_yaml(path, config.as_dict())


def _videos(config: StudyConfig, data: StudyData, folder: Path) -> tuple[list[Path], str]:
    """The first simulations of every set as files to look at."""
    paths: list[Path] = []
    sentence = ""
    scales = colour_scales(config, data)
    for name in config.systems:
        for number, row in enumerate(data.rows(name)[: config.videos].tolist()):
            target = folder / f"{name}_{number:02d}"
            found = next((p for p in (target.with_suffix(".mp4"), target.with_suffix(".png")) if p.is_file()), None)
            if found is None:
                video = render(data.fields[row : row + 1], scales[name], config.render.size)[0]
                found, sentence = save_video(video, target, enlarge=max(1, 256 // video.shape[-1]))
            paths.append(found)
    if paths and not sentence:
        sentence = SENTENCES[paths[0].suffix]
    return paths, sentence
