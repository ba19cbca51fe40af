"""The package's own face."""

from __future__ import annotations

import subprocess
import sys

import pytest

import physrep


@pytest.mark.parametrize("name", physrep.__all__)
def test_public_names_exist(name: str) -> None:
    assert getattr(physrep, name) is not None


def test_no_module_hides_a_public_name() -> None:
    """Importing a submodule binds its name in the package, so none may be called like a function of it."""
    from pathlib import Path

    modules = {path.stem for path in Path(physrep.__path__[0]).iterdir()}
    assert modules.isdisjoint(physrep.__all__)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, physrep; print({'torch', 'numpy', 'lightning', 'h5py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'jepa'"):
        _ = physrep.jepa
