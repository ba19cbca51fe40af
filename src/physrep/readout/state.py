"""A fitted object as named tensors and plain data, and back: what a run directory may hold of a probe."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import PhysrepError, one_line


def pack(value: Any, tensors: dict[str, Tensor], path: str = "state") -> Any:
    """Plain data that describe ``value``; its tensors are added to ``tensors`` under names that the data refer to.

    Args:
        value: plain data, tensors, arrays, and objects whose attributes are such.
        tensors: filled.
        path: prefix of the names of tensors.

    Raises:
        PhysrepError: something that is neither, a function for example.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.integer, np.floating)):
        return value.item()
    if isinstance(value, (Tensor, np.ndarray)):
        tensors[path] = torch.as_tensor(value).detach().cpu().clone().contiguous()
        return {"tensor": path}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [pack(item, tensors, f"{path}.{i}") for i, item in enumerate(value)]}
    if isinstance(value, Mapping):
        return {"mapping": [[key, pack(item, tensors, f"{path}.{key}")] for key, item in value.items()]}
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    if isinstance(value, nn.Module):
        wanted = list(inspect.signature(type(value)).parameters)
        missing = [argument for argument in wanted if not hasattr(value, argument)]
        if missing:
            raise PhysrepError(f"{name} does not keep its argument {missing[0]!r} as an attribute; it cannot be saved.")
        state = {key: pack(tensor, tensors, f"{path}.{key}") for key, tensor in value.state_dict().items()}
        arguments = {key: pack(getattr(value, key), tensors, f"{path}.{key}") for key in wanted}
        return {"module": name, "arguments": arguments, "weights": state}
    if isinstance(value, type) or inspect.isroutine(value) or not hasattr(value, "__dict__"):
        raise PhysrepError(f"{path}: a {type(value).__name__} cannot be saved as tensors and plain data.")
    return {"object": name, "attributes": {k: pack(v, tensors, f"{path}.{k}") for k, v in vars(value).items()}}


def unpack(data: Any, tensors: Mapping[str, Tensor], trusted: str | None = None) -> Any:
    """The inverse of `pack`.

    Args:
        data, tensors: what `pack` gave.
        trusted: import path of a class outside this package that may be made too: the user's own probe.

    Raises:
        PhysrepError: the data name another class, or are damaged.
    """
    if not isinstance(data, Mapping):
        return data
    try:
        if "tensor" in data:
            return tensors[data["tensor"]]
        if "list" in data:
            return [unpack(item, tensors, trusted) for item in data["list"]]
        if "tuple" in data:
            return tuple(unpack(item, tensors, trusted) for item in data["tuple"])
        if "mapping" in data:
            return {key: unpack(item, tensors, trusted) for key, item in data["mapping"]}
        if "module" in data:
            arguments = {key: unpack(item, tensors, trusted) for key, item in data["arguments"].items()}
            module = _named(data["module"], trusted)(**arguments)
            module.load_state_dict({key: unpack(item, tensors, trusted) for key, item in data["weights"].items()})
            return module.eval().requires_grad_(False)
        made = object.__new__(_named(data["object"], trusted))
        for key, item in data["attributes"].items():
            setattr(made, key, unpack(item, tensors, trusted))
        return made
    except PhysrepError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise PhysrepError(f"a stored probe is damaged ({one_line(error, 120)}); fit it again.") from error


def _named(path: str, trusted: str | None) -> Any:
    """A class by import path: of this package, or the one that the user named."""
    module, _, name = str(path).partition(":")
    if path != trusted and module.partition(".")[0] != __name__.partition(".")[0]:
        raise PhysrepError(f"a stored probe names {path!r}, which is no class of physrep; it is not loaded.")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise PhysrepError(f"a stored probe needs {path}, which cannot be imported ({error}).") from error
    if not isinstance(found, type):
        raise PhysrepError(f"a stored probe names {path!r}, which is no class; fit the probe again.")
    return found
