"""The Lightning side of `pretrain`: the only module that imports it, so nothing else pays for that."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from ..clip import Clip
from ..data import ClipDataset, Symmetries
from ..data.config import DataConfig
from ..errors import PhysrepError
from ..files import atomic_path
from ..learners.base import Learner
from ..progress import Progress
from ..run_directory import STATE
from ..systems import trajectory_seed
from .config import TrainingConfig
from .log import read_metrics, write_metrics
from .online_probe import OnlineProbe, validation_loss
from .stream import WindowStream
from .symmetries import check_symmetries


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """AdamW's parameter groups: decay for matrices and kernels, none for norms, biases, layer scales and queries."""
    decay, rest = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            plain = parameter.squeeze().ndim < 2 or "query" in name
            (rest if plain else decay).append(parameter)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def learning_rate_factor(step: int, config: TrainingConfig) -> float:
    """Multiple of the peak rate at optimiser step ``step`` (from 0): linear warm-up, then cosine to the final rate."""
    warmup = max(1, round(config.warmup * config.steps)) if config.warmup > 0 else 0
    if step < warmup:
        return (step + 1) / warmup
    last = config.final_learning_rate / config.learning_rate
    done = min(1.0, (step - warmup) / max(1, config.steps - warmup))
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))


class LearnerModule(L.LightningModule):
    """Any learner as Lightning wants it."""

    def __init__(self, learner: Learner, config: TrainingConfig) -> None:
        super().__init__()
        self.learner, self.config = learner, config
        self.terms: dict[str, Tensor] = {}

    def training_step(self, clip: Clip, batch_idx: int) -> Tensor:
        terms = self.learner.loss(clip)
        self.terms = {name: value.detach() for name, value in terms.items()}
        return terms["loss"]

    def configure_optimizers(self) -> Any:
        config = self.config
        optimiser = torch.optim.AdamW(
            decay_groups(self.learner, config.weight_decay),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate_factor(step, config))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def transfer_batch_to_device(self, batch: Clip, device: torch.device, dataloader_idx: int) -> Clip:
        return batch.to(device)


class Bookkeeper(Callback):
    """Metrics, online probe, checkpoints and progress, chunk by chunk."""

    def __init__(
        self,
        stream: WindowStream,
        config: TrainingConfig,
        seed: int,
        out: Path,
        probe: OnlineProbe | None,
        valid: ClipDataset | None,
        progress: Progress,
    ) -> None:
        self.stream, self.config, self.seed, self.out = stream, config, seed, out
        self.probe, self.valid, self.progress = probe, valid, progress
        self.rows: list[dict[str, Any]] = []
        self.best: tuple[float, int] = (math.inf, 0)
        self.best_weights: dict[str, Tensor] = {}
        self.seconds = 0.0
        self._saved = -1

    # Lightning saves and restores what these return with the checkpoint.
    def state_dict(self) -> dict[str, Any]:
        return {"best": list(self.best), "best_weights": self.best_weights, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = (float(state_dict["best"][0]), int(state_dict["best"][1]))
        self.best_weights, self.seconds = state_dict["best_weights"], float(state_dict["seconds"])

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        # A checkpoint is taken when a chunk is over, but Lightning calls this before it counts the chunk as done. Left
        # so, a resumed run would take one more micro-batch for it, and step on a part of an accumulated gradient.
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        progress["current"] = dict.fromkeys(progress["current"], 0)
        progress["is_last_batch"] = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        done = trainer.global_step
        if done:
            self.rows = [row for row in read_metrics(self.out) if int(row["step"]) <= done]
            self.progress.advance(done, "found")
        self._clock = time.monotonic()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        # Whatever a learner draws (masks, slices, permutations) depends on the number of the micro-batch alone.
        torch.manual_seed(trajectory_seed(self.seed, "batch", self.stream.first + batch_idx, trainer.global_rank))

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if (batch_idx + 1) % self.config.accumulate:
            return
        step = trainer.global_step
        pl_module.learner.after_step(step / self.config.steps)
        self.progress.advance()
        if step % self.config.log_every and step != self.config.steps:
            return
        values = {name: float(value) for name, value in pl_module.terms.items()}
        if not all(map(math.isfinite, values.values())):
            bad = next(name for name, value in values.items() if not math.isfinite(value))
            raise PhysrepError(
                f"{self.out}: {bad} is {values[bad]} at step {step}; lower training.learning_rate, then train again "
                "(parameters, trajectory and start are hidden from a learner whose needs_labels is False)."
            )
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        row: dict[str, Any] = {"step": step, **values, "lr": rate, "seconds": round(self._elapsed(), 2)}
        if self.probe is not None and (step % self.config.probe_every == 0 or step == self.config.steps):
            row |= self.probe.measure(pl_module.learner)
        self.rows.append(row)
        for logger in trainer.loggers:
            logger.log_metrics({k: v for k, v in row.items() if k != "step"}, step)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        if trainer.global_step <= self._saved:
            return
        if self.valid is not None:
            value = validation_loss(pl_module.learner, self.valid, self.stream.frame_step)
            self.rows.append({"step": trainer.global_step, "valid_loss": value})
            if value < self.best[0]:
                self.best = (value, trainer.global_step)
                self.best_weights = {k: v.detach().cpu().clone() for k, v in pl_module.learner.state_dict().items()}
        self.seconds = self._elapsed()
        self._clock = time.monotonic()
        if trainer.is_global_zero:
            write_metrics(self.out, self.rows)
        # Every process takes part in collecting the state; the first alone writes it.
        place = atomic_path(self.out / STATE) if trainer.is_global_zero else nullcontext(self.out / STATE)
        with place as temporary:
            trainer.save_checkpoint(temporary, weights_only=False)
        self._saved = trainer.global_step

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self._clock


def fit(
    learner: Learner,
    train: ClipDataset,
    data: DataConfig,
    config: Mapping[str, Any],
    training: TrainingConfig,
    out: Path,
    device: str,
    devices: int,
    label: str,
) -> float:
    """Train ``learner`` in place, from its last checkpoint if there is one. Returns seconds of training in all."""
    quiet()
    symmetries = None
    if training.shift or training.mirrors or training.boost or training.rescale or training.swap:
        symmetries = Symmetries(
            training.shift, tuple(training.mirrors), training.boost, tuple(training.rescale), training.swap
        )
        check_symmetries(symmetries, train.dataset_name)
    stream = WindowStream(
        train,
        learner.train_frames,
        data.frame_step,
        training.batch_size,
        config["seed"],
        training.window_stride,
        symmetries,
        learner.pairing,
    )
    module = LearnerModule(learner, training)
    valid = data.open("valid", train.stats)
    probe = None
    if training.probe_every:
        probe = OnlineProbe(train, valid, learner.num_frames, data.frame_step, config["parameters"])
    with Progress(training.steps, label, "steps") as progress:
        book = Bookkeeper(
            stream, training, config["seed"], out, probe, valid if training.select == "best" else None, progress
        )
        chunk = training.checkpoint_every * training.accumulate
        trainer = L.Trainer(
            accelerator=device,
            devices=devices,
            precision=training.precision,  # pyright: ignore[reportArgumentType]
            max_steps=training.steps,
            accumulate_grad_batches=training.accumulate,
            gradient_clip_val=training.clip_norm or None,
            logger=_loggers(training, out),
            callbacks=[book],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            limit_train_batches=chunk,
        )
        stream.rank, stream.world = trainer.global_rank, trainer.world_size
        resume = out / STATE if (out / STATE).is_file() else None
        trainer.fit(module, _Chunks(stream, trainer, training), ckpt_path=resume)
    if training.select == "best" and book.best_weights:
        learner.load_state_dict(book.best_weights)
    return book.seconds


class _Chunks:
    """The micro-batches of the chunk that starts at the trainer's step."""

    def __init__(self, stream: WindowStream, trainer: L.Trainer, training: TrainingConfig) -> None:
        self.stream, self.trainer, self.training = stream, trainer, training

    def __len__(self) -> int:
        return self.training.checkpoint_every * self.training.accumulate

    def __iter__(self):
        done, training = self.trainer.global_step, self.training
        self.stream.first = done * training.accumulate
        self.stream.count = min(training.checkpoint_every, training.steps - done) * training.accumulate
        return iter(self.stream)


def _loggers(training: TrainingConfig, out: Path) -> Any:
    loggers = []
    for name in training.loggers:
        try:
            if name == "tensorboard":
                from lightning.pytorch.loggers import TensorBoardLogger

                loggers.append(TensorBoardLogger(out, name="tensorboard", version=""))
            elif name == "wandb":
                from lightning.pytorch.loggers import WandbLogger

                loggers.append(WandbLogger(project="physrep", name=out.name, save_dir=str(out)))
            else:
                raise PhysrepError(f"training.loggers names {name!r}; known: tensorboard, wandb.")
        except ImportError as error:
            raise PhysrepError(f"logger {name!r} is not installed; run `pip install physrep[{name}]`.") from error
    return loggers or False


def quiet() -> None:
    """Silence Lightning's advice about hardware and data loaders, which does not apply here."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
