"""Where to compute: the names of devices that options accept, and the sentence for those that are not there."""

from __future__ import annotations

import os
import re

from .errors import PhysrepError


def check_device(name: str) -> None:
    """Refuse what is no name of a device, without asking whether it is there.

    Args:
        name: what the user wrote.

    Raises:
        PhysrepError: it is none.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,4})?", str(name)):
        raise PhysrepError(f"device is {name!r}; give auto, cpu, cuda or cuda:N.")


def resolve_device(name: str) -> str:
    """``cpu``, ``cuda``, ``cuda:N`` or ``mps``, proved to exist; ``auto`` is the GPU if there is one, else the CPU.

    Raises:
        PhysrepError: no such device, or none on this machine.
    """
    check_device(name)
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise PhysrepError("device is 'mps', which this machine does not have; give cpu.")
        return name
    if not torch.cuda.is_available():
        raise PhysrepError(f"device is {name!r}, but this machine, or this build of torch, has no CUDA; give cpu.")
    number = int(name.partition(":")[2] or 0)
    if number >= torch.cuda.device_count():
        raise PhysrepError(f"device is {name!r}, but there are {torch.cuda.device_count()} GPUs; count from 0.")
    return name


def visible_gpus() -> list[str]:
    """Names of the CUDA devices that this process sees, as ``CUDA_VISIBLE_DEVICES`` takes them."""
    import torch

    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = said.split(",") if said else [str(number) for number in range(torch.cuda.device_count())]
    return [name.strip() for name in names][: torch.cuda.device_count()]
