"""TensorBoard and Weights & Biases beside metrics.csv; both write below the run directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import PhysrepError, one_line
from .config import LOGGERS


class Logger(Protocol):
    """Takes the numbers of a step."""

    def log(self, values: dict[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in ``OUT/tensorboard``."""

    def __init__(self, out: Path) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.writer: Any = SummaryWriter(str(out / "tensorboard"))

    def log(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()


class WandB:
    """A run of the project ``physrep``, named after the run directory."""

    def __init__(self, out: Path) -> None:
        import wandb  # pyright: ignore[reportMissingImports]

        self.run: Any = wandb.init(project="physrep", name=out.name, dir=str(out), resume="allow")

    def log(self, values: dict[str, float], step: int) -> None:
        self.run.log(values, step=step)

    def close(self) -> None:
        self.run.finish()


def build_loggers(names: Sequence[str], out: Path) -> list[Logger]:
    """The loggers called ``names``.

    Raises:
        PhysrepError: an unknown name, or a package that is not installed.
    """
    loggers: list[Logger] = []
    for name in names:
        if name not in LOGGERS:
            raise PhysrepError(f"training.loggers names {name!r}; known: {', '.join(LOGGERS)}.")
        try:
            loggers.append(TensorBoard(out) if name == "tensorboard" else WandB(out))
        except ImportError as error:
            raise PhysrepError(f"logger {name!r} is not installed; run `pip install physrep[{name}]`.") from error
        except Exception as error:  # the network, an account, a full disk: the package's own kinds of exception
            reason = one_line(error)
            raise PhysrepError(f"logger {name!r} does not start ({reason}); leave it out of the loggers.") from error
    return loggers
