"""One run of a benchmark: train (or not), freeze, embed, probe, score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.config import parameter_scales
from ..data.labelled import labelled
from ..files import write_json
from ..learners.identity import identity
from ..run_directory import (
    SUMMARY,
    is_finished,
    learner_config,
    load_run,
    prepare_learner,
    read_summary,
    save_learner,
    start_config,
)
from ..tokens.protocol import divide, first_parameters, read_protocol
from ..training.pretrain import pretrain
from .grid import PlannedRun, learner_class
from .open_bench import OpenBench
from .run_scores import Scoring, constant, fit_probe, own_output

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..tokens import TokenStore

SCORES = "scores.json"


def execute(run: PlannedRun, work: OpenBench, devices: int = 1) -> None:
    """Do what of a run is not done yet; the last file written is its ``scores.json``."""
    if run.learner == "constant":
        known = labelled(work.splits)
        _write_scores(run, work, constant(_scoring(work, work.folder(run), known), run, known))
    else:
        score_frozen(run, _learner(run, work, devices), work)


def score_frozen(run: PlannedRun, learner: Learner, work: OpenBench) -> None:
    """Embed with a frozen learner, fit the probes, store their readouts and write ``scores.json``.

    Only trajectories with a label are embedded: see `physrep.data.labelled`.

    Args:
        run: its name, and the probes to fit; its folder holds the learner.
        learner: frozen.
        work: the benchmark, with the view on the data that the learner reads.
    """
    from ..readout import Basis, Readouts

    splits, folder = labelled(work.splits), work.folder(run)
    scoring = _scoring(work, folder, splits)
    stores = embed_frozen(learner, work, splits, folder, f"{run.name}: embed")
    rows = []
    basis = Basis(
        learner, stores, splits, scoring.scaler, work.config.eval_stride, work.out / "spectra", scoring.division
    )
    readouts = Readouts(basis, folder)
    for name, options in run.probes.items():
        rows += fit_probe(scoring, stores, name, options, run.seed, readouts)
    rows += own_output(scoring, stores, learner, splits, work.data.frame_step, work.device, readouts)
    _write_scores(run, work, rows)


def embed_frozen(
    learner: Learner, work: OpenBench, splits: dict[str, ClipDataset], folder: Path, label: str
) -> dict[str, TokenStore]:
    """The tokens of the evaluation windows of all splits, in ``folder/tokens``."""
    from ..tokens import embed_splits

    return embed_splits(
        learner,
        splits,
        folder / "tokens",
        stride=work.config.eval_stride,
        frame_step=work.data.frame_step,
        dtype=work.config.token_dtype,
        device=work.device,
        label=label,
    )


def probe_twin(
    run: PlannedRun, stores: dict[str, TokenStore], work: OpenBench, folder: Path, splits: dict[str, ClipDataset]
) -> list[dict[str, Any]]:
    """Rows of all probes of a run on other tokens of its windows; no readout is kept in ``folder``."""
    scoring = _scoring(work, folder, splits)
    return [row for name, options in run.probes.items() for row in fit_probe(scoring, stores, name, options, run.seed)]


def _scoring(work: OpenBench, folder: Path, splits: dict[str, ClipDataset]) -> Scoring:
    from ..tokens import LabelScaler

    config = work.config
    scaler = LabelScaler.of_training(splits["train"], config.scales)
    protocol = read_protocol(config.protocol)
    division = protocol and divide(protocol, first_parameters(splits, scaler.names[0]), config.system)
    return Scoring(config, folder, scaler, division)


def _write_scores(run: PlannedRun, work: OpenBench, rows: list[dict[str, Any]]) -> None:
    identity = {"system": work.config.system, "learner": run.learner, "encoder": run.encoder, "seed": run.seed}
    write_json(work.folder(run) / SCORES, [{**identity, **row, "run": run.name} for row in rows])


def _learner(run: PlannedRun, work: OpenBench, devices: int) -> Learner:
    """The frozen learner; trained in the folder of its run first if it is one that trains."""
    config, folder, train = work.config, work.folder(run), work.splits["train"]
    scales = parameter_scales(train, config.scales)
    if run.trained:
        base = run.init_from
        if base in config.run_names():
            base = str(folder.parent / f"{base}-s{run.seed}")
        pretrain(
            run.learner,
            work.data,
            folder,
            options=run.options,
            num_frames=config.num_frames,
            training=run.training,
            scales=config.scales,
            seed=run.seed,
            device=work.device,
            # What is fitted in closed form takes no steps that processes could share.
            devices=1 if hasattr(learner_class(run.learner), "fit") else devices,
            label=run.name,
            init_from=base,
            train=train,
        )
    else:
        settings = learner_config(run.learner, run.options, config.num_frames, train, scales, work.data, run.seed)
        if run.init_from and not run.options.get("random_weights"):
            settings["init_from"] = start_config(run.init_from)
        save_learner(folder, prepare_learner(settings, train), settings)
    learner, _ = load_run(folder)
    write_identity(run, learner, folder)
    return learner.to(work.device)


def write_identity(run: PlannedRun, learner: Learner, folder: Path) -> None:
    """Put into the run's ``summary.json`` what the page says of the learner, beside the costs that stand there."""
    costs: dict[str, Any] = {"parameters": 0, "clips_seen": 0, "seconds": 0.0}
    if is_finished(folder):
        costs = read_summary(folder)
    costs["encoder_parameters"] = sum(p.numel() for p in getattr(learner, "encoder", learner).parameters())
    who = identity(learner, run.learner)._asdict()
    summary = {**costs, "learner": run.learner, "encoder": run.encoder, "seed": run.seed, **who}
    if not (folder / SUMMARY).is_file() or read_summary(folder) != summary:
        write_json(folder / SUMMARY, summary)
